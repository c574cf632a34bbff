"""The units for machines with systemd, on one: a node of the cluster. The harness is a stand-in there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aftershock.clock import wait_until
from aftershock.errors import DeadlineError
from tests.cluster.conftest import ROOT
from tests.cluster.state import on

NODE = "aftershock-worker2"
UNIT = "aftershock-nightly"
HERE = "/srv/aftershock"
LOG = "/run/aftershock-nightly-trial"
UNITS = ROOT / "systemd"

# Says what it was called for; `gameday` lasts until it is asked to end, and then ends in order.
STAND_IN = f"""#!/bin/sh
echo "$* ${{SERVICE_RESULT:-}}" >> {LOG}
[ "$1" = gameday ] || exit 0
trap 'echo "undone" >> {LOG}; exit 1' TERM
[ -e {LOG}.short ] && exit 0
while :; do sleep 0.1; done
"""


def lay(path: str, text: str, *, mode: str = "0644") -> None:
    """Write a file on the node."""
    on(
        NODE,
        f"mkdir -p {Path(path).parent} && cat > {path} <<'THE-END'\n{text}\nTHE-END\nchmod {mode} {path}",
    )


@pytest.fixture
def node() -> Iterator[str]:
    """A node with the units as they ship; all of it is taken away."""
    assert on(NODE, f"ls -d {HERE} /etc/systemd/system/{UNIT}.* 2>/dev/null || true") == ""
    try:
        lay(f"{HERE}/.venv/bin/aftershock", STAND_IN, mode="0755")
        for kind in ("service", "timer"):
            lay(f"/etc/systemd/system/{UNIT}.{kind}", (UNITS / f"{UNIT}.{kind}").read_text())
        on(NODE, "systemctl daemon-reload")
        yield NODE
    finally:
        on(NODE, f"systemctl stop {UNIT}.timer {UNIT}.service || true")
        on(NODE, f"rm -rf {HERE} {LOG} {LOG}.short /etc/systemd/system/{UNIT}.*; systemctl daemon-reload")
        on(NODE, f"systemctl reset-failed {UNIT}.service 2>/dev/null || true")


def said() -> list[str]:
    """Return what the stand-in was called for, in order, and whether it ended in order."""
    return on(NODE, f"cat {LOG} 2>/dev/null || true").splitlines()


def until(*lines: str, within_s: float = 20) -> None:
    wait_until(lambda: said() == list(lines), within_s=within_s, every_s=0.2, what=f"{lines}, not {said()}")


def result() -> str:
    shown = on(NODE, f"systemctl show {UNIT}.service --property Result,ExecMainStatus --value")
    return " ".join(shown.split())


def test_systemd_finds_nothing_wrong_with_them(node: str) -> None:
    names = " ".join(f"/etc/systemd/system/{UNIT}.{kind}" for kind in ("service", "timer"))
    assert on(node, f"systemd-analyze verify --man=no {names} 2>&1").strip() == ""


def test_when_it_would_begin(node: str) -> None:
    words = f"'{calendar()}' --base-time='2026-07-01 12:00 UTC'"
    shown = on(node, f"TZ=Europe/Berlin systemd-analyze calendar {words}")
    assert "2026-07-02 02:00:00 UTC" in shown


def calendar() -> str:
    lines = (UNITS / f"{UNIT}.timer").read_text().splitlines()
    return next(line.removeprefix("OnCalendar=") for line in lines if line.startswith("OnCalendar="))


def test_the_timer_begins_it_and_one_at_a_time(node: str) -> None:
    lay(f"{LOG}.short", "")
    drop_in = f"/etc/systemd/system/{UNIT}.timer.d/soon.conf"
    lay(drop_in, "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nAccuracySec=100ms")
    on(node, f"systemctl daemon-reload && systemctl start {UNIT}.timer")
    wait_until(
        lambda: said()[:2] == ["gameday gamedays/nightly.yaml ", "recover success"],
        within_s=60, every_s=0.5, what=f"the timer to begin it, not {said()}",
    )  # fmt: skip
    on(node, f"rm {LOG}.short")  # from here on it lasts: the next ones find it running
    wait_until(lambda: said()[-1:] == ["gameday gamedays/nightly.yaml "], within_s=20, what="another one")
    before = said()
    with pytest.raises(DeadlineError):
        wait_until(lambda: said() != before, within_s=12, every_s=1.0, what="a second one beside it")


def test_killed_in_the_middle_it_is_undone(node: str) -> None:
    on(node, f"systemctl start {UNIT}.service")
    until("gameday gamedays/nightly.yaml ")
    on(node, f"systemctl kill --signal=KILL {UNIT}.service")
    until("gameday gamedays/nightly.yaml ", "recover signal")
    assert result() == "signal 9"


def test_asked_to_end_it_ends_in_order_and_is_undone(node: str) -> None:
    on(node, f"systemctl start {UNIT}.service")
    until("gameday gamedays/nightly.yaml ")
    on(node, f"systemctl stop {UNIT}.service")
    assert said() == ["gameday gamedays/nightly.yaml ", "undone", "recover exit-code"]


def test_a_run_that_fails_is_a_failed_unit_and_is_not_begun_again(node: str) -> None:
    lay(f"{HERE}/.venv/bin/aftershock", STAND_IN.replace("&& exit 0", "&& exit 1"), mode="0755")
    lay(f"{LOG}.short", "")
    on(node, f"systemctl start {UNIT}.service || true")
    until("gameday gamedays/nightly.yaml ", "recover exit-code")
    wait_until(lambda: result() == "exit-code 1", within_s=10, every_s=0.2, what="the unit to have failed")
