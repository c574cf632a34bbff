"""What an act is told: where to act, until when, and how; and how it says what it does."""

from __future__ import annotations

import select
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.containers import Container, find_container

__all__ = ["Act", "Expired", "Order", "OrderError", "Say", "stop_on_sigterm", "wait"]


class Say(Protocol):
    """Print one line of what happened."""

    def __call__(self, event: str, **facts: Any) -> None:
        """Print `event` with its `facts`."""


class Expired(Exception):  # noqa: N818 - an end, not an error
    """The time is over and what was to be brought about has not happened."""


class OrderError(Exception):
    """The order cannot be carried out as it was given; nothing was done."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One fault's order to one carrier.

    `until` is in seconds since the epoch: an act that lasts ends then by itself. `options` are
    the act's own. `proc` is the node's /proc, `cgroups` its /sys/fs/cgroup.
    """

    fault_id: str
    until: float
    pod_uid: str = ""
    container_id: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    proc: Path = Path("/proc")
    cgroups: Path = Path("/node/cgroup")

    def container(self, controller: str = "memory") -> Container:
        """Return the container that the order names, with its cgroup in that controller's tree.

        Raises:
            ContainerError: it does not run here.

        """
        return find_container(
            pod_uid=self.pod_uid,
            container_id=self.container_id,
            proc=self.proc,
            cgroups=self.cgroups,
            controller=controller,
        )

    def begun(self) -> Order:
        """Return the order as it is from now on: the option `for_s`, if given, counts from here.

        It can only shorten.
        """
        for_s = self.option("for_s", float, self.until - time.time())
        return replace(self, until=min(self.until, time.time() + for_s))

    def option(self, name: str, kind: type, default: Any = None) -> Any:
        """Return one of the options.

        Raises:
            OrderError: it is missing and has no `default`, or is of another kind.

        """
        value = self.options.get(name, default)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise OrderError(f"option {name} must be {kind.__name__}, not {value!r}")
        return value


class Act(Protocol):
    """What a carrier can do. It returns when it is done or the time is over.

    Whatever it changes it enters into `changes` first; that is put back when it returns or
    raises. SIGTERM comes as SystemExit.
    """

    def __call__(self, order: Order, changes: Changes, say: Say) -> None:
        """Carry out `order`.

        Raises:
            ContainerError: the container is not here.
            OrderError: the order makes no sense.
            Expired: the time is over without what was to be brought about.

        """


def wait(until: float, *files: int) -> bool:
    """Sleep until then, or until one of the file descriptors can be read; say whether one can."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    while (left := until - time.time()) > 0:
        if poll.poll(min(left, 60) * 1000):
            return True
    return False


def stop_on_sigterm() -> None:
    """Leave by an exception when told to stop, so that everything is put back on the way out."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
    sys.exit(128 + number)
