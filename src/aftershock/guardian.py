"""The guardian's process: waits until it is told that a fault is undone, or gives the power back itself.

Started by aftershock.faults.guardians. When its time is over, or it is asked to end (SIGTERM),
it gives the power back, and tries until that works.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Literal

import msgspec

from aftershock.clock import Clock, SystemClock, wait_until
from aftershock.cluster.node_power import power_from
from aftershock.cluster.power import Power
from aftershock.config import state_dir
from aftershock.errors import CommandError, DeadlineError, EnvironmentUnusableError, TransientError
from aftershock.faults.guardians import Order

__all__ = ["keep", "main"]

LOOK_EVERY_S = 0.25
RETRY_EVERY_S = 2.0
TRIES_FOR_S = 900.0


def keep(
    path: Path, order: Order, power: Power, *, ended: list[int], clock: Clock
) -> Literal["told", "gave"]:
    """Wait until told that the fault is undone, or give the power back when it is time.

    `ended` gets an entry when the process is asked to end: then it is time at once.

    Raises:
        DeadlineError: it could not be given back.

    """
    left_s = max(0.0, (order.expires_at - clock.now()).total_seconds())

    def told() -> bool:
        return not path.exists()

    with suppress(DeadlineError):  # its time is over
        wait_until(
            lambda: told() or bool(ended),
            within_s=left_s,
            every_s=LOOK_EVERY_S,
            what=f"{order.fault_id} to be undone",
            clock=clock,
        )
    if told():
        return "told"

    def give() -> bool:
        try:
            power.give(order.how, order.node)
        except (CommandError, EnvironmentUnusableError) as error:
            raise TransientError(error.message, found=error.found) from error
        return True

    wait_until(give, within_s=TRIES_FOR_S, every_s=RETRY_EVERY_S, what=f"{order.node} to run", clock=clock)
    path.unlink(missing_ok=True)
    return "gave"


def main(path: Path) -> None:
    """Leave a process of its own session behind that keeps the order in `path`; print its id and return."""
    order = msgspec.json.decode(path.read_bytes(), type=Order)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        with os.fdopen(reader, "rb") as ready:
            if ready.read() != b"armed":
                sys.exit("it ended before it was armed")
        print(pid, flush=True)  # noqa: T201 - the answer to `arm`
        return
    os.close(reader)
    os.setsid()
    os.chdir("/")
    _keep_apart(path, order, writer)


def _keep_apart(path: Path, order: Order, writer: int) -> None:
    """Run as the guardian: lock the order, say so, and keep it."""
    ended: list[int] = []

    def asked(number: int, _: FrameType | None) -> None:
        ended.append(number)

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with path.open("rb") as lock, _log().open("ab", buffering=0) as log:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
        os.write(writer, b"armed")
        os.close(writer)
        log.write(f"{order.fault_id}: guards {order.node} until {order.expires_at}\n".encode())
        outcome = keep(path, order, power_from(order.origin), ended=ended, clock=SystemClock())
        log.write(f"{order.fault_id}: {outcome}\n".encode())


def _log() -> Path:
    path = state_dir() / "logs"
    path.mkdir(exist_ok=True)
    return path / "guardian.log"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
