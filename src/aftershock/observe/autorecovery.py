"""What auto-recovery says of itself, by its metrics: who leads, whether it may act, what it has counted."""

from __future__ import annotations

from collections import defaultdict

from aftershock.clock import wait_until
from aftershock.observe.prometheus import Prometheus, Reading
from aftershock.timeline import Event, Timeline

__all__ = ["await_switch", "record_autorecovery"]

_SWITCHES_S = 45.0
"""It reads its switch every 2 s and is scraped every 5 s; newly rolled out it waits 15 s for the Lease."""
_FRESH_S = 15.0
"""Three scrapes: what a replica said longer ago says nothing of now."""


def record_autorecovery(prometheus: Prometheus, timeline: Timeline) -> Event:
    """Record one look at its metrics, summed over its replicas; of none, `replicas` is 0.

    `pods` and `success_ratio` are those of the replica that leads; empty and None where none does.

    Raises:
        TransientError, QueryError: Prometheus does not answer.

    """

    def fresh(metric: str) -> list[Reading]:
        found = prometheus.latest(metric, max_age_s=_FRESH_S)
        return [reading for reading in found if reading.state == "ok"]

    leaders = fresh("autorecovery_leader")
    leading = {reading.labels.get("pod") for reading in leaders if reading.value}
    dry = [reading.value for reading in fresh("autorecovery_dry_run")]
    counted: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for reading in fresh("autorecovery_actions_total"):
        counted[reading.labels["playbook"]][reading.labels["outcome"]] += reading.value
    by_leader = {
        metric: [one for one in fresh(metric) if one.labels.get("pod") in leading]
        for metric in ("autorecovery_pods", "autorecovery_pods_success_ratio")
    }
    return timeline.record(
        "prometheus",
        "autorecovery",
        "deployment/autorecovery/autorecovery",
        resolution_s=_FRESH_S / 3,
        replicas=len(leaders),
        leaders=int(sum(reading.value for reading in leaders)),
        may_act=bool(dry) and not any(dry),
        counted={playbook: dict(outcomes) for playbook, outcomes in sorted(counted.items())},
        pods={one.labels["state"]: one.value for one in by_leader["autorecovery_pods"]},
        success_ratio=next((one.value for one in by_leader["autorecovery_pods_success_ratio"]), None),
    )


def await_switch(prometheus: Prometheus, timeline: Timeline, *, dry_run: bool, every_s: float) -> None:
    """Wait until one replica leads and says that it only says what it would do, or that it may act.

    Raises:
        DeadlineError: it does not.

    """

    def switched() -> bool:
        look = record_autorecovery(prometheus, timeline).data
        return bool(look["leaders"] == 1 and look["may_act"] is not dry_run)

    wait_until(
        switched,
        within_s=_SWITCHES_S,
        every_s=every_s,
        what=f"auto-recovery to say that it {'only says' if dry_run else 'may act'}",
        clock=timeline.clock,
    )
