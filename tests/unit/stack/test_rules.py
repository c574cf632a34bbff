"""Every rule as production has it, run by promtool against series that are written down."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CASES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
Render = Callable[[str], list[dict[str, Any]]]


def groups_of(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [group for item in objects if item["kind"] == "PrometheusRule" for group in item["spec"]["groups"]]


def alerts_of(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in groups_of(objects) for rule in group["rules"] if "alert" in rule}


@pytest.fixture(scope="session")
def rule_file(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": groups_of(render("overlays/nightly"))}))
    return path


def test_the_rules_parse(promtool: str, rule_file: Path) -> None:
    checked = subprocess.run(
        [promtool, "check", "rules", rule_file], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_rule(promtool: str, rule_file: Path, case: Path, tmp_path: Path) -> None:
    shutil.copy(rule_file, tmp_path / "rules.yaml")
    shutil.copy(case, tmp_path / case.name)
    run = subprocess.run(
        [promtool, "test", "rules", tmp_path / case.name], check=False, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_alert_has_its_tests(render: Render) -> None:
    named = {
        alert["alertname"]
        for case in CASES
        for test in yaml.safe_load(case.read_text())["tests"]
        for alert in test.get("alert_rule_test", [])
        if alert["exp_alerts"]
    }
    assert named == set(alerts_of(render("overlays/nightly")))


def test_every_alert_says_what_it_means(render: Render, root: Path) -> None:
    alerts = alerts_of(render("overlays/nightly"))
    assert {"PodOOMKilled", "PodCrashLooping", "PodNotReady"} <= set(alerts)
    assert {"NodeNotReady", "HighCpuUsage", "HighErrorRate"} <= set(alerts)
    listed = (root / "docs/runbooks/README.md").read_text()
    for name, rule in alerts.items():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        page = root / rule["annotations"]["runbook_url"]
        assert page.name == f"{name}.md"
        assert page.read_text().startswith(f"# {name}\n")
        assert f"[{name}]({name}.md) | {rule['labels']['severity']} |" in listed
