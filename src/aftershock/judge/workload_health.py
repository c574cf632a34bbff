"""A workload's health through the record: how many of its own pods are Ready, and silent restarts.

Pods are matched by owner: a pod of another workload never stands in for one of this.
"""

from __future__ import annotations

from collections.abc import Sequence

from aftershock.clock import from_rfc3339
from aftershock.judge.episodes import Change
from aftershock.judge.record import Instant
from aftershock.judge.world import Owners, World, healthy, replay
from aftershock.timeline import Event

__all__ = ["workload_changes"]

_API_SECOND = 1.0  # the API's own times are whole seconds, cut off


def workload_changes(
    record: Sequence[Event], workload: str, start: Instant, end: Instant, wanted: int | None
) -> tuple[Change | None, list[Change]]:
    """Return the state before `start` (None if not known) and every change after it."""
    tracker = _Tracker(workload, Owners(record), start, wanted)
    before: Change | None = None
    after: list[Change] = []
    for event, world in replay(record):
        if event.at > end.at:
            break
        if event.kind not in {"pod", "deployment"}:
            continue
        seen = tracker.look(event, world)
        if event.at >= start.at:
            after += seen
        elif seen:
            before = seen[-1]
    return before, after


class _Tracker:
    """Follows the health of one workload through a replay."""

    def __init__(self, workload: str, owners: Owners, start: Instant, wanted: int | None) -> None:
        self._workload = workload
        self._owners = owners
        self._start = start
        self._wanted = wanted
        self._asked: int | None = None  # what the deployment asked for when the fault came
        self._restarts: dict[str, int] = {}
        self._was_healthy = False

    def look(self, event: Event, world: World) -> list[Change]:
        """Return what `event` says of the workload's health; nothing while its size is not known."""
        need = self._need(event, world)
        restarted = self._restarted(event)
        if need is None:
            return []
        own = [pod for pod in world.all("pod") if self._owners.workload(pod) == self._workload]
        ready = sum(1 for pod in own if healthy(pod))
        now = Change(when=Instant.of(event), healthy=ready >= need, note=f"{ready} of {need} ready")
        masked = restarted and self._was_healthy and now.healthy
        self._was_healthy = now.healthy
        if not masked:
            return [now]
        death = Change(
            when=_death(event, self._start),
            healthy=False,
            note=f"a container of {event.data['name']} restarted; the pod never showed as unready",
        )
        return [death, now]

    def _need(self, event: Event, world: World) -> int | None:
        if self._wanted is not None:
            return self._wanted
        deployment = world.get("deployment", self._workload)
        if deployment is None:
            return self._asked
        now = int(deployment["replicas"])
        if self._asked is None or event.at < self._start.at:
            self._asked = now
        # An autoscaler that asks for more is no damage; one that asks for less lowers the bar.
        # To ask for none is no way to recover.
        return max(min(now, self._asked), min(1, self._asked))

    def _restarted(self, event: Event) -> bool:
        pod = event.data
        if event.kind != "pod" or self._owners.workload(pod) != self._workload:
            return False
        total = sum(container["restarts"] for container in pod["containers"])
        before = self._restarts.get(pod["uid"], total)
        self._restarts[pod["uid"]] = total
        return bool(total > before)


def _death(event: Event, start: Instant) -> Instant:
    """When the container died, by its own status (a whole second, cut off); not before the injection.

    That is the node's clock. Where it says "before the injection" it is behind ours, and all
    that is known is that the container died between the injection and the receipt.
    """
    receipt = Instant.of(event)
    finished = [
        from_rfc3339(container["last"]["finished_at"])
        for container in event.data["containers"]
        if container["last"] and container["last"]["finished_at"]
    ]
    if not finished:
        return receipt
    since_start = max(0.0, (event.at - start.at).total_seconds())
    earlier = max(0.0, (event.at - max(finished)).total_seconds())
    if earlier > since_start + _API_SECOND:
        return receipt.plus(-since_start, resolution_s=since_start)
    return receipt.plus(-min(earlier, since_start), resolution_s=_API_SECOND)
