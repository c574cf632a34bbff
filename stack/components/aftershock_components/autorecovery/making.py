"""One replica, put together from its pod's environment."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import httpx
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from aftershock_components.autorecovery.app import create_autorecovery
from aftershock_components.autorecovery.engine import Engine
from aftershock_components.autorecovery.incidents import Incidents
from aftershock_components.autorecovery.kube import Kube, kube_from_inside
from aftershock_components.autorecovery.leading import Leading
from aftershock_components.autorecovery.playbooks import Playbooks
from aftershock_components.autorecovery.replica import Replica
from aftershock_components.autorecovery.seeing import Seeing
from aftershock_components.autorecovery.steps.protocol import Setting
from aftershock_components.autorecovery.telling import Telling
from aftershock_components.autorecovery.watching import Watching
from aftershock_components.serving import serve

__all__ = ["make_replica", "serve_replica", "setting_of"]

PODS, NODES = "/api/v1/pods", "/api/v1/nodes"
TIMEOUT_S = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


def own(namespace: str, kind: str, name: str) -> str:
    """Return the path of one of the component's own objects."""
    groups = {"leases": "/apis/coordination.k8s.io/v1", "deployments": "/apis/apps/v1"}
    group = groups.get(kind, "/api/v1")
    return f"{group}/namespaces/{namespace}/{kind}/{name}"


def setting_of(kube: Kube, books: Playbooks, pods: Watching, nodes: Watching, *, namespace: str) -> Setting:
    """Return what the steps may use."""
    return Setting(
        kube=kube,
        rules=books.exclusions,
        pods=lambda: list(pods.objects.values()),
        nodes=lambda: list(nodes.objects.values()),
        logs=own(namespace, "configmaps", "autorecovery-logs"),
    )


def make_replica(
    kube: Kube,
    books: Playbooks,
    registry: CollectorRegistry,
    *,
    identity: str,
    namespace: str,
    dry_run: bool = False,
) -> Replica:
    """Return a replica called `identity` (its pod's name/address) whose own objects are in `namespace`."""
    pods, nodes = Watching(kube, PODS), Watching(kube, NODES)
    telling = Telling(kube, books, registry, identity=identity, now=_now)
    engine = Engine(
        books,
        Incidents(kube, own(namespace, "configmaps", "autorecovery-incidents"), holder=identity),
        setting_of(kube, books, pods, nodes, namespace=namespace),
        telling,
        now=_now,
        dry_run=True,  # until the switch was read
    )
    return Replica(
        engine,
        Leading(kube, own(namespace, "leases", "autorecovery"), identity),
        Seeing(kube, books, pods, nodes, now=_now),
        (pods, nodes),
        say=telling.say,
        switch=own(namespace, "deployments", "autorecovery"),
        dry_run=dry_run,
    )


def serve_replica(books: Playbooks, *, dry_run: bool) -> None:
    """Serve until told to stop.

    Raises:
        KeyError, OSError: this is no pod of the component.

    """
    identity = f"{os.environ['POD_NAME']}/{os.environ['POD_IP']}"
    registry = CollectorRegistry()
    replica = make_replica(
        kube_from_inside(),
        books,
        registry,
        identity=identity,
        namespace=os.environ["POD_NAMESPACE"],
        dry_run=dry_run,
    )
    serve(application(replica, registry))


def application(replica: Replica, registry: CollectorRegistry) -> Starlette:
    """Return the application, whose metrics are those of the server and those of `registry`."""
    app = create_autorecovery(replica, httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False))
    app.state.metrics.registry.register(registry)
    return app
