"""Which of the replicas acts: the one that holds the Lease. No clock is compared with another's."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from aftershock_components.autorecovery.kube import ConflictError, Json, Kube, KubeError

__all__ = ["LASTS_S", "RENEW_S", "STEP_DOWN_S", "Leading"]

LASTS_S = 15
RENEW_S = 2.0
STEP_DOWN_S = 10.0
"""Who could not renew for so long acts no more: well before another one may take the Lease."""


class Leading:
    """One replica's view of the Lease at `path`, which must exist. `identity` names the replica."""

    def __init__(
        self,
        kube: Kube,
        path: str,
        identity: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.kube = kube
        self.path = path
        self.identity = identity
        self.monotonic = monotonic
        self.now = now
        self.holder = ""
        self._renewed_at: float | None = None
        self._seen: tuple[object, float] = (None, 0.0)

    def __bool__(self) -> bool:
        """Whether we may act now."""
        return self._renewed_at is not None and self.monotonic() - self._renewed_at < STEP_DOWN_S

    async def look(self) -> None:
        """Renew, or take the Lease if nobody has it.

        Raises:
            KubeError: the API does not answer; ask again.

        """
        asked_at = self.monotonic()
        lease = await self.kube.get(self.path)
        spec: Json = lease.get("spec") or {}
        state = (spec.get("holderIdentity"), spec.get("renewTime"))
        if state != self._seen[0]:
            self._seen = (state, asked_at)
        holder = str(spec.get("holderIdentity") or "")
        lapsed = asked_at - self._seen[1] > float(spec.get("leaseDurationSeconds") or LASTS_S)
        if holder not in {"", self.identity} and not lapsed:
            self.holder, self._renewed_at = holder, None
            return
        await self._write(lease, asked_at, taken=holder != self.identity)

    async def _write(self, lease: Json, asked_at: float, *, taken: bool) -> None:
        now = self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self.identity, "leaseDurationSeconds": LASTS_S, "renewTime": now}
        if taken:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = int((lease.get("spec") or {}).get("leaseTransitions") or 0) + 1
        try:
            await self.kube.patch(
                self.path,
                {"metadata": {"resourceVersion": lease["metadata"]["resourceVersion"]}, "spec": spec},
            )
        except ConflictError:  # another one was quicker
            self._renewed_at = None
            return
        self.holder, self._renewed_at = self.identity, asked_at

    async def release(self) -> None:
        """Give the Lease up, so that nobody has to wait until it lapses; where that fails, it does."""
        if not self:
            return
        self._renewed_at = None
        try:
            lease = await self.kube.get(self.path)
            if (lease.get("spec") or {}).get("holderIdentity") == self.identity:
                version = lease["metadata"]["resourceVersion"]
                body = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": ""}}
                await self.kube.patch(self.path, body)
        except KubeError:
            return
