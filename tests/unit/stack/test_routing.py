"""Who is told of which alert, by Alertmanager's own reading of its configuration."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.stack.conftest import find_tool
from tests.unit.stack.test_rules import alerts_of

Render = Callable[[str], list[dict[str, Any]]]

TOLD = {
    "PodCrashLooping": ["crash-loop", "warning"],
    "HighLatency": ["performance", "warning"],
}
BY_SEVERITY = {"critical": ["critical"], "warning": ["warning"], "info": ["default"]}


@pytest.fixture(scope="session")
def amtool() -> str:
    return find_tool("amtool", variable="AFTERSHOCK_AMTOOL", hint="scripts/test-tools fetches it")


def configuration(render: Render, profile: str) -> str:
    [secret] = [
        item for item in render(f"overlays/{profile}") if item["metadata"]["name"] == "alertmanager-config"
    ]
    return base64.b64decode(secret["data"]["alertmanager.yaml"]).decode()


@pytest.fixture(scope="session", params=["ci", "nightly"])
def config(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alertmanager") / "config.yaml"
    path.write_text(configuration(render, request.param))
    return path


def told(amtool: str, config: Path, labels: dict[str, str]) -> list[str]:
    words = [f"{name}={value}" for name, value in labels.items()]
    command = [amtool, "config", "routes", "test", f"--config.file={config}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().split(",")


def test_it_is_accepted(amtool: str, config: Path) -> None:
    checked = subprocess.run([amtool, "check-config", config], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_reaches_its_receivers(amtool: str, config: Path, render: Render) -> None:
    for name, rule in alerts_of(render("overlays/nightly")).items():
        expected = TOLD.get(name, BY_SEVERITY[rule["labels"]["severity"]])
        assert told(amtool, config, {**rule["labels"], "alertname": name}) == expected, name


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        # Whatever its severity.
        ({"alertname": "PodCrashLooping", "severity": "critical"}, ["crash-loop", "critical"]),
        ({"alertname": "PodCrashLooping"}, ["crash-loop"]),
        ({"alertname": "X", "severity": "critical", "signal": "latency"}, ["performance", "critical"]),
        ({"alertname": "X", "severity": "critical", "signal": "errors"}, ["critical"]),
        ({"alertname": "X", "severity": "none"}, ["default"]),
        ({"alertname": "X"}, ["default"]),
    ],
)
def test_the_tree_goes_by_labels(
    amtool: str, config: Path, labels: dict[str, str], expected: list[str]
) -> None:
    assert told(amtool, config, labels) == expected


def test_times_are_those_of_production(render: Render) -> None:
    tree = yaml.safe_load(configuration(render, "nightly"))
    route = tree["route"]
    assert tree["global"] == {"resolve_timeout": "5m"}
    assert route["group_by"] == ["alertname", "namespace", "service"]
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("10s", "10s", "1h")
    times = {child["receiver"]: (child["group_wait"], child["repeat_interval"]) for child in route["routes"]}
    assert times == {
        "crash-loop": ("5s", "30m"),
        "critical": ("5s", "30m"),
        "performance": ("30s", "2h"),
        "warning": ("30s", "2h"),
    }


def test_every_receiver_ends_at_the_webhook_and_hears_of_the_end(render: Render) -> None:
    tree = yaml.safe_load(configuration(render, "nightly"))
    used = {tree["route"]["receiver"], *(route["receiver"] for route in tree["route"]["routes"])}
    assert used == {receiver["name"] for receiver in tree["receivers"]}
    for receiver in tree["receivers"]:
        assert receiver["webhook_configs"] == [
            {"url": "http://alertmanager-webhook:8080/alert", "send_resolved": True}
        ]
        others = receiver.get("slack_configs", []) + receiver.get("pagerduty_configs", [])
        assert all(other["send_resolved"] for other in others)
        assert bool(receiver.get("pagerduty_configs")) is (receiver["name"] == "critical")
        assert bool(receiver.get("slack_configs")) is (receiver["name"] != "default")
