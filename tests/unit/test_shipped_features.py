"""The scenarios that we ship are sound: every one is collected, and none is refused."""

from __future__ import annotations

import subprocess
import sys

from aftershock.config import project_root

ROOT = project_root()


def test_every_scenario_is_collected() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "features/", "--collect-only", "-q"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = sum(
        path.read_text().count("Scenario:") + path.read_text().count("Scenario Outline:")
        for path in (ROOT / "features").rglob("*.feature")
    )
    collected = [line for line in done.stdout.splitlines() if "::" in line]
    assert len(collected) >= written > 0
