"""Folders of runs as a run leaves them, made up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aftershock.report.record import RunRecord, ScenarioRecord, write_record
from aftershock.timeline import Timeline
from aftershock.verdict import Verdict, met

BEGAN = datetime(2026, 11, 2, 1, tzinfo=UTC)


def recovers(seconds: float | str = 5.25) -> Verdict:
    arguments = {"workload": "deployment/demo/web", "within_s": 30.0}
    question = {"judge": "recovered_within", "arguments": arguments, "events": 1}
    return met(
        "web recovers", expected="Ready", observed=seconds, unit="s", resolution_s=0.2, question=question
    )


def folder(
    path: Path, *verdicts: Verdict, night: int = 0, failed: int = 1, message: str = "", scenarios: int = 1
) -> Path:
    """A run of `scenarios` scenarios, of which each was asked ten times and failed `failed` times."""
    began = BEGAN + timedelta(days=night)
    names = [f"web-{number}" for number in range(scenarios)]
    run = RunRecord(
        id=path.name, began=began, ended=began + timedelta(minutes=5), state="finished", profile="ci",
        cluster="kind", planned=tuple(names), environment={"kubernetes": "v1.34.0"},
    )  # fmt: skip
    write_record(path / "run.json", run)
    for name in names:
        record = ScenarioRecord(
            name=f"Web {name}", template="Web", feature="Recovery", file="features/web.feature", line=3,
            outcome="passed", began=began, ended=began + timedelta(seconds=61.5), message=message,
            example=(("number", name),),
        )  # fmt: skip
        write_record(path / name / "scenario.json", record)
        _timeline(path / name / "timeline.jsonl", failed)
        (path / name / "verdicts.json").write_text(json.dumps([one.to_dict() for one in verdicts]))
    return path


def _timeline(path: Path, failed: int) -> None:
    timeline = Timeline(path)
    timeline.record("harness", "landed", "pod/demo/web-1", fault_id="f")
    subject = "load/web"
    demand = {"arrivals": 10, "users": 0, "rate_per_user": 1.0, "shape": "constant", "asked": 10}
    timeline.record("load", "load-started", subject, model="open", duration_s=1.0, host="", **demand)
    columns = {name: [5.0] * 10 for name in ("due_ms", "sent_ms", "ms")}
    failures = {"status 503": list(range(failed))}
    timeline.record(
        "load", "requests", subject, **columns, failures=failures, servers={}, dropped_ms=[], unfinished_ms=[]
    )
    timeline.close()
