"""Probes, back-off and HPA settings as the API has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aftershock.cluster.api import Json
from aftershock.errors import ApiError
from aftershock.forecast.restart import Probe
from aftershock.observe.pace import read_containers, read_hpa_pace
from aftershock.testing.kube import FakeApi, pod

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANAGERS = "/api/v1/namespaces/kube-system/pods"
SERVERS = "/apis/apps/v1/namespaces/kube-system/deployments"
HPAS = "/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers"


def restarted(**status: Any) -> Json:
    found = pod("a")
    found["status"]["containerStatuses"][0] |= status
    return found


def test_probes_with_the_apis_defaults() -> None:
    found = pod("a")
    found["spec"]["containers"][0] |= {
        "readinessProbe": {"httpGet": {}},
        "startupProbe": {"initialDelaySeconds": 10, "periodSeconds": 3, "timeoutSeconds": 5},
    }
    (container,) = read_containers([found], now=NOON)
    assert container.name == "a/main"
    assert container.readiness == Probe(initial_delay_s=0, period_s=10, timeout_s=1, successes=1)
    assert container.startup == Probe(initial_delay_s=10, period_s=3, timeout_s=5)
    assert container.wait == (0, 0)


def test_back_off_from_the_last_restart() -> None:
    found = restarted(
        restartCount=2,
        state={"running": {"startedAt": "2026-03-01T11:59:30Z"}},
        lastState={"terminated": {"finishedAt": "2026-03-01T11:59:19Z"}},
    )
    assert read_containers([found], now=NOON)[0].wait == (20, 20)


def test_a_pod_without_status_yet() -> None:
    found = pod("a")
    found["status"] = {}
    assert read_containers([found], now=NOON)[0].wait == (0, 0)


def api(*, manager: list[str] | None = None, server: list[str] | None = None) -> FakeApi:
    fake = FakeApi()
    if manager is not None:
        labels = {"labels": {"component": "kube-controller-manager"}}
        spec = {"containers": [{"name": "m", "command": ["kube-controller-manager", *manager]}]}
        fake.add(MANAGERS, {"metadata": {"name": "m", **labels}, "spec": spec})
    if server is not None:
        template = {"spec": {"containers": [{"name": "s", "args": server}]}}
        labels = {"labels": {"k8s-app": "metrics-server"}}
        fake.add(SERVERS, {"metadata": {"name": "s", **labels}, "spec": {"template": template}})
    behaviour = {"scaleUp": {"stabilizationWindowSeconds": 30}}
    fake.add(HPAS, {"metadata": {"name": "web"}, "spec": {"behavior": behaviour}})
    return fake


@pytest.mark.parametrize(
    ("manager", "server", "sync_s", "resolution_s"),
    [
        ([], [], 15, 60),
        (["--horizontal-pod-autoscaler-sync-period=5s"], ["--metric-resolution=10s"], 5, 10),
        (["--horizontal-pod-autoscaler-sync-period", "1m"], ["--x", "--metric-resolution", "30s"], 60, 30),
    ],
    ids=["defaults", "equals", "two-words"],
)
def test_flags(manager: list[str], server: list[str], sync_s: float, resolution_s: float) -> None:
    pace = read_hpa_pace(api(manager=manager, server=server), namespace="demo", name="web")
    assert (pace.sync_s, pace.resolution_s, pace.stabilisation_up_s) == (sync_s, resolution_s, 30)
    assert pace.unknown == ()


def test_what_runs_out_of_sight_is_unknown_and_no_default() -> None:
    pace = read_hpa_pace(api(), namespace="demo", name="web")
    assert (pace.sync_s, pace.resolution_s) == (None, None)
    assert "out of sight" in pace.unknown[0]
    assert "no metrics-server" in pace.unknown[1]


def test_what_is_refused_is_unknown_with_the_refusal() -> None:
    class Refusing(FakeApi):
        def get(self, path: str, **query: str) -> Json:
            raise ApiError(f"GET {path}: 403 Forbidden", status=403)

    pace = read_hpa_pace(Refusing(), namespace="demo", name="web")
    assert [reason.partition(" cannot be read")[0] for reason in pace.unknown] == [
        "the HPA demo/web",
        "the controller manager",
        "metrics-server",
    ]
