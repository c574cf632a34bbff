"""The escalation as it is deployed, with the times of `ci`: by Alertmanager's own word, to the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from aftershock.clock import SystemClock, from_rfc3339, rfc3339, wait_until
from aftershock.cluster.connection import Cluster

SPACE = "aftershock-alerts"
LEVELS_S = {1: 30.0, 2: 90.0, 3: 180.0}
# A look of the component every second, and a busy machine.
LATE_S = 10.0


class Incident:
    """An alert that Alertmanager is told of as Prometheus would tell it."""

    def __init__(self, cluster: Cluster, service: str) -> None:
        assert cluster.monitoring.alertmanager is not None
        assert cluster.monitoring.webhook is not None
        self.alertmanager = cluster.monitoring.alertmanager.url.rstrip("/")
        self.deliveries = f"{cluster.monitoring.webhook.url.rstrip('/')}/deliveries"
        self.began = SystemClock().now()
        self.labels = {
            "alertname": "HighErrorRate",
            "severity": "critical",
            "namespace": SPACE,
            "service": service,
        }

    def lasts_until(self, end: datetime) -> None:
        alert = {
            "labels": self.labels,
            "annotations": {"summary": "a test of the escalation"},
            "startsAt": rfc3339(self.began),
            "endsAt": rfc3339(end),
        }
        requests.post(f"{self.alertmanager}/api/v2/alerts", json=[alert], timeout=10).raise_for_status()

    def acknowledge(self) -> str:
        matchers = [
            {"name": name, "value": value, "isRegex": False, "isEqual": True}
            for name, value in self.labels.items()
        ]
        now = SystemClock().now()
        answer = requests.post(
            f"{self.alertmanager}/api/v2/silences",
            json={
                "matchers": matchers,
                "startsAt": rfc3339(now),
                "endsAt": rfc3339(now + timedelta(minutes=10)),
                "createdBy": "on call",
                "comment": "seen",
            },
            timeout=10,
        )
        answer.raise_for_status()
        return str(answer.json()["silenceID"])

    def told(self) -> dict[str, tuple[float, dict[str, Any]]]:
        """Return what the escalation said of it: "level 1 slack" and so on, when after it began, the body."""
        answer = requests.get(self.deliveries, params={"since": rfc3339(self.began)}, timeout=10)
        answer.raise_for_status()
        found: dict[str, tuple[float, dict[str, Any]]] = {}
        for delivery in answer.json()["deliveries"]:
            body = delivery["body"]
            line = body.get("subject") or body.get("text") or body.get("payload", {}).get("summary", "")
            if line.startswith(("level", "over")) and f"{SPACE}/{self.labels['service']}" in line:
                assert delivery["problems"] == []
                after = (from_rfc3339(delivery["received_at"]) - self.began).total_seconds()
                stage = line.split(":")[0]
                found.setdefault(f"{stage} {delivery['vendor']}", (after, body))
        return found


@pytest.fixture
def incidents(cluster: Cluster) -> Iterator[tuple[Incident, Incident]]:
    """Yield two; they are over afterwards."""
    two = (Incident(cluster, "unheard"), Incident(cluster, "seen"))
    for one in two:
        one.lasts_until(one.began + timedelta(minutes=10))
    yield two
    for one in two:
        one.lasts_until(SystemClock().now())


def test_an_alert_goes_up_until_somebody_acknowledges_it_or_it_ends(
    incidents: tuple[Incident, Incident],
) -> None:
    unheard, seen = incidents
    for one in incidents:
        wait_until(lambda one=one: "level 1 slack" in one.told(), within_s=45, every_s=0.5, what="level 1")
    silence = seen.acknowledge()
    try:
        wait_until(lambda: "level 3 pagerduty" in unheard.told(), within_s=180, every_s=1.0, what="level 3")
        told = unheard.told()
        stages = {
            "level 1 slack": 1,
            "level 2 slack": 2,
            "level 2 mail": 2,
            "level 3 pagerduty": 3,
        }
        assert told.keys() == stages.keys()
        for stage, level in stages.items():
            assert LEVELS_S[level] <= told[stage][0] <= LEVELS_S[level] + LATE_S, stage
        assert told["level 2 mail"][1]["to"] == "oncall@example.org"
        assert told["level 3 pagerduty"][1]["payload"]["custom_details"]["to do"] == "scale out, fail over"
        assert seen.told().keys() == {"level 1 slack"}

        unheard.lasts_until(SystemClock().now())
        over = {"over slack", "over mail", "over pagerduty"}
        wait_until(lambda: over <= unheard.told().keys(), within_s=30, every_s=0.5, what="the end")
        assert unheard.told()["over pagerduty"][1]["event_action"] == "resolve"
    finally:
        requests.delete(f"{seen.alertmanager}/api/v2/silence/{silence}", timeout=10).raise_for_status()
