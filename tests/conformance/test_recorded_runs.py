"""Recorded runs of real faults on a real cluster, judged again.

Each folder of recorded/ is a run: a scenario's timeline, without the events that no judge
reads, and the verdicts that are expected of it. The faults: a container killed for want of
memory, a drain under load, a load that an autoscaler answers, and a fault that did not land.
After a change of what verdicts say: `aftershock judge FOLDER --into FOLDER` of the unpacked run.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aftershock.judge.question import ask_again
from aftershock.report.again import judge_again
from aftershock.report.verdicts import as_text, read_verdicts
from aftershock.timeline import read_timeline

RECORDED = Path(__file__).parent / "recorded"
RUNS = sorted(path.name for path in RECORDED.iterdir())
TIMES = 1000
MOST_BYTES = 60_000

# What was true of these runs, stated apart from the files.
TRUTH = {
    "drain": ["met"] * 7,
    "fault-that-did-not-land": ["unknown"],
    "out-of-memory": ["met"] * 4,
    "scaling": ["met"] * 4,
}


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The run of that name, unpacked."""
    name: str = request.param
    for packed in (RECORDED / name).glob("*/timeline.jsonl.gz"):
        folder = tmp_path / name / packed.parent.name
        folder.mkdir(parents=True)
        (folder / "timeline.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
        (folder / "verdicts.json").write_bytes((packed.parent / "verdicts.json").read_bytes())
    return tmp_path / name


each = pytest.mark.parametrize("run", RUNS, indirect=True)


@each
def test_the_verdicts_are_as_expected_to_the_byte(run: Path, tmp_path: Path) -> None:
    (scenario,) = judge_again(run)
    assert [verdict.status for verdict in scenario.recorded] == TRUTH[run.name]
    assert scenario.as_recorded == len(TRUTH[run.name]), "\n".join(scenario.lines())
    written = scenario.write(tmp_path / "again")
    assert written.read_bytes() == (run / scenario.scenario / "verdicts.json").read_bytes()


@each
def test_nobodys_machine_is_in_it(run: Path) -> None:
    for path in run.rglob("*.json*"):
        text = path.read_text()
        assert not [word for word in ("/home", "/root", "/tmp", "/work", "reports/") if word in text]
    for packed in (RECORDED / run.name).rglob("*.gz"):
        assert packed.stat().st_size < MOST_BYTES


@pytest.mark.parametrize("run", ["out-of-memory"], indirect=True)
def test_judged_a_thousand_times_it_is_the_same_to_the_byte(run: Path) -> None:
    (folder,) = run.iterdir()
    recorded = read_verdicts(folder / "verdicts.json")
    events = tuple(read_timeline(folder / "timeline.jsonl"))
    found = {as_text([ask_again(verdict, events) for verdict in recorded]) for _ in range(TIMES)}
    assert found == {(folder / "verdicts.json").read_text()}


@pytest.mark.parametrize("run", ["scaling"], indirect=True)
def test_the_order_of_sets_has_no_say(run: Path) -> None:
    """Each process hashes text in its own way, and so walks through sets in its own order."""
    command = [sys.executable, "-m", "aftershock.cli", "judge", str(run)]
    told = {
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1


@pytest.mark.parametrize("run", ["out-of-memory"], indirect=True)
def test_a_record_that_was_changed_is_found_out(run: Path) -> None:
    """Readiness that came back ten seconds later than it did."""
    (folder,) = run.iterdir()
    path = folder / "timeline.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    degraded = next(
        i for i, raw in enumerate(lines) if raw["kind"] == "pod" and raw["data"]["ready"] is False
    )
    healthy = next(i for i in range(degraded, len(lines)) if lines[i]["data"].get("ready") is True)
    lines[healthy]["mono"] += 10
    path.write_text("".join(json.dumps(raw) + "\n" for raw in lines))
    (scenario,) = judge_again(run)
    assert scenario.as_recorded < len(scenario.recorded)
    assert "DIFFERS in" in "\n".join(scenario.lines())
