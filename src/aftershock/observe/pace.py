"""How soon the cluster itself acts: restart back-off and probes of pods, and what an HPA waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from aftershock.clock import from_rfc3339
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import Target, collection
from aftershock.errors import ApiError, TransientError
from aftershock.forecast.promql import seconds
from aftershock.forecast.restart import Container, Probe, next_wait
from aftershock.forecast.scaling import HpaPace

__all__ = ["read_containers", "read_hpa_pace"]

# What they do where the flag is not given (Kubernetes' and metrics-server's documentation).
SYNC_DEFAULT = "15s"
RESOLUTION_DEFAULT = "60s"
_METRICS_SERVER = ("k8s-app=metrics-server", "app.kubernetes.io/name=metrics-server")


def read_containers(pods: Iterable[Json], *, now: datetime) -> list[Container]:
    """Return what decides how soon each container of `pods`, as the API has them, is Ready again."""
    return [
        Container(
            name=f"{pod['metadata']['name']}/{spec['name']}",
            startup=_probe(spec.get("startupProbe")),
            readiness=_probe(spec.get("readinessProbe")),
            wait=_wait(pod, spec["name"], now),
        )
        for pod in pods
        for spec in pod["spec"]["containers"]
    ]


def read_hpa_pace(api: KubeApi, *, namespace: str, name: str) -> HpaPace:
    """Return what the decisions of an HPA wait for. What cannot be read is in its `unknown`."""
    unknown: list[str] = []

    def read(what: str, look: Any) -> Any:
        try:
            return look()
        except (ApiError, TransientError) as error:
            unknown.append(f"{what} cannot be read: {error.message}")
            return None

    path = Target.path_of(f"horizontalpodautoscaler/{namespace}/{name}")
    hpa = read(f"the HPA {namespace}/{name}", lambda: api.get(path))
    managers = read(
        "the controller manager",
        lambda: api.items(
            collection("pod", "kube-system"), labelSelector="component=kube-controller-manager"
        ),
    )
    servers = read("metrics-server", lambda: _metrics_servers(api))
    if managers == []:
        unknown.append("how often the HPA looks: the controller manager runs out of sight")
    if servers == []:
        unknown.append("how often usage is scraped: there is no metrics-server by its usual labels")
    rules = ((hpa or {}).get("spec", {}).get("behavior") or {}).get("scaleUp") or {}
    return HpaPace(
        name=f"{namespace}/{name}",
        sync_s=_flag(
            [pod["spec"] for pod in managers or ()], "horizontal-pod-autoscaler-sync-period", SYNC_DEFAULT
        ),
        resolution_s=_flag(
            [found["spec"]["template"]["spec"] for found in servers or ()],
            "metric-resolution",
            RESOLUTION_DEFAULT,
        ),
        stabilisation_up_s=float(rules.get("stabilizationWindowSeconds") or 0.0),
        unknown=tuple(unknown),
    )


def _metrics_servers(api: KubeApi) -> list[Json]:
    return [
        found
        for label in _METRICS_SERVER
        for found in api.items(collection("deployment"), labelSelector=label)
    ]


def _flag(specs: Iterable[Json], name: str, otherwise: str) -> float | None:
    """Return a flag of the first container that runs the program, in seconds; None where there is none."""
    for spec in specs:
        for container in spec["containers"]:
            words = [*(container.get("command") or ()), *(container.get("args") or ())]
            return seconds(next(_values(words, name), otherwise))
    return None


def _values(words: list[str], name: str) -> Iterator[str]:
    """Yield the values of --name=value and --name value."""
    for number, word in enumerate(words):
        flag, equal, value = word.lstrip("-").partition("=")
        if word.startswith("-") and flag == name:
            yield value if equal else words[number + 1]


def _probe(spec: Json | None) -> Probe | None:
    """Return a probe; absent fields have the API's defaults."""
    if spec is None:
        return None
    return Probe(
        initial_delay_s=float(spec.get("initialDelaySeconds") or 0),
        period_s=float(spec.get("periodSeconds") or 10),
        timeout_s=float(spec.get("timeoutSeconds") or 1),
        successes=int(spec.get("successThreshold") or 1),
    )


def _wait(pod: Json, container: str, now: datetime) -> tuple[float, float]:
    status: Json = next(
        (s for s in pod.get("status", {}).get("containerStatuses") or () if s["name"] == container), {}
    )
    running = (status.get("state") or {}).get("running") or {}
    before = (status.get("lastState") or {}).get("terminated") or {}
    return next_wait(
        restarts=int(status.get("restartCount") or 0),
        started=_instant(running.get("startedAt")),
        ended_before=_instant(before.get("finishedAt")),
        now=now,
    )


def _instant(text: str | None) -> datetime | None:
    return from_rfc3339(text) if text else None
