"""Runs as the history gets them, made up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aftershock.history.facts import Measure, RunFacts, ScenarioFacts
from aftershock.history.trend import Point, Series
from aftershock.judge.reliability import Figures
from aftershock.verdict import Verdict, met

BEGAN = datetime(2026, 11, 2, 1, tzinfo=UTC)
RECOVERS = met(
    "deployment/demo/web recovers within 30 s", expected="Ready again", observed=5.25, unit="s",
    resolution_s=0.2, profile="ci", question={"judge": "recovered_within", "arguments": {}, "events": 3},
)  # fmt: skip


def recovery(
    value: float | None, *, resolution: float = 0.2, subject: str = "deployment/demo/web"
) -> Measure:
    return Measure(kind="recovery", subject=subject, value=value, unit="s", resolution=resolution)


def scenario(
    *measures: Measure, name: str = "Web recovers", folder: str = "", verdicts: Sequence[Verdict] = ()
) -> ScenarioFacts:
    return ScenarioFacts(
        folder=folder or name.lower().replace(" ", "-"),
        file="features/recovery/web.feature",
        template=name,
        example={"service": "web"},
        name=name,
        feature="Recovery",
        outcome="passed",
        message="",
        began=BEGAN,
        ended=BEGAN + timedelta(seconds=60),
        verdicts=tuple(verdicts),
        measures=measures,
        alarms=2,
        false_alarms=1,
    )


def run(night: int, *scenarios: ScenarioFacts, profile: str = "ci", gameday: str = "") -> RunFacts:
    began = BEGAN + timedelta(days=night)
    return RunFacts(
        id=f"{gameday or 'run'}-{profile}-{night:03}",
        began=began,
        ended=began + timedelta(minutes=5),
        state="finished",
        why="",
        profile=profile,
        cluster="kind",
        gameday=gameday,
        environment={"kubernetes": "v1.34.0"},
        planned=len(scenarios),
        scenarios=scenarios,
        figures=Figures(scenarios=len(scenarios), requests=10, failed=1),
    )


def series(
    values: Sequence[float],
    *,
    resolution: float = 0.0,
    subject: str = "deployment/demo/web",
    profile: str = "ci",
    missing: int = 0,
) -> Series:
    points = [
        Point(run=f"r{night}", began=BEGAN + timedelta(days=night), value=value, resolution=resolution)
        for night, value in enumerate(values)
    ]
    return Series(
        profile=profile,
        cluster="kind",
        file="features/recovery/web.feature",
        template="Web recovers",
        example={"service": "web"},
        scenario="Web recovers",
        kind="recovery",
        subject=subject,
        unit="s",
        runs=len(values) + missing,
        points=points,
    )
