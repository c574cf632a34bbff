"""Halt: a note in the cluster that no new fault may be injected, by anyone, until it is taken away."""

from __future__ import annotations

from http import HTTPStatus

from aftershock.clock import rfc3339
from aftershock.cluster.own import CONFIG_MAPS
from aftershock.errors import ApiError, RefusedError
from aftershock.faults.carrier import make_namespace
from aftershock.faults.tools import Tools

__all__ = ["check_not_halted", "halt", "resume"]

NOTE = f"{CONFIG_MAPS}/aftershock-halt"


def halt(tools: Tools, *, reason: str) -> None:
    """Refuse new faults from now on. Idempotent."""
    make_namespace(tools.api)
    body = {
        "metadata": {"name": NOTE.rpartition("/")[2]},
        "data": {"reason": reason, "since": rfc3339(tools.clock.now())},
    }
    try:
        tools.api.post(CONFIG_MAPS, body)
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise


def resume(tools: Tools) -> bool:
    """Allow faults again; say whether they had been refused."""
    halted = tools.api.find(NOTE) is not None
    tools.api.delete(NOTE)
    return halted


def check_not_halted(tools: Tools) -> None:
    """Do nothing if faults may be injected.

    Raises:
        RefusedError: somebody has halted them.

    """
    note = tools.api.find(NOTE)
    if note is not None:
        data = note.get("data") or {}
        raise RefusedError(
            "faults are halted on this cluster",
            expected="nobody said halt",
            found=f"{data.get('reason') or 'no reason given'}, since {data.get('since', 'an unknown time')}",
            hint="`aftershock resume` allows them again",
        )
