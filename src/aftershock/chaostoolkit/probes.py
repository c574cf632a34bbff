"""Probes: how services, workloads and alerts are at this moment."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable

from aftershock.chaostoolkit.sessions import Session, session
from aftershock.clock import SystemClock, wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.stack import is_ready
from aftershock.cluster.targets import Workload, find_workload, label_selector
from aftershock.config import load_settings, project_root
from aftershock.errors import DeadlineError, RefusedError, TransientError
from aftershock.load.hosts import check_host
from aftershock.observe.prometheus import Prometheus

__all__ = [
    "alert_firing",
    "answer_time_s",
    "metric",
    "replacements_ready",
    "service_answers",
    "workload_ready",
]


def service_answers(*, url: str, timeout_s: float = 2.0) -> int:
    """Return the HTTP status that `url` answers with; 0 if it does not answer. A probe.

    Raises:
        RefusedError: requests to that host are not allowed.

    """
    return _ask(url, timeout_s)[0]


def answer_time_s(*, url: str, timeout_s: float = 10.0) -> float | None:
    """Return the seconds until the whole answer of `url` is here; None if none comes. A probe.

    Raises:
        RefusedError: requests to that host are not allowed.

    """
    status, took_s = _ask(url, timeout_s)
    return took_s if status else None


def workload_ready(*, workload: str, namespace: str = "", within_s: float = 0.0) -> bool:
    """Return whether the workload runs as its newest specification says, within `within_s` seconds. A probe.

    Counted from the pods themselves: a Deployment's status may be older than the last deletion.
    """
    current = session()

    def whole() -> bool:
        found = _found(current, workload, namespace)
        late = [item["metadata"]["name"] for item in _deployments(current, found) if not is_ready(item)]
        if late:
            raise TransientError(f"not as specified: {', '.join(late)}")
        return _enough(current, found, [pod for pod in found.pods if _is_ready(pod)])

    return _comes_true(whole, within_s, f"{workload} to be ready")


def replacements_ready(*, workload: str, namespace: str = "", within_s: float = 30.0) -> bool:
    """Return whether the workload has all its pods Ready on open nodes within `within_s` seconds. A probe."""
    current = session()

    def all_ready() -> bool:
        found = _found(current, workload, namespace)
        nodes = {node["metadata"]["name"]: node for node in current.cluster.api.items("/api/v1/nodes")}
        ready = [pod for pod in found.pods if _is_ready(pod) and not _is_closed(nodes, pod)]
        return _enough(current, found, ready)

    return _comes_true(all_ready, within_s, f"replacements of {workload}")


def alert_firing(*, alert: str, namespace: str = "") -> bool:
    """Return whether an alert of that name fires now, for that namespace or any. A probe.

    Raises:
        TransientError: Prometheus does not answer.

    """
    return any(
        found["state"] == "firing"
        and found["labels"].get("alertname") == alert
        and namespace in {"", found["labels"].get("namespace")}
        for found in _prometheus().alerts()
    )


def metric(*, query: str) -> float | None:
    """Return the value of a PromQL query that gives one number; None where nothing matches. A probe.

    Raises:
        RefusedError: it gives several.
        QueryError: Prometheus refuses it.
        TransientError: Prometheus does not answer.

    """
    found = _prometheus().query(query)
    if len(found) > 1:
        raise RefusedError(
            "the query gives more than one number",
            expected="one series, as sum(...) gives",
            found=f"{len(found)} series",
        )
    return found[0].value if found else None


def _ask(url: str, timeout_s: float) -> tuple[int, float]:
    """Return the status, 0 without an answer, and the seconds until all of it was read."""
    check_host(url, load_settings(root=project_root()))
    clock = SystemClock()
    began = clock.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - the scheme was checked
            answer.read()
            status = int(answer.status)
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError:
        status = 0
    return status, clock.monotonic() - began


def _prometheus() -> Prometheus:
    return Prometheus(session().cluster.monitoring.prometheus)


def _comes_true(look: Callable[[], bool], within_s: float, what: str) -> bool:
    try:
        return wait_until(look, within_s=within_s, what=what, clock=SystemClock())
    except DeadlineError:
        return False


def _found(current: Session, workload: str, namespace: str) -> Workload:
    """Find the workload; none of its pods being alive is a state like others, and passes."""
    try:
        return find_workload(current.cluster.api, workload, namespace=namespace)
    except RefusedError as error:
        raise TransientError(error.message, found=error.found) from error


def _enough(current: Session, found: Workload, ready: list[Json]) -> bool:
    wanted = sum(item["spec"].get("replicas", 1) for item in _deployments(current, found)) or 1
    if len(ready) < wanted:
        raise TransientError(f"{len(ready)} of {wanted} pods of {found} are Ready")
    return True


def _deployments(current: Session, found: Workload) -> list[Json]:
    """Return the Deployments whose pods are the workload's."""
    path = f"/apis/apps/v1/namespaces/{found.namespace}/deployments"
    own = set(found.selector.split(","))
    items = current.cluster.api.items(path)
    return [{**item, "kind": "Deployment"} for item in items if own <= _terms(item)]


def _terms(deployment: Json) -> set[str]:
    """Return what the Deployment's pods bear, as a selector has it."""
    labels = deployment["spec"].get("template", {}).get("metadata", {}).get("labels") or {}
    written = {f"{key}={value}" for key, value in labels.items()}
    return written | set(label_selector(deployment["spec"]["selector"]).split(","))


def _is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def _is_closed(nodes: dict[str, Json], pod: Json) -> bool:
    node = nodes.get(pod["spec"].get("nodeName", ""))
    return node is None or bool(node["spec"].get("unschedulable"))
