"""Every query of every panel, asked of the live Prometheus."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from aftershock.clock import wait_until
from aftershock.cluster.connect import CLUSTER_NAME
from aftershock.cluster.connection import Cluster
from aftershock.cluster.kind.engine import engine_of
from aftershock.config import state_dir
from aftershock.observe.prometheus import Prometheus, Sample
from tests.cluster.conftest import ROOT

FOLDER = ROOT / "stack/monitoring/base/dashboards"
IN_TWO_SCRAPES_S = 30.0
GONE = "aftershock-worker2"


def panels() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield pytest.param(target["expr"], id=f"{path.stem} {panel['title']} {target['refId']}")


@pytest.fixture(scope="module")
def prometheus(cluster: Cluster) -> Prometheus:
    """Return Prometheus, with a service that somebody has just asked: latency is of requests."""
    url = cluster.services["demo/sample-app"]
    for _ in range(20):
        requests.get(url, timeout=5)
    return Prometheus(cluster.monitoring.prometheus)


@pytest.mark.parametrize("expr", list(panels()))
def test_a_panel_has_data(prometheus: Prometheus, expr: str) -> None:
    def shown() -> list[Sample]:
        return [sample for sample in prometheus.query(expr) if not math.isnan(sample.value)]

    assert wait_until(lambda: shown() or None, within_s=IN_TWO_SCRAPES_S, what="data for the panel")
    assert prometheus.warnings == []


def test_panels_answer_while_a_node_is_gone(cluster: Cluster, prometheus: Prometheus, tmp_path: Path) -> None:
    """A worker stands still. Nobody asks the services meanwhile: their latencies may have no figures."""
    engine = engine_of(CLUSTER_NAME, log=tmp_path / "engine.log", state=state_dir())
    down = f'up{{job="node-exporter", node="{GONE}"}} == 0'
    engine.run("pause", GONE)
    try:
        wait_until(
            lambda: prometheus.query(down) or None, within_s=IN_TWO_SCRAPES_S, what="the node to be gone"
        )
        blank = [
            param.id
            for param in panels()
            if not any(not math.isnan(sample.value) for sample in prometheus.query(param.values[0]))
        ]
    finally:
        engine.run("unpause", GONE)
        back = f'up{{job="node-exporter", node="{GONE}"}} == 1'
        wait_until(lambda: prometheus.query(back) or None, within_s=120, what="the node to be back")
    assert [name for name in blank if "Latency" not in name] == []


def test_which_faults_are_active_is_told(prometheus: Prometheus) -> None:
    """No fault is active here; that the metric is declared says that somebody would tell."""
    assert prometheus.exposed_by("aftershock_fault_active")
