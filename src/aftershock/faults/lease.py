"""The run's Lease: one run at a time, and a sign of life for the reaper.

Whoever injects holds the Lease `aftershock-run` and renews it. A holder that is gone is seen
by its Lease not changing for as long as it says it lasts; no clock is compared with another
one.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from http import HTTPStatus

from aftershock.clock import Clock, SystemClock, rfc3339, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.own import OWN_NAMESPACE
from aftershock.errors import AftershockError, ApiError, DeadlineError, RefusedError
from aftershock.faults.carrier import make_namespace

__all__ = ["LASTS_S", "LEASES", "RUN_LEASE", "Lapses", "RunLease", "await_no_run"]

LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{OWN_NAMESPACE}/leases"
RUN_LEASE = f"{LEASES}/aftershock-run"
LASTS_S = 15
RENEW_S = 3.0


class Lapses:
    """Says whether a Lease has lapsed, from having watched it: ask again and again."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._seen: tuple[object, float] = (None, 0.0)

    def holder(self, lease: Json | None) -> str:
        """Return who holds the Lease as it was read now; "" once nobody does."""
        spec: Json = (lease or {}).get("spec") or {}
        now, state = self.clock.monotonic(), (spec.get("holderIdentity"), spec.get("renewTime"))
        if state != self._seen[0]:
            self._seen = (state, now)
        if now - self._seen[1] > float(spec.get("leaseDurationSeconds", LASTS_S)):
            return ""
        return str(spec.get("holderIdentity") or "")


def await_no_run(api: KubeApi, *, but: str = "", clock: Clock | None = None) -> Json | None:
    """Return the Lease once no run other than `but` is under way: free, or its holder gone.

    A dead run's Lease lapses within LASTS_S seconds.

    Raises:
        RefusedError: another run renews it.

    """
    clock = clock or SystemClock()
    lapses, renewals, holder = Lapses(clock), set[object](), ""

    def look() -> tuple[Json | None] | None:
        nonlocal holder
        lease = api.find(RUN_LEASE)
        holder = lapses.holder(lease)
        renewals.add((lease or {}).get("spec", {}).get("renewTime"))
        if holder in {"", but}:
            return (lease,)
        if len(renewals) > 1:
            raise _taken(holder)
        return None

    try:
        (lease,) = wait_until(
            look, within_s=LASTS_S + RENEW_S, every_s=0.5, what="the run's Lease", clock=clock
        )
    except DeadlineError as error:
        raise _taken(holder) from error
    return lease


def _taken(holder: str) -> RefusedError:
    return RefusedError(
        f"another run is under way: {holder}",
        expected="one run at a time on a cluster",
        found=f"it renews the Lease {RUN_LEASE.rpartition('/')[2]} in namespace {OWN_NAMESPACE}",
        hint="wait for it to end, or stop it with `aftershock halt`",
    )


class RunLease:
    """The Lease as the run `run_id` holds it."""

    def __init__(self, api: KubeApi, run_id: str, *, clock: Clock | None = None) -> None:
        self.api = api
        self.run_id = run_id
        self.clock = clock or SystemClock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._borrowed = False

    def hold(self) -> None:
        """Take the Lease and keep it. Idempotent.

        Where this run holds it already (another process of it, or one that died), it is renewed
        and not given back: that is for the other one, or it lapses.

        Raises:
            RefusedError: another run is under way.

        """
        if self._thread is not None:
            return
        lease = await_no_run(self.api, but=self.run_id, clock=self.clock)
        self._borrowed = ((lease or {}).get("spec") or {}).get("holderIdentity") == self.run_id
        make_namespace(self.api)
        if not self._write(lease) and not self._borrowed:
            raise _taken("it began at this very moment")
        self._thread = threading.Thread(target=self._keep, name="run lease", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Give the Lease back, if we hold it; where the API does not answer, it lapses. Idempotent."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join()
        if self._borrowed:
            return
        with suppress(AftershockError):
            lease = self.api.find(RUN_LEASE)
            if lease is not None and lease["spec"].get("holderIdentity") == self.run_id:
                self.api.patch(RUN_LEASE, {"spec": {"holderIdentity": None, "renewTime": None}})

    def _write(self, lease: Json | None) -> bool:
        """Write ourselves in; False if somebody else was quicker."""
        spec = {
            "holderIdentity": self.run_id,
            "leaseDurationSeconds": LASTS_S,
            "renewTime": rfc3339(self.clock.now()),
        }
        try:
            if lease is None:
                self.api.post(LEASES, {"metadata": {"name": RUN_LEASE.rpartition("/")[2]}, "spec": spec})
            else:
                meta = {"resourceVersion": lease["metadata"]["resourceVersion"]}
                self.api.patch(RUN_LEASE, {"metadata": meta, "spec": spec})
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    def _keep(self) -> None:
        """Renew until the end, or until somebody else has it: then the reaper undoes what we did."""
        while not self._ended.wait(RENEW_S):
            try:
                lease = self.api.find(RUN_LEASE)
                holder = (lease or {}).get("spec", {}).get("holderIdentity")
                if lease is not None and holder != self.run_id:
                    return
                self._write(lease)
            except AftershockError:
                continue  # an API server that is away: the next try comes in RENEW_S
