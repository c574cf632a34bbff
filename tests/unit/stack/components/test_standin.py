from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from aftershock_components.webhook_logger.app import create_webhook_logger
from aftershock_components.webhook_logger.store import NotificationStore
from aftershock_components.webhook_logger.vendors import mail_problems, pagerduty_problems, slack_problems

from aftershock.testing import FakeClock

MESSAGE = {
    "channel": "#alerts",
    "attachments": [
        {
            "title": "FIRING: X",
            "title_link": "http://alertmanager:9093/#/alerts",
            "text": "It is so",
            "fallback": "X",
            "color": "danger",
            "mrkdwn_in": ["fallback", "pretext", "text"],
            "fields": [{"title": "node", "value": "w1", "short": True}],
        }
    ],
}
EVENT = {
    "routing_key": "0" * 32,
    "dedup_key": "abc",
    "event_action": "trigger",
    "client": "Alertmanager",
    "payload": {
        "summary": "X: It is so",
        "source": "Alertmanager",
        "severity": "critical",
        "timestamp": "2026-11-21T10:00:00Z",
        "custom_details": {"firing": "1"},
    },
    "links": [{"href": "http://alertmanager:9093", "text": "more"}],
}
MAIL = {"to": "oncall@example.org", "subject": "X", "text": "It is so"}


def changed(body: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """Return a copy of `body` with what is at `path` replaced, or gone where `to` is None."""
    first, *rest = path
    copy: Any = list(body) if isinstance(body, list) else dict(body)
    if rest:
        copy[first] = changed(copy[first], *rest, to=to)
    elif to is None:
        del copy[first]
    else:
        copy[first] = to
    return copy


def test_what_is_well_formed_has_no_problems() -> None:
    assert list(slack_problems(MESSAGE)) == []
    assert list(slack_problems({"text": "a line"})) == []
    assert list(pagerduty_problems(EVENT)) == []
    resolve = {"routing_key": "0" * 32, "event_action": "resolve", "dedup_key": "abc"}
    assert list(pagerduty_problems(resolve)) == []
    assert list(mail_problems(MAIL)) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"channel": "#alerts"}, "no_text"),
        ({"text": 5}, "message.text"),
        ({"text": "x" * 40_001}, "40000"),
        ({"attachments": "x"}, "a list"),
        ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
        ({"attachments": ["x"]}, "attachments[0]"),
        ({"attachments": [{"color": "good"}]}, "nothing to show"),
        (changed(MESSAGE, "attachments", 0, "color", to="red"), "'red'"),
        (changed(MESSAGE, "attachments", 0, "title_link", to="alerts"), "no URL"),
        (changed(MESSAGE, "attachments", 0, "text", to={}), "attachments[0].text"),
        (changed(MESSAGE, "attachments", 0, "fields", 0, "short", to="yes"), "short"),
        (changed(MESSAGE, "attachments", 0, "fields", 0, to="x"), "fields[0]"),
    ],
)
def test_what_slack_would_refuse_is_said(body: dict[str, Any], said: str) -> None:
    [problem] = slack_problems(body)
    assert said in problem


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (changed(EVENT, "routing_key", to="short"), "32 characters"),
        (changed(EVENT, "event_action", to="fire"), "'fire'"),
        (changed(EVENT, "dedup_key", to="x" * 256), "255"),
        (changed(changed(EVENT, "event_action", to="resolve"), "dedup_key", to=None), "resolve needs it"),
        (changed(EVENT, "payload", to=None), "a trigger needs it"),
        (changed(EVENT, "payload", "summary", to=""), "payload.summary"),
        (changed(EVENT, "payload", "summary", to="x" * 1025), "1024"),
        (changed(EVENT, "payload", "source", to=None), "payload.source"),
        (changed(EVENT, "payload", "severity", to="high"), "'high'"),
        (changed(EVENT, "payload", "timestamp", to="today"), "ISO 8601"),
        (changed(EVENT, "payload", "custom_details", to="x"), "custom_details"),
        (changed(EVENT, "payload", "colour", to="red"), "payload.colour"),
        (changed(EVENT, "colour", to="red"), "colour: no field"),
        (changed(EVENT, "links", 0, "href", to="x"), "links[0].href"),
        ({**EVENT, "images": [{"src": "http://x"}]}, "images[0].src"),
    ],
)
def test_what_pagerduty_would_refuse_is_said(body: dict[str, Any], said: str) -> None:
    [problem] = pagerduty_problems(body)
    assert said in problem


@pytest.mark.parametrize(
    ("name", "value"), [("to", "nobody"), ("to", ""), ("subject", "two\nlines"), ("text", 5)]
)
def test_what_is_no_mail_is_said(name: str, value: Any) -> None:
    problems = list(mail_problems({**MAIL, name: value}))
    assert problems
    assert all(problem.startswith(name) for problem in problems)


def test_each_is_answered_in_its_own_way_and_kept(tmp_path: Path) -> None:
    clock = FakeClock()
    told = NotificationStore(tmp_path / "told", now=clock.now)
    deliveries = NotificationStore(tmp_path / "deliveries", now=clock.now)

    async def talk() -> list[httpx.Response]:
        app = create_webhook_logger(told, deliveries)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://standin") as client,
        ):
            return [
                await client.post("/slack/critical", json=MESSAGE),
                await client.post("/slack/critical", content=b"{"),
                await client.post("/pagerduty/v2/enqueue", json=EVENT),
                await client.post("/pagerduty/v2/enqueue", json={**EVENT, "routing_key": ""}),
                await client.post("/mail", json=MAIL),
                await client.post("/mail", json=[]),
                await client.get("/deliveries"),
                await client.get("/deliveries", params={"since": "yesterday"}),
                await client.get("/notifications"),
            ]

    answers = asyncio.run(talk())
    assert [answer.status_code for answer in answers] == [200, 400, 202, 400, 202, 400, 200, 400, 200]
    assert answers[0].text == "ok"
    assert answers[1].text.startswith("invalid_payload")
    assert answers[2].json() == {"status": "success", "message": "Event processed", "dedup_key": "abc"}
    assert answers[3].json()["errors"] == ["routing_key: 32 characters are expected"]
    kept = answers[6].json()["deliveries"]
    assert [(entry["vendor"], entry["to"], len(entry["problems"])) for entry in kept] == [
        ("slack", "critical", 0),
        ("slack", "critical", 1),
        ("pagerduty", "", 0),
        ("pagerduty", "", 1),
        ("mail", "oncall@example.org", 0),
        ("mail", "", 1),
    ]
    assert kept[0]["body"] == MESSAGE
    assert "RFC 3339" in answers[7].json()["error"]
    assert answers[8].json()["notifications"] == []
