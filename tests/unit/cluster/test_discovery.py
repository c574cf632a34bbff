"""Finding the monitoring of somebody else's cluster."""

from __future__ import annotations

import pytest
from kubernetes.client import ApiClient, Configuration

from aftershock.cluster.api import Json
from aftershock.cluster.discovery import find_monitoring
from aftershock.errors import EnvironmentUnusableError
from aftershock.testing.kube import FakeApi


def service(
    name: str,
    namespace: str = "monitoring",
    *,
    port: int = 9090,
    selects: str | None = "prometheus",
    ip: str = "10.0.0.1",
) -> Json:
    spec: Json = {"clusterIP": ip, "ports": [{"port": 8080}, {"port": port}]}
    if selects is not None:
        spec["selector"] = {"app.kubernetes.io/name": selects}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


OPERATED = service("prometheus-operated", ip="None")
ALERTMANAGER = service("alerts", port=9093, selects="alertmanager")


def cluster(*services: Json, **settings: object) -> FakeApi:
    api = FakeApi()
    configuration = Configuration()
    configuration.host = "https://10.1.1.1:6443"
    for name, value in settings.items():
        setattr(configuration, name, value)
    api.client = ApiClient(configuration)
    for found in services:
        api.add(f"/api/v1/namespaces/{found['metadata']['namespace']}/services", found)
    return api


def test_the_only_one() -> None:
    found = find_monitoring(cluster(service("kps-prometheus"), OPERATED, ALERTMANAGER))
    assert found.namespace == "monitoring"
    proxy = "https://10.1.1.1:6443/api/v1/namespaces/monitoring/services"
    assert found.prometheus.url == f"{proxy}/kps-prometheus:9090/proxy"
    assert found.alertmanager is not None
    assert found.alertmanager.url == f"{proxy}/alerts:9093/proxy"
    assert found.webhook is None


def test_our_notification_log_beside_it() -> None:
    log = service("alertmanager-webhook", port=8081, selects="webhook")
    found = find_monitoring(cluster(service("kps-prometheus"), log))
    assert found.webhook is not None
    assert found.webhook.url.endswith("/namespaces/monitoring/services/alertmanager-webhook:8080/proxy")
    elsewhere = service("alertmanager-webhook", namespace="other", port=8081, selects="webhook")
    assert find_monitoring(cluster(service("kps-prometheus"), elsewhere)).webhook is None


def test_what_is_not_it() -> None:
    others = (
        OPERATED,
        service("pushgateway", port=9091),
        service("web", selects="web"),
        service("by-hand", selects=None),
    )
    with pytest.raises(EnvironmentUnusableError, match="which Prometheus") as caught:
        find_monitoring(cluster(*others))
    assert caught.value.found == "none"


def test_none_at_all() -> None:
    with pytest.raises(EnvironmentUnusableError) as caught:
        find_monitoring(cluster())
    assert caught.value.found == "none"
    assert 'prometheus = "namespace/service"' in caught.value.hint


def test_several_are_named_and_none_is_guessed() -> None:
    with pytest.raises(EnvironmentUnusableError) as caught:
        find_monitoring(cluster(service("a", "one"), service("b", "two")))
    assert caught.value.found == "one/a, two/b"


def test_several_and_one_is_chosen() -> None:
    api = cluster(service("a", "one"), service("b", "two"), ALERTMANAGER)
    found = find_monitoring(api, named="two/b")
    assert found.namespace == "two"
    assert found.alertmanager is None  # that of another namespace is not its own


def test_the_chosen_one_is_not_there() -> None:
    with pytest.raises(EnvironmentUnusableError) as caught:
        find_monitoring(cluster(service("a", "one")), named="two/b")
    assert caught.value.expected == "one service named two/b"


def test_tls_and_token_go_along() -> None:
    api = cluster(
        service("p"),
        ssl_ca_cert="/ca",
        cert_file="/cert",
        key_file="/key",
        api_key={"BearerToken": "Bearer t0"},
    )
    found = find_monitoring(api).prometheus
    assert (found.verify, found.cert) == ("/ca", ("/cert", "/key"))
    assert dict(found.headers) == {"authorization": "Bearer t0"}
    assert "t0" not in repr(found)


def test_a_cluster_whose_certificate_is_not_checked() -> None:
    assert find_monitoring(cluster(service("p"), verify_ssl=False)).prometheus.verify is False
