"""From settings to a connected cluster, or one clear line about why there is none."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, new_client_from_config

from aftershock.cluster.api import KubeApi
from aftershock.cluster.connection import Cluster, Endpoint, Monitoring
from aftershock.cluster.discovery import find_monitoring, find_monitoring_inside, find_services
from aftershock.cluster.guard import check_context
from aftershock.cluster.inside import api_from_inside
from aftershock.config import Settings, state_dir
from aftershock.errors import AftershockError, EnvironmentUnusableError
from aftershock.redaction import know, know_header

__all__ = ["CLUSTER_NAME", "INSIDE", "KIND_CONTEXT", "NODE_PORTS", "connect", "kubeconfig_api"]

CLUSTER_NAME = "aftershock"
KIND_CONTEXT = f"kind-{CLUSTER_NAME}"
INSIDE = "in-cluster"
"""What the cluster is called, as setting and as context, by a harness that runs in one of its pods."""

# namespace/service → NodePort, mapped to the same port of 127.0.0.1 on kind.
NODE_PORTS = {
    "demo/nginx-web": 30080,
    "demo/sample-app": 30081,
    "bookinfo/productpage": 30082,
    "monitoring/prometheus": 30090,
    "monitoring/grafana": 30300,
    "monitoring/alertmanager": 30903,
    "monitoring/alertmanager-webhook": 30904,
}


def kubeconfig_api(kubeconfig: Path | None, context: str) -> KubeApi:
    """Return the API of `context`; makes no request.

    Raises:
        EnvironmentUnusableError: the kubeconfig has no such context, or cannot be read.

    """
    try:
        configuration = Configuration()
        configuration.connection_pool_maxsize = 32  # a run watches more kinds than the default has room for
        client: ApiClient = new_client_from_config(  # type: ignore[no-untyped-call]  # it ships no types
            config_file=str(kubeconfig) if kubeconfig else None,
            context=context,
            client_configuration=configuration,
        )
    # TypeError, ValueError: what the client stumbles over in a file that is YAML but no kubeconfig.
    except (ConfigException, OSError, yaml.YAMLError, TypeError, ValueError) as error:
        raise EnvironmentUnusableError(
            f"the kubeconfig has no usable context {context!r}",
            found=str(error).splitlines()[0],
            hint="`kubectl config get-contexts` lists what there is",
        ) from error
    _know_credentials(client)
    return KubeApi(client)


def _know_credentials(client: ApiClient) -> None:
    """Have the credentials of a kubeconfig, and those that it gets later, kept out of what is written."""
    configuration = client.configuration
    know(configuration.password or "")
    if configuration.key_file:
        pem = Path(configuration.key_file).read_text(encoding="utf-8", errors="replace")
        know(pem, encoded=False)
        know(base64.b64encode(pem.encode()).decode(), encoded=False)
    read = configuration.auth_settings

    def read_and_know() -> Any:
        found = read()
        for setting in found.values():
            know_header(setting["value"])
        return found

    configuration.auth_settings = read_and_know  # of this one client
    read_and_know()


def connect(settings: Settings) -> Cluster:
    """Return the cluster that `settings` name, after one request to it.

    Raises:
        RefusedError: its context is not on the list of those that may be touched.
        EnvironmentUnusableError: there is none, or it does not answer.

    """
    if settings.cluster == "kind":
        return _kind(settings)
    check_context(settings.cluster, settings)
    if settings.cluster == INSIDE:
        return _inside(settings)
    api = kubeconfig_api(None, settings.cluster)
    _answers(api, settings.cluster, hint="check the cluster, or name another with --cluster")
    return Cluster(
        context=settings.cluster,
        provider="kubeconfig",
        kubeconfig="",
        api=api,
        monitoring=find_monitoring(api, named=settings.prometheus),
        services={name: url.rstrip("/") for name, url in settings.services.items()},
    )


def _kind(settings: Settings) -> Cluster:
    check_context(KIND_CONTEXT, settings)
    hint = "run `make gameday` (or `aftershock up`) to make one, or name another with --cluster CONTEXT"
    kubeconfig = state_dir() / "kubeconfig"
    if not kubeconfig.exists():
        raise EnvironmentUnusableError("there is no kind cluster of Aftershock's on this machine", hint=hint)
    api = kubeconfig_api(kubeconfig, KIND_CONTEXT)
    _answers(api, KIND_CONTEXT, hint=hint)
    urls = {service: f"http://127.0.0.1:{port}" for service, port in NODE_PORTS.items()}
    return Cluster(
        context=KIND_CONTEXT,
        provider="kind",
        kubeconfig=str(kubeconfig),
        api=api,
        monitoring=Monitoring(
            namespace="monitoring",
            prometheus=Endpoint(url=urls["monitoring/prometheus"]),
            alertmanager=Endpoint(url=urls["monitoring/alertmanager"]),
            webhook=Endpoint(url=urls["monitoring/alertmanager-webhook"]),
        ),
        services={service: url for service, url in urls.items() if not service.startswith("monitoring/")},
    )


def _inside(settings: Settings) -> Cluster:
    api = api_from_inside()
    _answers(api, INSIDE, hint="see the pod's service account and the cluster's own network")
    return Cluster(
        context=INSIDE,
        provider="inside",
        kubeconfig="",
        api=api,
        monitoring=find_monitoring_inside(api, named=settings.prometheus),
        services={
            **find_services(api),
            **{name: url.rstrip("/") for name, url in settings.services.items()},
        },
    )


def _answers(api: KubeApi, context: str, *, hint: str) -> None:
    try:
        api.text("/readyz", timeout_s=5.0)
    except AftershockError as error:
        raise EnvironmentUnusableError(
            f"the API server of {context} does not answer", found=error.found or error.message, hint=hint
        ) from error
