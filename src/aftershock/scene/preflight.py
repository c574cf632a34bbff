"""What must hold before the first fault of a run. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aftershock.cluster.connect import connect
from aftershock.cluster.connection import Cluster
from aftershock.cluster.rights import RIGHTS
from aftershock.cluster.targets import open_namespaces
from aftershock.collect.meaning import Meaning
from aftershock.config import Settings
from aftershock.errors import (
    ConfigError,
    EnvironmentUnusableError,
    RefusedError,
    ResidueError,
    TransientError,
)
from aftershock.faults.lease import await_no_run
from aftershock.faults.recover import leftovers
from aftershock.faults.tools import tools
from aftershock.load.spec import check_locustfile
from aftershock.observe.prometheus import Prometheus
from aftershock.scene.acts import Loads

__all__ = ["check_loads", "check_reachable", "preflight", "unreachable_loads"]

# Half of what a tenth-of-a-second figure can bear; our clock against Prometheus'.
CLOCK_TOLERANCE_S = 1.0


def preflight(settings: Settings, *, reports: Path) -> Cluster:
    """Return the cluster, if a run may begin on it.

    Raises:
        RefusedError: the context is not allowed, a permission is missing, no namespace opted in,
            or another run is under way.
        EnvironmentUnusableError: no cluster, no Prometheus, or clocks that disagree.
        ResidueError: an earlier run left something behind.

    """
    cluster = connect(settings)
    lacking = [
        str(right)
        for right in RIGHTS
        if not cluster.api.allowed(right.verb, right.resource, group=right.group, namespace=right.namespace)
    ]
    if lacking:
        raise RefusedError(
            f"we lack permissions on {cluster.context}",
            expected="the rights that faults and watches need",
            found=f"not allowed: {', '.join(lacking)}",
            hint="bind the roles aftershock-harness (stack/reaper/base/harness.yaml) to whoever runs this",
        )
    if not open_namespaces(cluster.api):
        raise RefusedError(
            "no namespace has opted in",
            expected="at least one namespace with the label aftershock.dev/allow=true",
            hint="kubectl label namespace NAME aftershock.dev/allow=true",
        )
    _check_prometheus(cluster)
    await_no_run(cluster.api)
    left = leftovers(tools(cluster.api, carrier_image=settings.carrier_image), reports=reports)
    if left:
        raise ResidueError(
            "an earlier run left something in the cluster",
            found="; ".join(left),
            hint="run `aftershock recover`",
        )
    return cluster


def check_loads(scenarios: Iterable[Iterable[Meaning]]) -> None:
    """Do nothing if Locust can read the locustfile of every load of the run; each is read once.

    Raises:
        ConfigError: one cannot be imported, or has no user; with file and line of the step.

    """
    places: dict[Path, str] = {}
    for meaning in (each for scenario in scenarios for each in scenario):
        if isinstance(meaning.what, Loads):
            places.setdefault(meaning.what.locustfile, meaning.place)
    for path, place in places.items():
        try:
            check_locustfile(path)
        except ConfigError as error:
            raise ConfigError(
                f"{place}: {error.message}", expected=error.expected, found=error.found, hint=error.hint
            ) from error


def check_reachable(cluster: Cluster, scenarios: Iterable[Iterable[Meaning]]) -> None:
    """Do nothing if this machine can reach the service of every load.

    Raises:
        RefusedError: one it cannot.

    """
    for error in (error for meanings in scenarios for error in unreachable_loads(cluster, meanings)):
        raise error


def unreachable_loads(cluster: Cluster, meanings: Iterable[Meaning]) -> list[RefusedError]:
    """Return an error for each load on a service that this machine cannot reach."""
    known = {service.rpartition("/")[2] for service in cluster.services}
    return [
        RefusedError(
            f"{meaning.place}: no service {meaning.what.service!r} can be reached from this machine",
            expected=", ".join(cluster.services) or "a service mapped to 127.0.0.1",
            found=f"a load on {meaning.what.service}: that is how its locustfile is called",
            hint="name the locustfile as the service, or map the service to 127.0.0.1",
        )
        for meaning in meanings
        if isinstance(meaning.what, Loads) and meaning.what.service not in known
    ]


def _check_prometheus(cluster: Cluster) -> None:
    prometheus = Prometheus(cluster.monitoring.prometheus)
    if not prometheus.ready():
        raise EnvironmentUnusableError(
            "Prometheus is not ready",
            expected=f"an answer from {prometheus.url}/-/ready",
            hint="on kind: `aftershock up`; elsewhere: see that its pod is Ready",
        )
    try:
        offset, error = prometheus.clock_offset()
    except TransientError as silent:
        raise EnvironmentUnusableError("Prometheus does not answer queries", found=silent.found) from silent
    if abs(offset) - error > CLOCK_TOLERANCE_S:
        raise EnvironmentUnusableError(
            "the clocks of this machine and of Prometheus disagree",
            expected=f"less than {CLOCK_TOLERANCE_S:g} s apart",
            found=f"{offset:.2f} ± {error:.2f} s",
            hint="start NTP on both",
        )
