"""What auto-recovery says of itself, by its metrics: who leads, whether it may act, what it has counted."""

from __future__ import annotations

from collections import defaultdict

from aftershock.observe.prometheus import Prometheus
from aftershock.timeline import Event, Timeline

__all__ = ["record_autorecovery"]

_FRESH_S = 15.0
"""Three scrapes: what a replica said longer ago says nothing of now."""


def record_autorecovery(prometheus: Prometheus, timeline: Timeline) -> Event:
    """Record one look at its metrics, summed over its replicas; of none, `replicas` is 0.

    Raises:
        TransientError, QueryError: Prometheus does not answer.

    """
    leaders = [
        reading.value
        for reading in prometheus.latest("autorecovery_leader", max_age_s=_FRESH_S)
        if reading.state == "ok"
    ]
    dry = [
        reading.value
        for reading in prometheus.latest("autorecovery_dry_run", max_age_s=_FRESH_S)
        if reading.state == "ok"
    ]
    counted: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for reading in prometheus.latest("autorecovery_actions_total", max_age_s=_FRESH_S):
        if reading.state == "ok":
            counted[reading.labels["playbook"]][reading.labels["outcome"]] += reading.value
    return timeline.record(
        "prometheus",
        "autorecovery",
        "deployment/autorecovery/autorecovery",
        resolution_s=_FRESH_S / 3,
        replicas=len(leaders),
        leaders=int(sum(leaders)),
        may_act=bool(dry) and not any(dry),
        counted={playbook: dict(outcomes) for playbook, outcomes in sorted(counted.items())},
    )
