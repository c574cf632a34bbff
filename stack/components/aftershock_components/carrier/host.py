"""Commands of the node itself: run in the namespaces of its PID 1, with the node's own files.

For what only the node's service manager can do (stop the kubelet, keep a timer that outlives
every pod). The image brings `nsenter` (util-linux); everything else is the node's.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from math import ceil

__all__ = ["HostError", "cancel_timer", "run", "start_timer", "timer_is_armed"]

NSENTER = ("nsenter", "--target", "1", "--mount", "--uts", "--ipc", "--net", "--pid", "--")
WITHIN_S = 20.0


class HostError(OSError):
    """The node refused a command, or did not answer in time."""


def run(*command: str, within_s: float = WITHIN_S) -> str:
    """Run a command on the node; return what it printed.

    Raises:
        HostError: it is not there, failed, or took longer than `within_s`.

    """
    done = _done(command, within_s)
    if done.returncode:
        raise HostError(f"{' '.join(command)} on the node: exit {done.returncode}, {done.stderr.strip()}")
    return done.stdout


def start_timer(unit: str, command: Sequence[str], *, after_s: float) -> None:
    """Have the node's systemd run `command` once, `after_s` seconds from now, whatever becomes of us.

    The timer lives in /run: a reboot ends it. A timer of that name which is armed already is
    replaced.

    Raises:
        HostError: the node has no systemd, or it refused.

    """
    cancel_timer(unit)
    options = ("--quiet", f"--unit={unit}", f"--on-active={max(1, ceil(after_s))}")
    run("systemd-run", *options, "--timer-property=AccuracySec=100ms", *command)
    if not timer_is_armed(unit):
        raise HostError(f"the node's systemd took {unit}.timer and does not have it")


def timer_is_armed(unit: str) -> bool:
    """Whether that timer still waits for its time."""
    return run("systemctl", "show", "--property=ActiveState", "--value", f"{unit}.timer").strip() == "active"


def cancel_timer(unit: str) -> None:
    """Forget that timer, and that it failed; does nothing if there is none.

    Raises:
        HostError: it could not be stopped.

    """
    if run("systemctl", "show", "--property=LoadState", "--value", f"{unit}.timer").strip() != "not-found":
        run("systemctl", "stop", f"{unit}.timer")
    # Without its timer a unit that failed would be kept, and its name with it. One that did not
    # fail is not known any more, which systemctl calls an error.
    _done(("systemctl", "reset-failed", f"{unit}.service"), WITHIN_S)


def _done(command: Sequence[str], within_s: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [*NSENTER, *command], capture_output=True, text=True, timeout=within_s, check=False
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise HostError(f"{' '.join(command)} on the node: {error}") from error
