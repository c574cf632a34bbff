"""Every query of every panel, asked of the live Prometheus."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from aftershock.clock import wait_until
from aftershock.cluster.connection import Cluster
from aftershock.observe.prometheus import Prometheus, Sample
from tests.cluster.conftest import ROOT

FOLDER = ROOT / "stack/monitoring/base/dashboards"
IN_TWO_SCRAPES_S = 30.0


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


def test_which_faults_are_active_is_told(prometheus: Prometheus) -> None:
    """No fault is active here; that the metric is declared says that somebody would tell."""
    assert prometheus.exposed_by("aftershock_fault_active")
