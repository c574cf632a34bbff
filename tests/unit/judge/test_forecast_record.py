"""The forecast beside what happened, from the record alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aftershock.forecast.beat import Delay
from aftershock.forecast.kept import KeptAlert, to_data
from aftershock.judge.alerts import fired_within
from aftershock.judge.forecast_record import forecast_lines
from aftershock.timeline import Event
from tests.conformance.generator import Story
from tests.unit.forecast.test_alerts import NOON, path, s, source

OOM = "PodOOMKilled"
DELAYS = {"kube_reason": Delay(earliest_s=1.0, usual_s=2.5, latest_s=6.0)}


def made(at_s: float, **more: Any) -> Event:
    """A forecast made at that second: scrapes at 1, 6, 11 s, evaluations at 3, 8, 13 s."""
    kept = KeptAlert(alert=OOM, paths=(replace(path(source(1.0)), **more),), delays=DELAYS)
    return Event(at=NOON + s(at_s), mono=at_s, source="harness", kind="forecast", data=to_data([kept], []))


def lines(*events: Event, observed_s: float | None = None) -> list[str]:
    return forecast_lines(events, alert=OOM, start=NOON, observed_s=observed_s)


def test_the_phases_of_the_record_give_the_point() -> None:
    assert lines(made(-5), observed_s=8.03) == [
        "forecast: 8 s (2.9 s to 13.1 s) after the injection; observed 8 s"
    ]


@pytest.mark.parametrize("observed", [2.0, 14.0])
def test_a_forecast_that_was_wrong_is_told(observed: float) -> None:
    assert lines(made(-5), observed_s=observed)[0].endswith("outside of it")


def test_only_what_was_forecast_before_counts_and_of_that_the_latest() -> None:
    early, late = made(-60, for_s=30.0), made(-5)
    assert lines(early, late) == lines(late)
    assert lines(late, made(1.0, for_s=30.0)) == lines(late)
    assert lines(made(1.0)) == []


def test_another_alert_has_none() -> None:
    assert forecast_lines([made(-5)], alert="Other", start=NOON) == []


def test_it_stands_in_the_evidence_of_the_verdict() -> None:
    story = Story().add(-5.0, "harness", "forecast", **made(-5).data)
    story.injected(0.0).alerts(-10, 60, (OOM, 8.0, 50.0, {"labels": {"pod": "a"}}))
    verdict = fired_within(story.timeline, alert=OOM, within_s=20.0)
    assert verdict.status == "met"
    assert verdict.evidence[-1].startswith("forecast: 8 s (2.9 s to 13.1 s)")
