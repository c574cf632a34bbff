"""From inside the cluster: by the service account, at addresses that need no name looked up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster import connect as module
from aftershock.cluster.connect import INSIDE, connect
from aftershock.cluster.connection import Endpoint
from aftershock.cluster.discovery import find_monitoring_inside, find_services
from aftershock.cluster.inside import api_from_inside
from aftershock.config import Settings
from aftershock.errors import EnvironmentUnusableError, RefusedError
from aftershock.load.hosts import check_host, with_services
from aftershock.testing.kube import FakeApi

SETTINGS = Settings(cluster=INSIDE, allowed_contexts=(INSIDE,))


def service(name: str, address: str, *ports: Any, **more: Any) -> dict[str, Any]:
    listed = [{"port": port} if isinstance(port, int) else port for port in ports]
    return {"metadata": {"name": name, **more.pop("metadata", {})},
            "spec": {"clusterIP": address, "ports": listed, **more}}  # fmt: skip


class Api(FakeApi):
    """A cluster as a pod sees it."""

    ready = True

    def __init__(self) -> None:
        super().__init__()
        labels = {"aftershock.dev/allow": "true"}
        for name, opted in (("demo", True), ("other", False), ("monitoring", False)):
            self.add("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels if opted else {}}})
        self.services("demo", service("web", "10.96.0.10", 9100, {"name": "http", "port": 80}),
                      service("six", "fd00::10", 8080), service("headless", "None", 80),
                      service("outside", "", 80), service("portless", "10.96.0.11"))  # fmt: skip
        self.services("other", service("shop", "10.96.0.12", 80))
        for name, address, port in (("prometheus", "10.96.0.90", 9090), ("alertmanager", "10.96.0.93", 9093)):
            selector = {"app.kubernetes.io/name": name}
            self.services("monitoring", service(name, address, port, selector=selector))
        self.services("monitoring", service("alertmanager-webhook", "10.96.0.94", 8080))

    def services(self, namespace: str, *found: dict[str, Any]) -> None:
        for item in found:
            item["metadata"]["namespace"] = namespace
        self.add(f"/api/v1/namespaces/{namespace}/services", *found)

    def text(self, path: str, *, timeout_s: float | None = None, **query: str) -> str:
        return "ok"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    found = Api()
    monkeypatch.setattr(module, "api_from_inside", lambda: found)
    return found


def test_everything_is_reached_by_its_address(api: Api) -> None:
    cluster = connect(SETTINGS)
    assert (cluster.context, cluster.provider, cluster.kubeconfig) == (INSIDE, "inside", "")
    assert cluster.monitoring.namespace == "monitoring"
    assert cluster.monitoring.prometheus == Endpoint(url="http://10.96.0.90:9090")
    assert cluster.monitoring.alertmanager == Endpoint(url="http://10.96.0.93:9093")
    assert cluster.monitoring.webhook == Endpoint(url="http://10.96.0.94:8080")
    assert cluster.services == {"demo/web": "http://10.96.0.10:80", "demo/six": "http://[fd00::10]:8080"}


def test_what_the_settings_say_of_a_service_counts(api: Api) -> None:
    settings = Settings(
        cluster=INSIDE, allowed_contexts=(INSIDE,), services={"demo/web": "http://gateway.demo:8080/"}
    )
    assert connect(settings).services["demo/web"] == "http://gateway.demo:8080"


def test_without_a_notification_log(api: Api) -> None:
    api.delete("/api/v1/namespaces/monitoring/services/alertmanager-webhook")
    assert find_monitoring_inside(api).webhook is None


def test_without_prometheus(api: Api) -> None:
    api.delete("/api/v1/namespaces/monitoring/services/prometheus")
    with pytest.raises(EnvironmentUnusableError, match="which Prometheus"):
        connect(SETTINGS)


def test_namespaces_that_did_not_opt_in_are_nobodys_to_load(api: Api) -> None:
    assert {name.partition("/")[0] for name in find_services(api)} == {"demo"}


def test_it_has_to_be_allowed(api: Api) -> None:
    with pytest.raises(RefusedError, match="'in-cluster' is not allowed"):
        connect(Settings(cluster=INSIDE))


def test_load_goes_to_the_services_of_the_own_cluster_and_nowhere_else(api: Api) -> None:
    cluster = connect(SETTINGS)
    settings = with_services(SETTINGS, cluster)
    for url in cluster.services.values():
        check_host(url, settings)
    for url in ("http://10.96.0.12/", "http://10.96.0.90:9090/", "http://web.demo/"):
        with pytest.raises(RefusedError, match="may not go"):
            check_host(url, settings)
    # The same addresses, seen from somewhere else, are not known to be ours.
    outside = type(cluster)(context="lab", provider="kubeconfig", kubeconfig="", api=api,
                            monitoring=cluster.monitoring, services=cluster.services)  # fmt: skip
    assert with_services(SETTINGS, outside) is SETTINGS


@pytest.mark.parametrize(("host", "token"), [("", "t0ken"), ("10.96.0.1", None), ("", None)])
def test_where_there_is_no_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, token: str | None
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    if token:
        (tmp_path / "token").write_text(token)
    with pytest.raises(EnvironmentUnusableError, match="no pod of a cluster") as caught:
        api_from_inside(tmp_path)
    assert "--cluster" in caught.value.hint
