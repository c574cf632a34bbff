from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.faults.draining import ALL_AT_ONCE, OURS, PEER, Drain
from benchmarks.faults.landing import Landing
from benchmarks.faults.report import Results, keep, ratio, show

DRAINS = [
    *(Drain(by=OURS, may_leave=ALL_AT_ONCE, took_s=took) for took in (2.0, 3.0, 9.0)),
    *(Drain(by=PEER, may_leave=ALL_AT_ONCE, took_s=took) for took in (10.0, 10.0, 40.0)),
    Drain(by=OURS, may_leave=1, took_s=5.0),
    Drain(by=PEER, may_leave=1, took_s=0.1, failed="Failed to evict pod a: 429"),
]
RESULTS = Results(
    landings=[
        Landing(fault="cpu-hog", before_s=1.0, act_s=2.0, proof_s=3.0),
        Landing(fault="cpu-hog", before_s=1.0, act_s=2.0, proof_s=5.0),
    ],
    drains=DRAINS,
    failed={"disk-fill": "there is no workload [ledger]"},
)


def test_the_ratio_is_of_the_medians_of_drains_that_nothing_held_back() -> None:
    assert ratio(DRAINS) == pytest.approx(0.3)
    assert ratio(DRAINS[:3]) is None


def test_a_failed_drain_has_no_time() -> None:
    assert ratio([*DRAINS[:3], Drain(by=PEER, may_leave=ALL_AT_ONCE, took_s=0.1, failed="x")]) is None


def test_it_tells_medians_parts_and_failures() -> None:
    output = io.StringIO()
    show(RESULTS, Console(file=output))
    said = output.getvalue()
    row = next(line for line in said.splitlines() if "cpu-hog" in line)
    figures = [word for word in row.split() if word[0].isdigit()]
    assert figures[:7] == ["2", "7.00", "6.00", "8.00", "1.00", "2.00", "4.00"]
    assert "0.30 (objective: at most 0.6)" in said
    assert "Failed to evict pod a: 429" in said
    assert "no figure for disk-fill: there is no workload [ledger]" in said


def test_every_reading_is_kept(tmp_path: Path) -> None:
    keep(RESULTS, tmp_path / "readings.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "readings.jsonl").read_text().splitlines()]
    assert len(lines) == 2 + len(DRAINS)
    assert lines[0]["fault"] == "cpu-hog"
