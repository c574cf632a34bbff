from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.honest_times.machine import busy_cores, busy_share, cpu_times

ROOT = Path(__file__).parents[4]


def test_busy_is_what_is_neither_idle_nor_waiting_for_a_disk(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 1 1 1 1 1 1 1 1 1 1\n", encoding="ascii")
    earlier = cpu_times(stat)
    stat.write_text("cpu  160 0 60 820 60 0 0 0 9 9\n", encoding="ascii")

    assert busy_share(earlier, cpu_times(stat)) == pytest.approx(0.7)


def test_in_no_time_nothing_was_busy() -> None:
    assert busy_share((1,) * 8, (1,) * 8) == 0.0


def test_burners_run_for_the_block_and_not_after() -> None:
    def burners() -> list[str]:
        found = subprocess.run(
            ["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True, check=False
        )
        return [line for line in found.stdout.splitlines() if "getppid" in line]

    with busy_cores(1):
        assert len(burners()) == 1
    assert burners() == []


def test_burners_end_with_a_bench_that_was_killed() -> None:
    bench = "\n".join(
        [
            "import os, signal",
            "from benchmarks.honest_times.machine import busy_cores",
            "with busy_cores(1):",
            "    os.kill(os.getpid(), signal.SIGKILL)",
        ]
    )
    # The burner holds the pipe open as long as it lives.
    done = subprocess.run(
        [sys.executable, "-c", bench], cwd=ROOT, capture_output=True, check=False, timeout=10
    )

    assert done.returncode == -signal.SIGKILL
