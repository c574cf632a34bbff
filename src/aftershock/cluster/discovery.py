"""Finding the monitoring of a cluster that is not ours, as kube-prometheus-stack lays it out."""

from __future__ import annotations

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Endpoint, Monitoring
from aftershock.errors import EnvironmentUnusableError

__all__ = ["find_monitoring"]

_PORTS = {"prometheus": 9090, "alertmanager": 9093}


def find_monitoring(api: KubeApi, *, named: str = "") -> Monitoring:
    """Return where Prometheus and Alertmanager answer, by way of the API server's proxy.

    `named` is "namespace/service" of Prometheus, from the settings; without it the
    Prometheus and Alertmanager objects of the operator say which services there are.

    Raises:
        EnvironmentUnusableError: there is no Prometheus, or there are several and none is named.

    """
    prometheus = [service for service in _services(api, "prometheus") if named in {"", _id(service)}]
    if len(prometheus) != 1:
        raise EnvironmentUnusableError(
            "cannot tell which Prometheus watches this cluster",
            expected=f"one service named {named}"
            if named
            else "one service that selects Prometheus' pods on port 9090",
            found=", ".join(_id(service) for service in prometheus) or "none",
            hint='set prometheus = "namespace/service" in [tool.aftershock]',
        )
    namespace = prometheus[0]["metadata"]["namespace"]
    alertmanager = [s for s in _services(api, "alertmanager") if s["metadata"]["namespace"] == namespace]
    return Monitoring(
        namespace=namespace,
        prometheus=_proxied(api, prometheus[0], "prometheus"),
        alertmanager=_proxied(api, alertmanager[0], "alertmanager") if alertmanager else None,
    )


def _services(api: KubeApi, what: str) -> list[Json]:
    """Return services with the port of `what` that select its pods; the operator's headless ones aside."""
    return [
        service
        for service in api.items("/api/v1/services")
        if any(port["port"] == _PORTS[what] for port in service["spec"].get("ports", []))
        and service["spec"].get("clusterIP") != "None"
        and what in (service["spec"].get("selector") or {}).get("app.kubernetes.io/name", "")
    ]


def _id(service: Json) -> str:
    return f"{service['metadata']['namespace']}/{service['metadata']['name']}"


def _proxied(api: KubeApi, service: Json, what: str) -> Endpoint:
    configuration = api.client.configuration
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    headers: dict[str, str] = {}
    api.client.update_params_for_auth(headers, [], ["BearerToken"], "", "GET", None)
    return Endpoint(
        url=f"{configuration.host}/api/v1/namespaces/{namespace}/services/{name}:{_PORTS[what]}/proxy",
        verify=(configuration.ssl_ca_cert or True) if configuration.verify_ssl else False,
        cert=(configuration.cert_file, configuration.key_file) if configuration.cert_file else None,
        headers=headers,
    )
