"""The reaper: takes back, in the cluster, what a vanished harness left there.

It runs in a pod of its own and looks every two seconds at the marks on what faults touch. A
fault is due when its time is over, or when its run no longer holds the run's Lease. Due
faults are taken back from their marks, by the same code as `aftershock recover`. What
cannot be taken back now is tried again at the next look.

What it sees it also tells Prometheus, so that any dashboard can show when there was a fault.

It renews a Lease of its own: whoever injects a fault that depends on it asks first whether
it is alive. Losing track of time is safe: a Lease lapses for us only after we have watched it
not change for as long as it lasts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aftershock.clock import Clock, SystemClock, rfc3339
from aftershock.cluster.api import KubeApi
from aftershock.cluster.inside import api_from_inside
from aftershock.errors import AftershockError, ResidueError
from aftershock.exposition import serve_active
from aftershock.faults import marks
from aftershock.faults.catalogue import undos_with
from aftershock.faults.journal import Record
from aftershock.faults.lease import LASTS_S, LEASES, RUN_LEASE, Lapses
from aftershock.faults.protocol import Undo
from aftershock.faults.switch import REAPER_LEASE
from aftershock.faults.tools import Tools, tools
from aftershock.faults.undoing import take_back

__all__ = ["Reaper", "main"]

LOOK_EVERY_S = 2.0
METRICS_PORT = 8080
# One fault that cannot be undone must not keep the others waiting for long.
UNDO_WITHIN_S = 10.0
# A run that lives takes back what has expired itself: two who do the same at once are in each other's way.
FIRST_ITS_RUN = timedelta(seconds=10)


class Reaper:
    """Takes back what is due, look by look."""

    def __init__(self, tools: Tools, *, undos: Mapping[str, Undo] | None = None) -> None:
        self.tools = tools
        self.undos = undos_with(tools) if undos is None else undos
        self.active: tuple[Record, ...] = ()
        self._lapses = Lapses(tools.clock)

    def look(self) -> list[tuple[Record, str]]:
        """Say that we live, and take back what is due; return each due fault with what came of it."""
        self._live()
        # In this order: a run takes the Lease before it marks anything, so what is marked now and is not
        # the holder's then has no run. The other way round a fault of this very moment looks orphaned.
        marked = list(marks.records(self.tools.api))
        self.active = tuple(marked)
        holder = self._lapses.holder(self.tools.api.find(RUN_LEASE))
        return [
            (record, self._reap(record))
            for record in marked
            if record.run_id != holder or record.expires_at + FIRST_ITS_RUN <= self.tools.clock.now()
        ]

    def _reap(self, record: Record) -> str:
        try:
            return f"undone: {take_back(record, self.undos, tools=self.tools, within_s=UNDO_WITHIN_S)}"
        except ResidueError as error:
            return f"left: {error.found}"

    def _live(self) -> None:
        """Renew our own Lease."""
        spec = {"leaseDurationSeconds": LASTS_S, "renewTime": rfc3339(self.tools.clock.now())}
        if self.tools.api.find(REAPER_LEASE) is None:
            self.tools.api.post(LEASES, {"metadata": {"name": REAPER_LEASE.rpartition("/")[2]}, "spec": spec})
        else:
            self.tools.api.patch(REAPER_LEASE, {"spec": spec})


def run(api: KubeApi, clock: Clock) -> None:
    """Look until the process is ended. An API server that is away is asked again."""
    reaper = Reaper(tools(api, clock=clock))
    serve_active(lambda: reaper.active, port=METRICS_PORT)
    while True:
        try:
            for record, outcome in reaper.look():
                _say("reaped", fault=record.fault_id, run=record.run_id, outcome=outcome)
        except AftershockError as error:
            _say("blind", reason=str(error))
        clock.sleep(LOOK_EVERY_S)


def _say(event: str, **facts: Any) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)  # noqa: T201 - the log


def main() -> None:
    """Run as the process of the reaper's pod."""
    try:
        run(api_from_inside(), SystemClock())
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
