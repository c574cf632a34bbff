"""The dashboards say what they should, and still do when a node is gone; by promtool, with written series."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from tests.unit.stack.test_rules import Bench, groups_of

Render = Callable[[str], list[dict[str, Any]]]
FOLDER = Path(__file__).parents[3] / "stack/monitoring/base/dashboards"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")


def queries() -> Iterator[tuple[str, str, str]]:
    """Yield dashboard, panel and query of every target."""
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield name, f"{panel['title']} {target['refId']}", target["expr"]


def series(node: str, last: int) -> Iterator[dict[str, str]]:
    """Yield what is known of a node and its pod until the sample `last`, when the node is gone."""
    end = " stale" if last < 60 else ""

    def one(name: str, labels: str, values: str) -> dict[str, str]:
        return {"series": f"{name}{{{labels}}}", "values": f"{values}x{last}{end}"}

    pod = f'namespace="demo", pod="web-{node}"'
    yield one("node_cpu_usage_seconds_total", f'node="{node}"', "0+5")
    yield one("node_memory_working_set_bytes", f'node="{node}"', "500+0")
    yield one("up", f'job="kubelet", metrics_path="/metrics/resource", node="{node}"', "1+0")
    for resource in ("cpu", "memory"):
        yield one("kube_node_status_allocatable", f'node="{node}", resource="{resource}"', "1000+0")
    yield one("kube_node_role", f'node="{node}", role="control-plane"', "1+0")
    yield one("kube_pod_info", f'{pod}, node="{node}"', "1+0")
    for phase in PHASES:
        yield one("kube_pod_status_phase", f'{pod}, phase="{phase}"', f"{int(phase == 'Running')}+0")
    yield one("kube_pod_status_ready", f'{pod}, condition="true"', "1+0")
    yield one("kube_pod_container_status_restarts_total", f'{pod}, container="web"', "3+0")
    for direction in ("receive", "transmit"):
        yield one(f"container_network_{direction}_bytes_total", f'{pod}, node="{node}"', "0+500")
    for status in ("200", "500"):
        yield one("http_requests_total", f'{pod}, job="web", status="{status}"', "0+5")
    for le in ("0.1", "0.5", "+Inf"):
        yield one("http_request_duration_seconds_bucket", f'{pod}, job="web", le="{le}"', "0+5")


def test_they_have_the_panels_that_were_asked_for() -> None:
    shape = {name: (len(board["panels"]), board["refresh"]) for name, board in DASHBOARDS.items()}
    assert shape == {"cluster": (8, "30s"), "golden-signals": (4, "5s"), "overview": (3, "30s")}
    assert len({board["uid"] for board in DASHBOARDS.values()}) == 3
    steps = {
        (name, panel["title"]): [
            step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        ]
        for name, board in DASHBOARDS.items()
        for panel in board["panels"]
        if "thresholds" in panel["fieldConfig"]["defaults"]
    }
    assert steps["cluster", "Control-plane CPU"] == steps["cluster", "Control-plane memory"] == [None, 70, 90]
    assert steps["golden-signals", "Error rate"] == [None, 0.01, 0.05]


def test_every_panel_stands_in_its_own_place_and_every_query_has_a_name() -> None:
    for board in DASHBOARDS.values():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= 24
            own = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert not own & taken, panel["title"]
            taken |= own
            refs = [target["refId"] for target in panel["targets"]]
            assert len(refs) == len(set(refs))
            assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


def test_all_show_when_there_was_a_fault() -> None:
    for board in DASHBOARDS.values():
        [chaos] = board["annotations"]["list"]
        assert chaos["enable"]
        assert "aftershock_fault_active" in chaos["expr"]


@pytest.mark.parametrize(("board", "panel", "expr"), list(queries()))
def test_every_query_parses(board: str, panel: str, expr: str) -> None:
    promql_parser.parse(expr)


@pytest.mark.parametrize("gone", [False, True], ids=["whole", "a node is gone"])
def test_every_panel_shows_the_nodes_that_are_there(
    promtool: str, render: Render, tmp_path: Path, gone: bool
) -> None:
    [records] = [group for group in groups_of(render("overlays/nightly")) if group["name"] == "nodes"]
    rules = [rule for rule in records["rules"] if "record" in rule]
    given = [*series("w1", 60), *series("w2", 30 if gone else 60)]
    expected = [{"labels": "{}", "value": 1}]
    tests = [
        {"expr": f"count(({expr}) < Inf) > bool 0", "eval_time": "290s", "exp_samples": expected}
        for _, _, expr in queries()
    ]
    tests.append(
        {
            "expr": "count(node:cpu:ratio)",
            "eval_time": "290s",
            "exp_samples": [{"labels": "{}", "value": 1 if gone else 2}],
        }
    )
    case = {"interval": "5s", "input_series": given, "promql_expr_test": tests}
    bench = Bench(promtool, tmp_path)
    said = bench.run([bench.write("panels", rules, {"evaluation_interval": "5s", "tests": [case]})])
    assert said["panels"].strip() == "SUCCESS", said["panels"]


def test_grafana_finds_them(render: Render) -> None:
    found = {
        name: json.loads(content)
        for item in render("overlays/ci")
        if item["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
        for name, content in item["data"].items()
    }
    assert {name.removesuffix(".json"): board for name, board in found.items()} == DASHBOARDS
