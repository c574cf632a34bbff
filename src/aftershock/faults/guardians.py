"""Guardians: processes that give a node its power back, whatever has become of the harness.

A guardian runs on the harness' machine, in a session of its own, so that neither a Ctrl-C nor
the harness' death reaches it. It is started before the power is taken, and proves that it lives by
the lock that it holds on its order's file. It ends when that file is gone.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from aftershock.clock import Clock, wait_until
from aftershock.cluster.power import How, PowerOrigin
from aftershock.config import state_dir
from aftershock.errors import CommandError, DeadlineError, FaultError

__all__ = ["Order", "arm", "disarm", "lives", "path_of"]

STARTS_WITHIN_S = 10.0
TAIL_LINES = 15


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a guardian is to do, when, and with whose power."""

    fault_id: str
    node: str
    how: How
    expires_at: datetime
    origin: PowerOrigin


def path_of(fault_id: str) -> Path:
    """Return where the fault's order is; the folder is made if missing."""
    folder = state_dir() / "guardians"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{fault_id}.json"


def arm(order: Order, *, clock: Clock | None = None) -> int:
    """Start a guardian and return its process id, once it is proven to live, in a session of its own.

    Raises:
        FaultError: it does not; nothing may be done to the node.

    """
    path = path_of(order.fault_id)
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.encode(order))
    try:
        pid = _start(path)
        wait_until(
            lambda: lives(order.fault_id) and os.getsid(pid) != os.getsid(0),
            within_s=STARTS_WITHIN_S,
            every_s=0.05,
            what="the guardian to live in a session of its own",
            clock=clock,
        )
    except (CommandError, DeadlineError, ProcessLookupError) as error:
        disarm(order.fault_id)
        raise FaultError(f"no guardian lives, so {order.node} keeps its power", found=str(error)) from error
    return pid


def _start(path: Path) -> int:
    """Start the guardian's process and return its id, which it prints.

    Raises:
        CommandError: it ended at once.

    """
    command = [sys.executable, "-m", "aftershock.guardian", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip().isdigit():
        said = (done.stdout + done.stderr).splitlines()[-TAIL_LINES:]
        raise CommandError("the guardian did not start", command=command, code=done.returncode, tail=said)
    return int(done.stdout)


def lives(fault_id: str) -> bool:
    """Whether the fault's guardian lives: it holds the lock on its order as long as it does."""
    try:
        with path_of(fault_id).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def disarm(fault_id: str) -> None:
    """Tell the fault's guardian that it is not needed any more. Idempotent."""
    path_of(fault_id).unlink(missing_ok=True)
