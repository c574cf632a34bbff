"""The guardian: ends when it is told, else gives the power back; and lives on when its harness is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from aftershock.clock import wait_until
from aftershock.cluster.power import PowerOrigin
from aftershock.config import NodePower
from aftershock.errors import DeadlineError, FaultError
from aftershock.faults import guardians
from aftershock.faults.guardians import Order, arm, disarm, lives, path_of
from aftershock.guardian import RETRY_EVERY_S, TRIES_FOR_S, keep
from aftershock.testing import FakeClock
from aftershock.testing.power import FakePower


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AFTERSHOCK_STATE_DIR", str(tmp_path))
    return tmp_path


class TestKeep:
    @pytest.fixture
    def order(self, clock: FakeClock) -> Order:
        expires_at = clock.now() + timedelta(seconds=60)
        path_of("it-1").touch()
        return Order(fault_id="it-1", node="n", how="stop", expires_at=expires_at, origin=PowerOrigin())

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    def test_it_gives_the_power_back_when_the_time_is_over(self, order: Order, clock: FakeClock) -> None:
        power = FakePower("n")
        assert keep(path_of("it-1"), order, power, ended=[], clock=clock) == "gave"
        assert clock.elapsed == 60
        assert power.calls == [("give", "stop", "n")]
        assert not path_of("it-1").exists()

    def test_it_does_nothing_when_it_is_told_that_the_fault_is_undone(
        self, order: Order, clock: FakeClock
    ) -> None:
        power, inner = FakePower("n"), clock.sleep

        def sleep(seconds: float) -> None:
            inner(seconds)
            if clock.elapsed >= 10:
                disarm("it-1")

        clock.sleep = sleep  # type: ignore[method-assign]  # the harness does that meanwhile
        assert keep(path_of("it-1"), order, power, ended=[], clock=clock) == "told"
        assert (power.calls, clock.elapsed) == ([], 10)

    def test_asked_to_end_it_gives_the_power_back_at_once(self, order: Order, clock: FakeClock) -> None:
        power = FakePower("n")
        assert keep(path_of("it-1"), order, power, ended=[signal.SIGTERM], clock=clock) == "gave"
        assert clock.elapsed == 0

    def test_late_already_it_gives_the_power_back_at_once(self, order: Order, clock: FakeClock) -> None:
        clock.sleep(100)
        assert keep(path_of("it-1"), order, FakePower("n"), ended=[], clock=clock) == "gave"
        assert clock.elapsed == 100

    def test_it_tries_again_until_it_works(self, order: Order, clock: FakeClock) -> None:
        power = FakePower("n", failures=3)
        assert keep(path_of("it-1"), order, power, ended=[], clock=clock) == "gave"
        assert len(power.calls) == 4
        assert clock.elapsed == 60 + 3 * RETRY_EVERY_S

    def test_it_gives_up_late_and_leaves_its_order(self, order: Order, clock: FakeClock) -> None:
        with pytest.raises(DeadlineError):
            keep(path_of("it-1"), order, FakePower("n", failures=10_000), ended=[], clock=clock)
        assert clock.elapsed == 60 + TRIES_FOR_S
        assert path_of("it-1").exists()


def order_for(state: Path, *, after_s: float) -> Order:
    """Return an order whose power is a command that writes the node's name."""
    script = f"echo given >> {state}/{{node}}"
    return Order(
        fault_id="real-1",
        node="n",
        how="stop",
        expires_at=datetime.now(UTC) + timedelta(seconds=after_s),
        origin=PowerOrigin(commands=NodePower(start=("sh", "-c", script))),
    )


def until_gone() -> None:
    wait_until(lambda: not lives("real-1"), within_s=10, every_s=0.05, what="the guardian to end")


class TestProcess:
    def test_it_is_in_a_session_of_its_own_and_ends_when_told(self, state: Path) -> None:
        pid = arm(order_for(state, after_s=60))
        assert lives("real-1")
        assert os.getsid(pid) == pid
        assert path_of("real-1").stat().st_mode & 0o777 == 0o600
        disarm("real-1")
        wait_until(
            lambda: not Path(f"/proc/{pid}/fd").exists() or not alive(pid), within_s=10, what="its end"
        )
        assert not (state / "n").exists()

    def test_it_outlives_a_harness_that_is_killed(self, state: Path) -> None:
        program = (
            "import os, signal, sys, msgspec\n"
            "from aftershock.faults.guardians import Order, arm\n"
            "arm(msgspec.json.decode(sys.stdin.read(), type=Order))\n"
            "os.killpg(0, signal.SIGKILL)\n"
        )
        said = msgspec.json.encode(order_for(state, after_s=3))
        done = subprocess.run(
            [sys.executable, "-c", program], input=said, check=False, start_new_session=True
        )
        assert done.returncode == -signal.SIGKILL
        assert lives("real-1")
        until_gone()
        assert (state / "n").read_text() == "given\n"

    def test_asked_to_end_it_gives_the_power_back_first(self, state: Path) -> None:
        os.kill(arm(order_for(state, after_s=60)), signal.SIGTERM)
        until_gone()
        assert (state / "n").read_text() == "given\n"

    def test_one_that_does_not_start_is_no_guardian(
        self, state: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(guardians.sys, "executable", "/bin/false")
        with pytest.raises(FaultError, match="n keeps its power"):
            arm(order_for(state, after_s=60))
        assert not path_of("real-1").exists()

    def test_nobody_lives_without_an_order_or_with_one_that_nobody_holds(self) -> None:
        assert not lives("real-1")
        path_of("real-1").touch()
        assert not lives("real-1")


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
