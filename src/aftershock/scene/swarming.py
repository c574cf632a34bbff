"""Where load in the cluster goes, and the image of what drives it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from aftershock.cluster.api import KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.cluster.kind.provider import KindProvider
from aftershock.cluster.progress import Progress
from aftershock.collect.meaning import Meaning
from aftershock.config import Settings, project_root, state_dir
from aftershock.errors import ConfigError, EnvironmentUnusableError
from aftershock.scene.acts import Loads

__all__ = ["bring_worker_image", "inside_url", "worker_image"]


def inside_url(api: KubeApi, service: str) -> str:
    """Return where pods reach `service` ("namespace/name"): its address, so that no name is looked up.

    Raises:
        EnvironmentUnusableError: there is no such service, or nobody would answer.

    """
    namespace, name = service.split("/")
    found = api.find(f"/api/v1/namespaces/{namespace}/services/{name}")
    if found is None:
        raise EnvironmentUnusableError(f"there is no service {service} to load", hint="check its name")
    slices = api.items(
        f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
        labelSelector=f"kubernetes.io/service-name={name}",
    )
    ready = [
        endpoint
        for piece in slices
        for endpoint in piece.get("endpoints") or []
        if endpoint.get("conditions", {}).get("ready", True)
    ]
    if not ready:
        raise EnvironmentUnusableError(
            f"the load's target {service} takes no connection",
            expected="a service that answers before the load starts",
            found="no pod of it is ready",
            hint="check that its pods are Ready",
        )
    spec = found["spec"]
    return f"http://{spec['clusterIP']}:{spec['ports'][0]['port']}/"


def bring_worker_image(cluster: Cluster, settings: Settings, scenarios: Iterable[Iterable[Meaning]]) -> None:
    """Have the image of Locust's workers where a load of `scenarios` needs it: no scenario waits for it then.

    Raises:
        ConfigError: as worker_image; with file and line of the first step that needs one.

    """
    inside = (
        meaning.place
        for scenario in scenarios
        for meaning in scenario
        if isinstance(meaning.what, Loads) and meaning.what.demand.workers
    )
    place = next(inside, None)
    if place is None:
        return
    try:
        worker_image(cluster, settings)
    except ConfigError as error:
        raise ConfigError(
            f"{place}: {error.message}", expected=error.expected, found=error.found, hint=error.hint
        ) from error


def worker_image(cluster: Cluster, settings: Settings) -> str:
    """Return the image of Locust's workers; on kind it is built and loaded if it is not there.

    Raises:
        ConfigError: on another cluster, and the settings name none.

    """
    if settings.load_image:
        return settings.load_image
    if cluster.provider != "kind":
        raise ConfigError(
            "there is no image for load workers in this cluster",
            expected="load_image in [tool.aftershock]: an image with Locust, which the cluster can pull",
            hint="`aftershock up` on kind builds aftershock.dev/locust; push that",
        )
    return _worker_image_on_kind()


@cache  # to see that each node has it takes seconds, and a run's images stay
def _worker_image_on_kind() -> str:
    return KindProvider(root=project_root(), state=state_dir(), progress=Progress()).bring("locust")
