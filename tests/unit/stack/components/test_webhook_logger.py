from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aftershock_components.webhook_logger.app import BODY_LIMIT, create_webhook_logger
from aftershock_components.webhook_logger.store import Notification, NotificationStore, parse_instant

from aftershock.testing import FakeClock

NOTIFICATION = {
    "receiver": "warning",
    "status": "firing",
    "alerts": [{"labels": {"alertname": "PodOOMKilled"}}],
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_store(tmp_path: Path, clock: FakeClock) -> Callable[..., NotificationStore]:
    def make(**options: Any) -> NotificationStore:
        return NotificationStore(tmp_path / "log.jsonl", now=clock.now, **options)

    return make


def ask(
    store: NotificationStore, talk: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]
) -> httpx.Response:
    async def whole() -> httpx.Response:
        deliveries = NotificationStore(store.path.with_name("deliveries.jsonl"), now=store.now)
        app = create_webhook_logger(store, deliveries)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://logger") as client,
        ):
            return await talk(client)

    return asyncio.run(whole())


def post(store: NotificationStore, content: bytes) -> httpx.Response:
    return ask(store, lambda client: client.post("/alert", content=content))


def test_a_notification_is_kept_with_the_time_of_its_receipt(make_store, clock: FakeClock) -> None:
    store = make_store()
    clock.elapsed = 12.3456789
    answer = post(store, json.dumps(NOTIFICATION).encode())
    assert answer.status_code == 200
    shown = ask(store, lambda client: client.get("/notifications")).json()
    assert shown == {
        "notifications": [
            {"sequence": 1, "received_at": "2026-01-01T00:00:12.345679Z", "payload": NOTIFICATION}
        ],
        "complete_from": "2026-01-01T00:00:00.000000Z",
    }


@pytest.mark.parametrize(
    ("since", "sequences"),
    [
        ("2026-01-01T00:00:00Z", [1, 2, 3]),
        ("2026-01-01T00:00:20Z", [2, 3]),
        ("2026-01-01T00:00:20.000001Z", [3]),
        ("2026-01-01T01:00:20+01:00", [2, 3]),
        ("2026-01-01T00:00:31Z", []),
    ],
)
def test_since_is_inclusive_and_knows_offsets(
    make_store, clock: FakeClock, since: str, sequences: list[int]
) -> None:
    store = make_store()
    for seconds in (10, 20, 30):
        clock.elapsed = seconds
        store.append(NOTIFICATION)
    answer = ask(store, lambda client: client.get(f"/notifications?since={since}"))
    assert [kept["sequence"] for kept in answer.json()["notifications"]] == sequences


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01T00:00:00", ""])
def test_a_since_that_is_no_instant_is_refused(make_store, since: str) -> None:
    answer = ask(make_store(), lambda client: client.get("/notifications", params={"since": since}))
    assert answer.status_code == 400
    assert "RFC 3339" in answer.json()["error"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"alerts": 3}', 400),
        (b"\xff", 400),
        (b" " * (BODY_LIMIT + 1), 413),
    ],
)
def test_what_is_no_notification_is_refused_and_not_kept(make_store, content: bytes, status: int) -> None:
    store = make_store()
    assert post(store, content).status_code == status
    assert len(store) == 0


def test_what_could_not_be_written_is_not_acknowledged(make_store, tmp_path: Path) -> None:
    store = make_store()
    store.path.unlink()
    store.path.mkdir()  # a full or read-only disk, for any user
    answer = post(store, json.dumps(NOTIFICATION).encode())
    assert answer.status_code == 500
    assert len(store) == 0


def test_a_restarted_logger_goes_on_where_it_was(make_store, clock: FakeClock) -> None:
    make_store().append(NOTIFICATION)
    clock.elapsed = 60
    again = make_store()
    assert again.append(NOTIFICATION).sequence == 2
    assert [kept.sequence for kept in make_store().since(None)] == [1, 2]
    assert again.complete_from == clock.start


def test_a_line_torn_by_a_kill_costs_that_line_alone(make_store) -> None:
    store = make_store()
    store.append(NOTIFICATION)
    with store.path.open("ab") as file:
        file.write(b'{"sequence":2,"rec')
    again = make_store()
    assert again.unreadable_lines == 1
    assert again.append(NOTIFICATION).sequence == 2
    assert [kept.sequence for kept in make_store().since(None)] == [1, 2]


def test_memory_is_bounded_and_says_since_when_nothing_is_missing(make_store, clock: FakeClock) -> None:
    store = make_store(keep=3)
    for seconds in range(5):
        clock.elapsed = seconds
        store.append(NOTIFICATION)
    assert [kept.sequence for kept in store.since(None)] == [3, 4, 5]
    assert store.complete_from == clock.start + timedelta(seconds=2, microseconds=1)


def test_the_file_is_bounded(make_store, tmp_path: Path) -> None:
    store = make_store(file_limit=2000)
    for _ in range(50):
        store.append(NOTIFICATION)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["log.jsonl", "log.jsonl.1"]
    assert all(file.stat().st_size <= 2000 for file in files)
    reread = make_store().since(None)
    assert reread[-1].sequence == 50
    assert [kept.sequence for kept in reread] == list(range(reread[0].sequence, 51))


def test_a_notification_survives_the_way_to_the_file_and_back() -> None:
    at = parse_instant("2026-11-02T10:00:00.000001+02:00")
    notification = Notification(sequence=7, received_at=at, payload=NOTIFICATION)
    assert Notification.from_dict(json.loads(json.dumps(notification.to_dict()))) == notification
    assert notification.to_dict()["received_at"] == "2026-11-02T08:00:00.000001Z"
    assert isinstance(at, datetime)
