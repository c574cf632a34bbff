"""Alertmanager and the webhook's log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aftershock.cluster.connection import Endpoint
from aftershock.errors import QueryError, TransientError
from aftershock.observe.alertmanager import Alertmanager, WebhookLog, record_notifications
from aftershock.testing import FakeClock
from aftershock.timeline import Timeline
from tests.unit.observe.server import serving

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LABELS = {"alertname": "PodOOMKilled", "pod": "a"}


def entry(received_at: str, status: str = "firing") -> dict[str, Any]:
    alert = {"labels": LABELS, "status": status, "startsAt": "2026-03-01T12:00:00Z", "endsAt": None}
    payload = {"groupKey": "{}:{x}", "receiver": "warning", "status": status, "alerts": [alert]}
    return {"received_at": received_at, "payload": payload}


def log(*entries: dict[str, Any], complete_from: str = "2026-03-01T11:00:00Z") -> dict[str, Any]:
    return {"notifications": list(entries), "complete_from": complete_from}


def test_notifications_become_events_at_their_receipt_once() -> None:
    found = log(entry("2026-03-01T12:01:00.5Z", "resolved"), entry("2026-03-01T12:00:10.25Z"))
    timeline = Timeline(clock=FakeClock())
    with serving(lambda path, query: (200, found)) as server:
        webhook = WebhookLog(Endpoint(url=server.url))
        assert len(record_notifications(webhook, timeline, since=NOON)) == 2
        assert record_notifications(webhook, timeline, since=NOON) == []
        assert server.asked[0] == ("/notifications", {"since": "2026-03-01T12:00:00.000000Z"})
    first, second = timeline
    assert first.at == NOON.replace(second=10, microsecond=250000)
    assert first.mono is None
    assert (first.data["receiver"], first.data["alerts"][0]["labels"]) == ("warning", LABELS)
    assert second.data["status"] == "resolved"


def test_log_that_does_not_reach_back_is_an_error() -> None:
    with serving(lambda path, query: (200, log(complete_from="2026-03-01T12:30:00Z"))) as server:
        webhook = WebhookLog(Endpoint(url=server.url))
        with pytest.raises(QueryError, match="log begins"):
            webhook.notifications(NOON)


def test_refused_time_carries_the_servers_words() -> None:
    refusal = (400, {"error": "since: no time"})
    with serving(lambda path, query: refusal) as server, pytest.raises(QueryError, match="since: no time"):
        WebhookLog(Endpoint(url=server.url)).notifications(NOON)


def test_what_alertmanager_knows() -> None:
    status = {"state": "suppressed", "silencedBy": [], "inhibitedBy": ["f1"]}
    alert = {"labels": LABELS, "status": status, "startsAt": "s", "endsAt": "e"}
    timeline = Timeline(clock=FakeClock())
    with serving(lambda path, query: (200, [alert])) as server:
        event = Alertmanager(Endpoint(url=server.url)).record(timeline)
    assert event.data["alerts"] == [
        {
            "labels": LABELS,
            "state": "suppressed",
            "starts_at": "s",
            "ends_at": "e",
            "silenced_by": [],
            "inhibited_by": ["f1"],
        }
    ]


def test_ready_and_away() -> None:
    with serving(lambda path, query: (200, b"OK")) as server:
        alertmanager = Alertmanager(Endpoint(url=server.url))
        assert alertmanager.ready()
    assert not alertmanager.ready()
    with pytest.raises(TransientError):
        alertmanager.alerts()


def test_page_that_is_no_json_is_an_error() -> None:
    with serving(lambda path, query: (200, b"<html>")) as server, pytest.raises(QueryError, match="JSON"):
        Alertmanager(Endpoint(url=server.url)).alerts()


def test_the_configuration_it_runs_with() -> None:
    answer = {"config": {"original": "route:\n  receiver: x\n  group_wait: 10s\n"}}
    with serving(lambda path, query: (200, answer)) as server:
        found = Alertmanager(Endpoint(url=server.url)).configuration()
        assert server.asked[0][0] == "/api/v2/status"
    assert found == {"route": {"receiver": "x", "group_wait": "10s"}}


def test_a_configuration_that_is_no_yaml_is_an_error() -> None:
    answer = {"config": {"original": "route: ["}}
    with serving(lambda path, query: (200, answer)) as server, pytest.raises(QueryError, match="no YAML"):
        Alertmanager(Endpoint(url=server.url)).configuration()
