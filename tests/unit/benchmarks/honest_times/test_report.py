from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from benchmarks.honest_times.errors import Reading
from benchmarks.honest_times.measuring import CLIENT, KUBERNETES
from benchmarks.honest_times.report import Results, keep, show


def reading(method: str, true_s: float | None, measured_s: float | None, *, kind: str = "1 s") -> Reading:
    return Reading(
        condition="idle", method=method, kind=kind, pod="driven-0", true_s=true_s, measured_s=measured_s
    )


RESULTS = Results(
    readings=[
        reading(CLIENT, 1.0, 1.042),
        reading(CLIENT, 2.0, None, kind="2 s"),
        reading(KUBERNETES, None, None),
        reading(KUBERNETES, 1.0, 1.003),
    ],
    lags={"patch to receipt": [0.001, 0.003, 0.011], "nothing": []},
    busy={"idle, Aftershock": 0.314},
)


def test_a_pipe_gets_whole_rows() -> None:
    said = io.StringIO()
    show(RESULTS, Console(file=said))

    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.getvalue().splitlines()]
    # outages, median, p95, max, missed, unknown, invented, beyond ±, what p95 may be
    assert ["idle", CLIENT, "2", "42", "42", "42", "1", "0", "0", "", "100"] in rows
    assert ["idle", KUBERNETES, "1", "3", "3", "3", "0", "0", "0", "", "250"] in rows
    assert ["idle", CLIENT, "2 s", "1", "-", "-", "-", "1", "0", "0", ""] in rows
    assert ["patch to receipt", "3", "3", "11", "11"] in rows
    assert ["nothing", "0", "-", "-", "-"] in rows
    assert "cores busy during idle, Aftershock: 31%" in said.getvalue()
    assert "readiness probe itself did not notice: 1" in said.getvalue()


def test_every_reading_is_kept(tmp_path: Path) -> None:
    keep(RESULTS, tmp_path / "readings.jsonl")

    lines = [json.loads(line) for line in (tmp_path / "readings.jsonl").read_text().splitlines()]
    assert [Reading(**line) for line in lines] == RESULTS.readings
