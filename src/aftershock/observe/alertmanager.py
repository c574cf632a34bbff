"""Who was told of what, and when: Alertmanager's API and the webhook logger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from aftershock.clock import from_rfc3339, rfc3339
from aftershock.cluster.connection import Endpoint
from aftershock.errors import QueryError
from aftershock.observe.http import get_json, is_ready, session_for
from aftershock.timeline import Event, Timeline

__all__ = ["Alertmanager", "Notification", "WebhookLog", "record_notifications"]


class Alertmanager:
    """One Alertmanager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.url = endpoint.url.rstrip("/")
        self._session = session_for(endpoint)

    def ready(self) -> bool:
        """Whether it says that it is ready; False also where nothing answers."""
        return is_ready(self._session, self.url)

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it knows, as /api/v2/alerts has them.

        Raises:
            QueryError, TransientError: it refuses, or does not answer.

        """
        found: list[dict[str, Any]] = get_json(self._session, f"{self.url}/api/v2/alerts")
        return found

    def configuration(self) -> dict[str, Any]:
        """Return the configuration that it runs with, its routing tree above all; secrets are masked.

        Raises:
            QueryError: it refuses, or its configuration cannot be read.
            TransientError: it does not answer.

        """
        text = get_json(self._session, f"{self.url}/api/v2/status")["config"]["original"]
        try:
            found: dict[str, Any] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise QueryError(
                f"the configuration of {self.url} is no YAML", status=200, found=str(error)
            ) from error
        return found

    def record(self, timeline: Timeline) -> Event:
        """Record what it knows at this moment."""
        alerts = [
            {
                "labels": alert["labels"],
                "state": alert["status"]["state"],
                "starts_at": alert["startsAt"],
                "ends_at": alert["endsAt"],
                "silenced_by": alert["status"]["silencedBy"],
                "inhibited_by": alert["status"]["inhibitedBy"],
            }
            for alert in self.alerts()
        ]
        return timeline.record("alertmanager", "am-alerts", alerts=alerts)


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One notification as the webhook received it, at its own clock."""

    received_at: datetime
    payload: Mapping[str, Any]


class WebhookLog:
    """The webhook logger of the stack."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.url = endpoint.url.rstrip("/")
        self._session = session_for(endpoint)

    def notifications(self, since: datetime) -> list[Notification]:
        """Return what it received since then, oldest first.

        Raises:
            QueryError: it refuses, or its log does not reach back that far.
            TransientError: it does not answer.

        """
        answer = get_json(self._session, f"{self.url}/notifications", params={"since": rfc3339(since)})
        complete = from_rfc3339(answer["complete_from"])
        if complete > since:
            raise QueryError(
                f"the webhook's log begins {rfc3339(complete)}, after {rfc3339(since)}",
                status=200,
                hint="it was restarted without its file, or has dropped old notifications",
            )
        found = [
            Notification(received_at=from_rfc3339(entry["received_at"]), payload=entry["payload"])
            for entry in answer["notifications"]
        ]
        return sorted(found, key=lambda notification: notification.received_at)


def record_notifications(log: WebhookLog, timeline: Timeline, *, since: datetime) -> list[Event]:
    """Record every notification since then as an event at the time of its receipt.

    One that the timeline has already is not recorded again.

    Raises: as `WebhookLog.notifications`.
    """
    had = {(event.at, event.subject) for event in timeline.select(source="alertmanager", kind="notification")}
    events = (_event(notification) for notification in log.notifications(since))
    return [timeline.append(event) for event in events if (event.at, event.subject) not in had]


def _event(notification: Notification) -> Event:
    payload = notification.payload
    return Event(
        at=notification.received_at,
        mono=None,
        source="alertmanager",
        kind="notification",
        subject=str(payload.get("groupKey", "")),
        data={
            "receiver": payload.get("receiver", ""),
            "status": payload.get("status", ""),
            "alerts": [
                {
                    "labels": alert.get("labels", {}),
                    "status": alert.get("status", ""),
                    "starts_at": alert.get("startsAt"),
                    "ends_at": alert.get("endsAt"),
                }
                for alert in payload.get("alerts", ())
            ],
        },
    )
