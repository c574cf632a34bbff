from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aftershock_components.escalation.app import Loop, create_escalation
from aftershock_components.escalation.escalator import Alert, Due, Escalator, Told, alerts_of
from aftershock_components.escalation.messages import message
from aftershock_components.escalation.policy import Policy, PolicyError, read_policy
from aftershock_components.webhook_logger.vendors import CHECKS

from aftershock.testing import FakeClock

ROOT = Path(__file__).parents[4]
LATER = datetime.fromisoformat("2026-01-02T00:00:00+00:00")
POLICY = ROOT / "stack/monitoring/base/escalation/policy.toml"


@pytest.fixture
def policy() -> Policy:
    return read_policy(POLICY.read_text())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def escalator(policy: Policy, tmp_path: Path) -> Escalator:
    return Escalator(policy, Told(tmp_path / "told"))


def alert(name: str, since: datetime, **labels: str) -> Alert:
    return Alert(
        fingerprint=name.lower(), labels={"alertname": name, **labels}, starts_at=since, summary="It is so"
    )


def told(escalator: Escalator, alerts: list[Alert], now: datetime) -> list[str]:
    """Look once, deliver all, and return who was told of which level."""
    found = escalator.due(alerts, now)
    for due in found:
        escalator.delivered(due)
    return [f"{due.channel}{' over' if due.over else f' {due.level.level}'}" for due in found]


def course(escalator: Escalator, one: Alert, minutes: range) -> dict[int, list[str]]:
    looks = {at: told(escalator, [one], one.starts_at + timedelta(minutes=at)) for at in minutes}
    return {at: who for at, who in looks.items() if who}


@pytest.mark.parametrize("name", ["PodCrashLooping", "NodeDown", "HighErrorRate"])
def test_critical_alerts_go_to_the_third_level(escalator: Escalator, clock: FakeClock, name: str) -> None:
    assert course(escalator, alert(name, clock.now()), range(120)) == {
        5: ["chat 1"],
        15: ["chat 2", "mail 2"],
        30: ["page 3"],
    }


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("HighLatency", {"signal": "latency"}),
        ("HighCPUSaturation", {"signal": "saturation"}),
        ("HighMemorySaturation", {"signal": "saturation"}),
        ("PersistentVolumeUsageHigh", {}),
        ("HighTraffic", {"signal": "traffic"}),
    ],
)
def test_performance_and_capacity_go_to_the_second(
    escalator: Escalator, clock: FakeClock, name: str, labels: dict[str, str]
) -> None:
    found = course(escalator, alert(name, clock.now(), **labels), range(120))
    assert found == {5: ["chat 1"], 15: ["chat 2", "mail 2"]}


def test_others_are_not_escalated(escalator: Escalator, clock: FakeClock) -> None:
    assert course(escalator, alert("HPAAtMax", clock.now(), severity="warning"), range(120)) == {}


def test_a_class_may_go_to_the_management(tmp_path: Path, clock: FakeClock) -> None:
    policy = read_policy(POLICY.read_text().replace("up_to = 3", "up_to = 4"))
    found = course(Escalator(policy, Told(tmp_path / "told")), alert("NodeDown", clock.now()), range(120))
    assert found[60] == ["management 4"]


def test_not_a_second_before_its_time(escalator: Escalator, clock: FakeClock) -> None:
    one = alert("NodeDown", clock.now())
    assert told(escalator, [one], clock.now() + timedelta(seconds=299.9)) == []
    assert told(escalator, [one], clock.now() + timedelta(seconds=300)) == ["chat 1"]


def test_what_is_acknowledged_goes_no_further_until_that_ends(escalator: Escalator, clock: FakeClock) -> None:
    one = alert("NodeDown", clock.now())
    quiet = Alert(
        fingerprint=one.fingerprint,
        labels=one.labels,
        starts_at=one.starts_at,
        summary=one.summary,
        quiet=True,
    )
    assert told(escalator, [one], clock.now() + timedelta(minutes=6)) == ["chat 1"]
    assert told(escalator, [quiet], clock.now() + timedelta(minutes=40)) == []
    assert escalator.level_of(quiet, clock.now() + timedelta(minutes=40)) == 0
    # The silence has expired: what was due meanwhile is told now.
    assert told(escalator, [one], clock.now() + timedelta(minutes=41)) == ["chat 2", "mail 2", "page 3"]


def test_those_who_were_told_hear_of_the_end_once(escalator: Escalator, clock: FakeClock) -> None:
    one = alert("NodeDown", clock.now())
    told(escalator, [one], clock.now() + timedelta(minutes=16))
    assert told(escalator, [], clock.now() + timedelta(minutes=17)) == ["chat over", "mail over"]
    assert told(escalator, [], clock.now() + timedelta(minutes=18)) == []


def test_what_ends_before_anybody_was_told_ends_in_silence(escalator: Escalator, clock: FakeClock) -> None:
    one = alert("NodeDown", clock.now())
    assert told(escalator, [one], clock.now() + timedelta(minutes=4)) == []
    assert told(escalator, [], clock.now() + timedelta(minutes=6)) == []


def test_the_next_incident_of_the_same_alert_begins_anew(escalator: Escalator, clock: FakeClock) -> None:
    assert course(escalator, alert("NodeDown", clock.now()), range(10)) == {5: ["chat 1"]}
    told(escalator, [], clock.now() + timedelta(minutes=10))
    later = alert("NodeDown", clock.now() + timedelta(minutes=20))
    assert course(escalator, later, range(10)) == {5: ["chat 1"]}


def test_what_was_not_delivered_stays_due(escalator: Escalator, clock: FakeClock) -> None:
    one = alert("NodeDown", clock.now())
    now = clock.now() + timedelta(minutes=6)
    assert escalator.due([one], now)
    assert escalator.due([one], now) != []
    assert told(escalator, [one], now) == ["chat 1"]
    # So does the end.
    assert escalator.due([], now) != []
    assert told(escalator, [], now) == ["chat over"]


def test_a_restart_tells_nobody_twice(policy: Policy, tmp_path: Path, clock: FakeClock) -> None:
    one = alert("NodeDown", clock.now())
    now = clock.now() + timedelta(minutes=6)
    assert told(Escalator(policy, Told(tmp_path / "told")), [one], now) == ["chat 1"]
    assert told(Escalator(policy, Told(tmp_path / "told")), [one], now) == []


def test_every_message_is_one_that_its_vendor_takes(policy: Policy, clock: FakeClock) -> None:
    for labels in ({"namespace": "demo", "job": "web"}, {}):
        one = alert("HighErrorRate", clock.now(), **labels)
        for level in policy.levels:
            for over in (False, True):
                for name, channel in policy.channels.items():
                    body = message(Due(alert=one, level=level, channel=name, over=over), channel)
                    assert list(CHECKS[channel.kind](json.loads(json.dumps(body)))) == []
    third = Due(alert=one, level=policy.levels[2], channel="page")
    assert (
        message(third, policy.channels["page"])["payload"]["custom_details"]["to do"]
        == "scale out, fail over"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('after = "15m"', 'after = "2m"'), "rise"),
        (("level = 2", "level = 1"), "rise"),
        (('channels = ["page"]', 'channels = ["pager"]'), "pager"),
        (("up_to = 3", "up_to = 5"), "critical"),
        (('after = "5m"', 'after = "5 minutes"'), "5 minutes"),
        (('look_every = "10s"', 'look_every = ""'), "no duration"),
        (('kind = "mail"', 'kind = "telex"'), "telex"),
        (("[[levels]]", "[levels"), "cannot be read"),
        (('look_every = "10s"', 'look_ever = "10s"'), "look_ever"),
    ],
)
def test_a_policy_that_cannot_be_carried_out_is_refused(change: tuple[str, str], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        read_policy(POLICY.read_text().replace(*change, 1))


RAW = {
    "fingerprint": "f",
    "labels": {"alertname": "NodeDown", "node": "w1"},
    "annotations": {"summary": "Node w1 does not answer"},
    "startsAt": "2026-01-01T00:00:00.000Z",
    "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
}


def test_alertmanagers_answer_is_read() -> None:
    held = {**RAW, "status": {"state": "suppressed", "silencedBy": [], "inhibitedBy": ["g"]}}
    silenced = {**RAW, "status": {"state": "suppressed", "silencedBy": ["s"], "inhibitedBy": []}}
    first, second, third = alerts_of(json.dumps([RAW, held, silenced]))
    assert (first.quiet, second.quiet, third.quiet) == (False, True, True)
    assert first.summary == "Node w1 does not answer"
    assert first.starts_at == datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def run(escalator: Escalator, answer: Callable[[httpx.Request], httpx.Response], now: datetime) -> Loop:
    async def whole() -> Loop:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            loop = Loop(escalator, client, alertmanager="http://am:9093/", now=lambda: now)
            await loop.look()
            return loop

    return asyncio.run(whole())


def test_a_look_tells_and_shows_the_level(escalator: Escalator) -> None:
    asked: list[tuple[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((str(request.url), json.loads(request.content) if request.content else None))
        return httpx.Response(200, json=[RAW])

    loop = run(escalator, answer, datetime.fromisoformat("2026-01-01T00:16:00+00:00"))
    assert [url for url, _ in asked] == [
        "http://am:9093/api/v2/alerts",
        "http://alertmanager-webhook:8080/slack/escalation",
        "http://alertmanager-webhook:8080/slack/escalation",
        "http://alertmanager-webhook:8080/mail",
    ]
    assert loop.delivered == 3
    assert list(loop.levels.values()) == [2]
    assert loop.problem == ""


@pytest.mark.parametrize("content", [b"{", b'[{"labels": {}}]', b"5"])
def test_an_answer_that_cannot_be_read_is_a_problem_and_tells_nobody(
    escalator: Escalator, content: bytes
) -> None:
    loop = run(escalator, lambda request: httpx.Response(200, content=content), LATER)
    assert loop.failed == {"alertmanager": 1}
    assert "http://am:9093" in loop.problem


def test_an_alertmanager_that_is_down_is_a_problem(escalator: Escalator) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    loop = run(escalator, answer, LATER)
    assert "refused" in loop.problem


def test_a_channel_that_fails_is_tried_again(escalator: Escalator) -> None:
    now = datetime.fromisoformat("2026-01-01T00:06:00+00:00")

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[RAW]) if request.method == "GET" else httpx.Response(500)

    loop = run(escalator, answer, now)
    assert loop.failed["chat"] == 1
    assert "500" in loop.problem
    assert loop.delivered == 0
    assert run(escalator, lambda request: httpx.Response(200, json=[RAW]), now).delivered == 1


def test_it_serves_what_it_knows(escalator: Escalator) -> None:
    async def talk() -> tuple[Any, str]:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, json=[RAW]))
        async with httpx.AsyncClient(transport=transport) as out:
            now = datetime.fromisoformat("2026-01-01T00:06:00+00:00")
            loop = Loop(escalator, out, alertmanager="http://am:9093", now=lambda: now)
            await loop.look()
            app = create_escalation(loop)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://escalation") as client,
            ):
                return (await client.get("/escalations")).json(), (await client.get("/metrics")).text

    shown, metrics = asyncio.run(talk())
    assert list(shown["levels"].values()) == [1]
    assert "escalation_alerts 1.0" in metrics
    assert "escalation_problem 0.0" in metrics
