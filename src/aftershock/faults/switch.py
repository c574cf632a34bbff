"""Whether the dead man's switch of a fault is armed: the reaper alive, before anything depends on it."""

from __future__ import annotations

from aftershock.clock import wait_until
from aftershock.errors import DeadlineError, FaultError
from aftershock.faults.lease import LEASES
from aftershock.faults.protocol import Plan
from aftershock.faults.tools import Tools

__all__ = ["REAPER_LEASE", "check_armed"]

REAPER_LEASE = f"{LEASES}/aftershock-reaper"
# The reaper renews its Lease every few seconds; see aftershock.reaper.
ALIVE_WITHIN_S = 15.0


def check_armed(tools: Tools, plan: Plan) -> None:
    """Do nothing if whoever is to take `plan` back, should we vanish, is there to do it.

    The reaper is: it renews its Lease while we look. The other switches are part of the act
    itself, armed by it before anything else.

    Raises:
        FaultError: the reaper gives no sign of life; nothing was touched.

    """
    if plan.switch != "reaper":
        return
    renewals: list[str] = []

    def renewed() -> bool:
        lease = tools.api.find(REAPER_LEASE)
        renewals.append(str((lease or {}).get("spec", {}).get("renewTime") or ""))
        return renewals[-1] not in {"", renewals[0]}

    try:
        wait_until(renewed, within_s=ALIVE_WITHIN_S, what="a sign of life of the reaper", clock=tools.clock)
    except DeadlineError as error:
        raise FaultError(
            f"{plan.fault} needs the reaper, which does not run",
            expected="the reaper renews its Lease, so that it can undo the fault if we cannot",
            found=f"last renewed {renewals[-1] or 'never'}",
            hint="`aftershock up` deploys it; `kubectl -n aftershock get pods` says what is wrong with it",
        ) from error
