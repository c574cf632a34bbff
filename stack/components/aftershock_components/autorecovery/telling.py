"""What was done, said three times: an Event on the object, a line of JSON, a count for Prometheus."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter

from aftershock_components.autorecovery.incidents import Incident
from aftershock_components.autorecovery.kube import Json, Kube, KubeError
from aftershock_components.autorecovery.objects import text_of
from aftershock_components.autorecovery.playbooks import Playbooks

__all__ = ["OUTCOMES", "Telling", "event_of"]

OUTCOMES = ("acted", "prepared", "nothing", "gave-up", "failed", "excluded", "returned", "dry-run")
COMPONENT = "autorecovery"
REASONS = {
    "acted": "AutoRecovered",
    "prepared": "AutoRecoveryPrepared",
    "returned": "AutoRecoveryReturned",
    "nothing": "AutoRecoveryNothingToDo",
    "gave-up": "AutoRecoveryGaveUp",
    "failed": "AutoRecoveryFailed",
}
"""Of those who have an Event: what is excluded is left alone, and a dry run changes nothing."""
KINDS = {
    "pod": ("Pod", "v1"),
    "node": ("Node", "v1"),
    "deployment": ("Deployment", "apps/v1"),
    "statefulset": ("StatefulSet", "apps/v1"),
    "daemonset": ("DaemonSet", "apps/v1"),
    "replicaset": ("ReplicaSet", "apps/v1"),
}
MESSAGE = 1000


class Telling:
    """Says what the engine does. An Event that cannot be made is said in the log."""

    def __init__(
        self,
        kube: Kube,
        books: Playbooks,
        registry: CollectorRegistry,
        *,
        identity: str,
        now: Callable[[], datetime],
    ) -> None:
        self.kube = kube
        self.identity = identity
        self.now = now
        self.actions = Counter(
            "autorecovery_actions",  # the library appends _total
            "What was done about incidents, by playbook and what came of it.",
            ("playbook", "outcome"),
            registry=registry,
        )
        for book in books.playbooks:
            for outcome in OUTCOMES:
                self.actions.labels(book.name, outcome)

    async def tell(self, incident: Incident, outcome: str, says: str, *, about: str) -> None:
        """Say that `outcome` came of an incident, in words, about an object (kind/namespace/name)."""
        self.actions.labels(incident.playbook, outcome).inc()
        self.say(outcome, playbook=incident.playbook, incident=incident.key, about=about, says=says)
        body = event_of(incident, outcome, says, about=about, at=self.now(), identity=self.identity)
        if body is None:
            return
        try:
            await self.kube.create(f"/api/v1/namespaces/{body['metadata']['namespace']}/events", body)
        except KubeError as error:
            self.say("event-missing", about=about, says=str(error))

    def say(self, event: str, **facts: str) -> None:
        """Write a line of the log."""
        line = {"at": self.now().isoformat(), "component": COMPONENT, "event": event, **facts}
        print(json.dumps(line), flush=True)  # noqa: T201 - the log


def event_of(
    incident: Incident, outcome: str, says: str, *, about: str, at: datetime, identity: str
) -> Json | None:
    """Return the Event, None where there is none to make: of that outcome, or about no object."""
    kind, _, place = about.partition("/")
    if outcome not in REASONS or kind not in KINDS:
        return None
    namespace, _, name = place.rpartition("/")
    shown, version = KINDS[kind]
    involved = {"kind": shown, "apiVersion": version, "name": name}
    if namespace:
        involved["namespace"] = namespace
    if about == incident.finding.subject and "uid" in incident.finding.data:
        # Nodes are known to their Events by their name.
        involved["uid"] = name if kind == "node" else incident.finding.data["uid"]
    stamp = text_of(at)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{name[:200]}.", "namespace": namespace or "default"},
        "involvedObject": involved,
        "type": "Normal" if outcome in {"acted", "prepared", "returned"} else "Warning",
        "reason": REASONS[outcome],
        "message": f"{incident.playbook}: {says}"[:MESSAGE],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": identity[:128],
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
