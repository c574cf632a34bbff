"""Finding monitoring and services: of clusters that are not ours, as kube-prometheus-stack lays them out."""

from __future__ import annotations

from aftershock.cluster.api import Json, KubeApi, credentials
from aftershock.cluster.connection import Endpoint, Monitoring
from aftershock.cluster.targets import open_namespaces
from aftershock.errors import EnvironmentUnusableError

__all__ = ["find_monitoring", "find_monitoring_inside", "find_services"]

_WEBHOOK = "alertmanager-webhook"
_PORTS = {"prometheus": 9090, "alertmanager": 9093}


def find_monitoring(api: KubeApi, *, named: str = "") -> Monitoring:
    """Return where they answer by way of the API server's proxy; our notification log, too, where it is.

    `named` is "namespace/service" of Prometheus, from the settings; without it the services
    themselves say by what they select.

    Raises:
        EnvironmentUnusableError: there is no Prometheus, or there are several and none is named.

    """
    prometheus, alertmanager = _found(api, named)
    webhook = _webhook(api, prometheus)
    return Monitoring(
        namespace=prometheus["metadata"]["namespace"],
        prometheus=_proxied(api, prometheus, _PORTS["prometheus"]),
        alertmanager=_proxied(api, alertmanager, _PORTS["alertmanager"]) if alertmanager else None,
        webhook=_proxied(api, webhook, webhook["spec"]["ports"][0]["port"]) if webhook else None,
    )


def find_monitoring_inside(api: KubeApi, *, named: str = "") -> Monitoring:
    """Return where they answer pods of the cluster.

    By their addresses: no fault of the cluster's DNS may blind who observes it.

    Raises:
        EnvironmentUnusableError: as above.

    """
    prometheus, alertmanager = _found(api, named)
    webhook = _webhook(api, prometheus)
    return Monitoring(
        namespace=prometheus["metadata"]["namespace"],
        prometheus=_direct(prometheus, _PORTS["prometheus"]),
        alertmanager=_direct(alertmanager, _PORTS["alertmanager"]) if alertmanager else None,
        webhook=_direct(webhook, webhook["spec"]["ports"][0]["port"]) if webhook else None,
    )


def find_services(api: KubeApi) -> dict[str, str]:
    """Return "namespace/service" → URL by address, of all services in namespaces that opted in.

    Of several ports the one that is named http, else the first.
    """
    found = {}
    for namespace in open_namespaces(api):
        for service in api.items(f"/api/v1/namespaces/{namespace}/services"):
            ports = service["spec"].get("ports") or []
            if ports and service["spec"].get("clusterIP") not in {None, "", "None"}:
                port = next((port for port in ports if port.get("name") == "http"), ports[0])["port"]
                found[_id(service)] = _direct(service, port).url
    return found


def _found(api: KubeApi, named: str) -> tuple[Json, Json | None]:
    """Return the service of Prometheus, and of the Alertmanager beside it, if there is one."""
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
    return prometheus[0], next(iter(alertmanager), None)


def _webhook(api: KubeApi, prometheus: Json) -> Json | None:
    """Return the service of our notification log, where it is deployed beside this Prometheus."""
    return api.find(f"/api/v1/namespaces/{prometheus['metadata']['namespace']}/services/{_WEBHOOK}")


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


def _direct(service: Json, port: int) -> Endpoint:
    host = str(service["spec"]["clusterIP"])
    return Endpoint(url=f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


def _proxied(api: KubeApi, service: Json, port: int) -> Endpoint:
    configuration = api.client.configuration
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    return Endpoint(
        url=f"{configuration.host}/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy",
        verify=(configuration.ssl_ca_cert or True) if configuration.verify_ssl else False,
        cert=(configuration.cert_file, configuration.key_file) if configuration.cert_file else None,
        headers=credentials(api.client),
    )
