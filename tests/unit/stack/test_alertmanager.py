"""A real Alertmanager with the configuration of `ci`, and the stand-in that its receivers end at."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from aftershock_components.webhook_logger.app import create_webhook_logger
from aftershock_components.webhook_logger.store import NotificationStore

from aftershock.clock import wait_until
from tests.unit.stack.conftest import find_tool
from tests.unit.stack.test_routing import configuration

Render = Callable[[str], list[dict[str, Any]]]
Delivery = dict[str, Any]

TEXTS = {"summary": "It is so", "description": "And has been for some time.", "runbook_url": "docs/x.md"}
CRITICAL, WARNING = {"severity": "critical"}, {"severity": "warning"}
ERRORS = {"alertname": "HighErrorRate", "namespace": "demo", "job": "web", "signal": "errors", **CRITICAL}
CRASHES = {"alertname": "PodCrashLooping", "namespace": "demo", "pod": "web-1", **WARNING}
SLOW = {"alertname": "HighLatency", "namespace": "demo", "job": "web", "signal": "latency", **WARNING}
DOWN = {"alertname": "NodeDown", "node": "w1", "instance": "10.0.0.1:9100", **CRITICAL}
SHORT_THERE = {"alertname": "NodeMemoryPressure", "node": "w1", **WARNING}
SHORT_ELSEWHERE = {"alertname": "NodeMemoryPressure", "node": "w2", **WARNING}
BY_INSTANCE = {"alertname": "NodeDiskFull", "instance": "10.0.0.1:9100", **WARNING}
MASTER_BUSY = {"alertname": "MasterNodeHighCPU", "node": "m1", **CRITICAL}
BUSY_THERE = {"alertname": "HighCpuUsage", "node": "m1", **WARNING}
BUSY_ELSEWHERE = {"alertname": "HighCpuUsage", "node": "w2", **WARNING}
BURNS_FAST = {"alertname": "ErrorBudgetBurn", "slo": "availability", "service": "web", **CRITICAL}
BURNS_SLOWLY = {**BURNS_FAST, **WARNING}
BURNS_ELSEWHERE = {**BURNS_SLOWLY, "service": "api"}
TRAFFIC = {"alertname": "HighTraffic", "namespace": "demo", "job": "web", "severity": "info"}
ALL = (ERRORS, CRASHES, SLOW, DOWN, SHORT_THERE, SHORT_ELSEWHERE, BY_INSTANCE, MASTER_BUSY, BUSY_THERE)
ALL += (BUSY_ELSEWHERE, BURNS_FAST, BURNS_SLOWLY, BURNS_ELSEWHERE, TRAFFIC)
INHIBITED = (SHORT_THERE, BY_INSTANCE, BUSY_THERE, BURNS_SLOWLY)


class Monitored:
    """Alertmanager, and what it told."""

    def __init__(self, url: str, told: NotificationStore, deliveries: NotificationStore) -> None:
        self.url = url
        self._told = told
        self._deliveries = deliveries

    def post(self, *alerts: dict[str, str], ended: bool = False) -> None:
        now = datetime.now(UTC)
        # What fires does so now: of an older alert Alertmanager tells without the wait in which it hears of
        # another that inhibits it.
        began = now - timedelta(minutes=1) if ended else now
        ends = {"endsAt": now.isoformat()} if ended else {}
        body = [
            {
                "labels": labels,
                "annotations": TEXTS,
                "startsAt": began.isoformat(),
                **ends,
            }
            for labels in alerts
        ]
        requests.post(f"{self.url}/api/v2/alerts", json=body, timeout=5).raise_for_status()

    def told(self, status: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        """Return who was told of what."""
        return {
            (kept.payload["receiver"], frozenset(alert["labels"].items()))
            for kept in self._told.since(None)
            for alert in kept.payload["alerts"]
            if alert["status"] == status
        }

    def deliveries(self) -> list[Delivery]:
        return [kept.payload for kept in self._deliveries.since(None)]


@pytest.fixture(scope="module")
def monitored(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    folder = tmp_path_factory.mktemp("alertmanager")
    told, deliveries = NotificationStore(folder / "told"), NotificationStore(folder / "deliveries")
    here, there = free_port(), free_port()
    app = create_webhook_logger(told, deliveries)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=here, log_level="error", http="h11", ws="none")
    )
    thread = threading.Thread(target=server.run)
    config = folder / "config.yaml"
    config.write_text(configuration(render, "ci").replace("alertmanager-webhook:8080", f"127.0.0.1:{here}"))
    alertmanager = start(config, folder, there)
    thread.start()
    try:
        url = f"http://127.0.0.1:{there}"
        wait_until(lambda: server.started and answers(url), within_s=30, what="Alertmanager to be ready")
        yield Monitored(url, told, deliveries)
    finally:
        server.should_exit = True
        thread.join()
        alertmanager.terminate()
        alertmanager.wait()


def start(config: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    program = find_tool(
        "alertmanager", variable="AFTERSHOCK_ALERTMANAGER", hint="scripts/test-tools fetches it"
    )
    return subprocess.Popen(
        [
            program,
            f"--config.file={config}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=error",
        ],
        cwd=Path(program).parent,  # scripts/test-tools keeps its templates there
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=1).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def fired(monitored: Monitored) -> Monitored:
    """Everything has fired at once, and those who have to be told were."""
    monitored.post(*ALL)
    told = lambda: len(monitored.told("firing")) >= len(EXPECTED)  # noqa: E731 - asked again and again
    wait_until(told, within_s=20, what="everybody to be told")
    return monitored


EXPECTED = {
    *(("critical", frozenset(labels.items())) for labels in (ERRORS, DOWN, MASTER_BUSY, BURNS_FAST)),
    *(("warning", frozenset(labels.items())) for labels in (CRASHES, SLOW, SHORT_ELSEWHERE)),
    *(("warning", frozenset(labels.items())) for labels in (BUSY_ELSEWHERE, BURNS_ELSEWHERE)),
    ("crash-loop", frozenset(CRASHES.items())),
    ("performance", frozenset(SLOW.items())),
    ("default", frozenset(TRAFFIC.items())),
}


def test_those_are_told_who_have_to_be_and_nobody_else(fired: Monitored) -> None:
    assert fired.told("firing") == EXPECTED


def test_what_another_alert_says_already_is_held_back(fired: Monitored) -> None:
    alerts = requests.get(f"{fired.url}/api/v2/alerts", timeout=5).json()
    held = [alert["labels"] for alert in alerts if alert["status"]["inhibitedBy"]]
    assert sorted(held, key=str) == sorted(INHIBITED, key=str)


def test_slack_and_pagerduty_would_have_taken_what_they_got(fired: Monitored) -> None:
    wait_until(lambda: len(fired.deliveries()) >= 15, within_s=10, what="every vendor to be told")
    deliveries = fired.deliveries()
    assert [delivery for delivery in deliveries if delivery["problems"]] == []
    slack = {delivery["to"] for delivery in deliveries if delivery["vendor"] == "slack"}
    assert slack == {"critical", "warning", "crash-loop", "performance"}
    pages = [delivery["body"] for delivery in deliveries if delivery["vendor"] == "pagerduty"]
    assert {page["payload"]["severity"] for page in pages} == {"critical"}
    assert {page["payload"]["summary"] for page in pages} == {
        f"{labels['alertname']}: It is so" for labels in (ERRORS, DOWN, MASTER_BUSY, BURNS_FAST)
    }
    [texts] = {
        delivery["body"]["attachments"][0]["text"] for delivery in deliveries if delivery["vendor"] == "slack"
    }
    assert texts == "It is so\nAnd has been for some time.\n"


def test_the_end_is_told_to_the_same(fired: Monitored) -> None:
    fired.post(ERRORS, ended=True)
    wait_until(lambda: bool(fired.told("resolved")), within_s=10, what="the end to be told")
    assert fired.told("resolved") == {("critical", frozenset(ERRORS.items()))}

    def resolved() -> list[Delivery]:
        return [
            delivery["body"]
            for delivery in fired.deliveries()
            if delivery["vendor"] == "pagerduty" and delivery["body"]["event_action"] == "resolve"
        ]

    wait_until(lambda: bool(resolved()), within_s=10, what="the page to end")
    [page] = resolved()
    triggers = {
        delivery["body"]["dedup_key"]
        for delivery in fired.deliveries()
        if delivery["vendor"] == "pagerduty"
        and delivery["body"]["payload"]["summary"].startswith("HighError")
    }
    assert triggers == {page["dedup_key"]}
