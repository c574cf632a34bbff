"""A recorded run of two scenarios as it lies on the disk, for what makes reports of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aftershock.report.record import RunRecord, ScenarioRecord, StepRecord, write_record
from aftershock.report.verdicts import as_text
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated
from tests.conformance.generator import Story, at, healthy_web

RECOVERED = met(
    "deployment/demo/web recovers within 30 s",
    expected="Ready again within 30 s",
    observed=4.5,
    unit="s",
    resolution_s=0.2,
    evidence=("Kubernetes' clock: 4.5 s",),
    question={
        "judge": "recovered_within",
        "arguments": {"workload": "deployment/demo/web", "within_s": 30.0, "wanted": None},
        "events": 9,
    },
)
FIRED = met(
    "PodOOMKilled fires within 20 s",
    expected="firing within 20 s",
    observed=9.0,
    unit="s",
    question={"judge": "fired_within", "arguments": {"alert": "PodOOMKilled", "within_s": 20.0}, "events": 9},
)
SILENT = violated(
    "no alert other than PodOOMKilled fires",
    expected="none",
    observed="PodNotReady",
    reason="PodNotReady fired",
    question={"judge": "nothing_else_fired", "arguments": {"expected": ["PodOOMKilled"]}, "events": 9},
)
DOUBTED = unknown("web answers throughout", expected="no failed probe", reason="no client watched")
STEPS = (
    StepRecord(text="Given every workload of demo is steady", outcome="passed", began=at(-8), seconds=1.0),
    StepRecord(text="When 1 web pod runs out of memory", outcome="passed", began=at(-1), seconds=2.0),
    StepRecord(text="Then PodOOMKilled fires within 20 seconds", outcome="passed", began=at(1), seconds=9.0),
    StepRecord(text="And web recovers within 30 seconds", outcome="violated", began=at(10), seconds=60.0),
    StepRecord(text="And web answers throughout", outcome="not run"),
)


def story() -> Story:
    """One of three pods is killed at 0 and Ready again at 6; two alerts fire, one of them unasked."""
    told = healthy_web().add(-10, "client", "watching", "x")
    fault = {"fault": "out-of-memory", "fault_id": "out-of-memory-1"}
    told.add(-0.1, "harness", "planned", "pod/demo/web-1", **fault, blast_radius="one pod of 3 (seed 4711)")
    told.add(0, "harness", "injecting", "pod/demo/web-1", **fault)
    told.add(2, "harness", "landed", "pod/demo/web-1", **fault)
    told.pod(1.5, "web-1", ready=False).pod(6, "web-1", restarts=1, finished=1)
    told.probes(-10, 80, down=[(2.0, 5.0)], rate=2.0)
    told.add(
        4, "kubernetes", "event", "pod/demo/web-1", reason="BackOff", message="Back-off <restarting>",
        severity="Warning", type="ADDED", namespace="demo", count=2,
    )  # fmt: skip
    told.alerts(
        -60, 80,
        ("PodOOMKilled", 9, 40, {"labels": {"namespace": "demo"}}),
        ("PodNotReady", 5, 60, {"state": "pending"}),
        ("PodNotReady", 62, 79),
    )  # fmt: skip
    told.notification(12, "PodOOMKilled", "firing")
    told.add(79, "harness", "undone", "pod/demo/web-1", **fault)
    return told.end(80)


def scenario(name: str = "A pod is killed", **changes: Any) -> ScenarioRecord:
    given: dict[str, Any] = {
        "name": name, "template": name, "feature": "Pods come back", "file": "features/a.feature", "line": 3,
        "outcome": "violated", "began": at(-10), "ended": at(82), "tags": ("critical", "owner-web"),
        "message": "assert 2 == 3", "steps": STEPS,
    }  # fmt: skip
    return ScenarioRecord(**given | changes)


def write_scenario(
    folder: Path, record: ScenarioRecord, events: Sequence[Event], verdicts: Sequence[Verdict]
) -> None:
    folder.mkdir(parents=True)
    write_record(folder / "scenario.json", record)
    lines = "".join(f"{event.to_json()}\n" for event in events)
    (folder / "timeline.jsonl").write_text(lines, encoding="utf-8")
    (folder / "verdicts.json").write_text(as_text(verdicts), encoding="utf-8")


def write_run(run: Path, **changes: Any) -> Path:
    """A run of three scenarios: one violated, one that held, one that had no turn."""
    given: dict[str, Any] = {
        "id": run.name, "began": at(-20), "ended": at(90), "state": "finished", "profile": "ci",
        "cluster": "kind", "planned": ("killed", "quiet", "never-begun"), "environment": {"nodes": "3"},
    }  # fmt: skip
    write_record(run / "run.json", RunRecord(**given | changes))
    write_scenario(run / "killed", scenario(), story().timeline, [FIRED, RECOVERED, SILENT, DOUBTED])
    budget = (
        "web: 99.9 % over 30 days is a budget of 43 min 12 s\n  in time: down for 3 s\n  in requests: 0\n"
    )
    (run / "killed" / "budget.txt").write_text(budget, encoding="utf-8")
    quiet = scenario("All is quiet", outcome="passed", message="", tags=(), steps=STEPS[:1], ended=at(60))
    events = healthy_web().end(60).timeline
    write_scenario(run / "quiet", quiet, events, [RECOVERED])
    return run
