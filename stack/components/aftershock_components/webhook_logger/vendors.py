"""What Slack, PagerDuty and a mail relay would have said: their formats, checked.

Slack: incoming webhooks (https://api.slack.com/messaging/webhooks, and
https://api.slack.com/reference/messaging/attachments for the attachments that Alertmanager sends).
PagerDuty: Events API v2 (https://developer.pagerduty.com/docs/events-api-v2/trigger-events/).
Each check returns what is wrong, in words; nothing is wrong where it returns none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

__all__ = ["CHECKS", "mail_problems", "pagerduty_problems", "slack_problems"]

_SLACK_TEXT = 40_000  # characters; longer ones are cut off
_SLACK_ATTACHMENTS = 100
_SLACK_COLOR = re.compile(r"good|warning|danger|#[0-9a-fA-F]{6}")
_SLACK_STRINGS = ("fallback", "pretext", "title", "title_link", "text", "footer", "image_url", "thumb_url")
_URL = re.compile(r"https?://\S+")

_KEY = re.compile(r"[0-9a-zA-Z]{32}")
_ACTIONS = ("trigger", "acknowledge", "resolve")
_SEVERITIES = ("critical", "error", "warning", "info")
_SUMMARY = 1024  # characters
_DEDUP = 255  # characters
_EVENT_FIELDS = frozenset(
    {"routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"}
)
_PAYLOAD_FIELDS = frozenset(
    {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
)

Body = Mapping[str, Any]


def slack_problems(body: Body) -> Iterator[str]:
    """Yield what Slack would refuse in a message to an incoming webhook."""
    if not any(body.get(part) for part in ("text", "attachments", "blocks")):
        yield "no_text: one of text, attachments and blocks is needed"
    yield from _strings(body, ("text", "channel", "username", "icon_url", "icon_emoji"), "message")
    if len(str(body.get("text") or "")) > _SLACK_TEXT:
        yield f"text: more than {_SLACK_TEXT} characters"
    attachments = body.get("attachments") or []
    if not isinstance(attachments, list):
        yield "attachments: a list is expected"
        return
    if len(attachments) > _SLACK_ATTACHMENTS:
        yield f"too_many_attachments: more than {_SLACK_ATTACHMENTS}"
    for number, attachment in enumerate(attachments):
        yield from _attachment(attachment, f"attachments[{number}]")


def _attachment(attachment: Any, where: str) -> Iterator[str]:
    if not isinstance(attachment, dict):
        yield f"{where}: an object is expected"
        return
    yield from _strings(attachment, _SLACK_STRINGS, where)
    if not any(attachment.get(part) for part in ("fallback", "text", "title", "blocks", "fields")):
        yield f"{where}: it has nothing to show"
    color = attachment.get("color")
    if color and not _SLACK_COLOR.fullmatch(str(color)):
        yield f"{where}.color: {color!r} is none of good, warning, danger and #rrggbb"
    link = attachment.get("title_link")
    if link and not _URL.fullmatch(str(link)):
        yield f"{where}.title_link: {link!r} is no URL"
    for number, field in enumerate(attachment.get("fields") or []):
        yield from _field(field, f"{where}.fields[{number}]")


def _field(field: Any, where: str) -> Iterator[str]:
    if not isinstance(field, dict):
        yield f"{where}: an object is expected"
        return
    yield from _strings(field, ("title", "value"), where)
    if not isinstance(field.get("short", False), bool):
        yield f"{where}.short: true or false is expected"


def pagerduty_problems(body: Body) -> Iterator[str]:
    """Yield what PagerDuty would refuse in an event."""
    yield from (f"{name}: no field of an event" for name in sorted(body.keys() - _EVENT_FIELDS))
    if not _KEY.fullmatch(str(body.get("routing_key", ""))):
        yield "routing_key: 32 characters are expected"
    action = body.get("event_action")
    if action not in _ACTIONS:
        yield f"event_action: {action!r} is none of {', '.join(_ACTIONS)}"
    dedup = body.get("dedup_key", "")
    if not isinstance(dedup, str) or len(dedup) > _DEDUP:
        yield f"dedup_key: a text of at most {_DEDUP} characters is expected"
    if action in {"acknowledge", "resolve"} and not dedup:
        yield f"dedup_key: {action} needs it"
    if action == "trigger":
        yield from _payload(body.get("payload"))
    yield from _links(body)


def _links(body: Body) -> Iterator[str]:
    for number, link in enumerate(body.get("links") or []):
        if not isinstance(link, dict) or not _URL.fullmatch(str(link.get("href", ""))):
            yield f"links[{number}].href: a URL is expected"
    for number, image in enumerate(body.get("images") or []):
        if not isinstance(image, dict) or not str(image.get("src", "")).startswith("https://"):
            yield f"images[{number}].src: an https URL is expected"


def _payload(payload: Any) -> Iterator[str]:
    if not isinstance(payload, dict):
        yield "payload: a trigger needs it"
        return
    yield from (f"payload.{name}: no field of a payload" for name in sorted(payload.keys() - _PAYLOAD_FIELDS))
    for name in ("summary", "source"):
        if not isinstance(payload.get(name), str) or not payload[name]:
            yield f"payload.{name}: a text is expected"
    if len(str(payload.get("summary", ""))) > _SUMMARY:
        yield f"payload.summary: more than {_SUMMARY} characters"
    if payload.get("severity") not in _SEVERITIES:
        yield f"payload.severity: {payload.get('severity')!r} is none of {', '.join(_SEVERITIES)}"
    if payload.get("timestamp") and not _is_time(str(payload["timestamp"])):
        yield "payload.timestamp: ISO 8601 is expected"
    if not isinstance(payload.get("custom_details", {}), dict):
        yield "payload.custom_details: an object is expected"


def mail_problems(body: Body) -> Iterator[str]:
    """Yield what is wrong with a mail that is handed over as `to`, `subject` and `text`."""
    for name in ("to", "subject", "text"):
        if not isinstance(body.get(name), str) or not body[name]:
            yield f"{name}: a text is expected"
    if "@" not in str(body.get("to", "")):
        yield "to: an address is expected"
    if "\n" in str(body.get("subject", "")):
        yield "subject: one line is expected"


def _strings(body: Body, names: tuple[str, ...], where: str) -> Iterator[str]:
    for name in names:
        if not isinstance(body.get(name, ""), str | None):
            yield f"{where}.{name}: a text is expected"


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


CHECKS: Mapping[str, Callable[[Body], Iterator[str]]] = {
    "slack": slack_problems,
    "pagerduty": pagerduty_problems,
    "mail": mail_problems,
}
