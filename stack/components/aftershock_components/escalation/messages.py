"""The words of an escalation, for each kind of channel."""

from __future__ import annotations

from typing import Any

from aftershock_components.escalation.escalator import Due
from aftershock_components.escalation.policy import Channel

__all__ = ["message"]


def message(due: Due, channel: Channel) -> dict[str, Any]:
    """Return the body to post to `channel`."""
    return {"slack": _slack, "pagerduty": _pagerduty, "mail": _mail}[channel.kind](due, channel)


def _slack(due: Due, channel: Channel) -> dict[str, Any]:  # noqa: ARG001 - one signature for all
    color = "good" if due.over else "danger"
    return {
        "text": _headline(due),
        "attachments": [{"fallback": _headline(due), "color": color, "text": _text(due)}],
    }


def _pagerduty(due: Due, channel: Channel) -> dict[str, Any]:
    return {
        "routing_key": channel.key,
        "event_action": "resolve" if due.over else "trigger",
        "dedup_key": due.alert.key,
        "client": "escalation",
        "payload": {
            "summary": _headline(due)[:1024],
            "source": _about(due),
            "severity": "critical",
            "timestamp": due.alert.starts_at.isoformat(),
            "custom_details": {**due.alert.labels, "to do": ", ".join(due.level.act)},
        },
    }


def _mail(due: Due, channel: Channel) -> dict[str, Any]:
    return {"to": channel.to, "subject": _headline(due).replace("\n", " "), "text": _text(due)}


def _headline(due: Due) -> str:
    name = due.alert.labels.get("alertname", "an alert")
    if due.over:
        return f"over: {name} {_about(due)}"
    return f"level {due.level.level}: {name} {_about(due)}, unacknowledged for {due.level.after}"


def _about(due: Due) -> str:
    labels = due.alert.labels
    names = ("namespace", "service", "job", "pod", "persistentvolumeclaim", "node", "instance")
    return "/".join(labels[name] for name in names if name in labels) or "the cluster"


def _text(due: Due) -> str:
    act = f"\nTo do now: {', '.join(due.level.act)}." if due.level.act and not due.over else ""
    return f"{due.alert.summary or _headline(due)}\nSince {due.alert.starts_at.isoformat()}.{act}"
