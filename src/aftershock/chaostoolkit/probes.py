"""Probes: how services, workloads and alerts are at this moment."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

from aftershock.chaostoolkit.sessions import session
from aftershock.clock import SystemClock, wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.readiness import not_whole, too_few
from aftershock.config import load_settings, project_root
from aftershock.errors import DeadlineError, RefusedError
from aftershock.load.hosts import LOCAL, from_here
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
    api = session().cluster.api

    def whole() -> bool:
        return not_whole(api, workload, namespace=namespace) == ""

    return _comes_true(whole, within_s, f"{workload} to be ready")


def replacements_ready(*, workload: str, namespace: str = "", within_s: float = 30.0) -> bool:
    """Return whether the workload has all its pods Ready on open nodes within `within_s` seconds. A probe."""
    api = session().cluster.api

    def all_ready() -> bool:
        nodes = {node["metadata"]["name"]: node for node in api.items("/api/v1/nodes")}
        open_ones = partial(_is_open, nodes)
        return too_few(api, workload, namespace=namespace, counts=open_ones) == ""

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
    settings = load_settings(root=project_root())
    # No cluster is asked about this machine: its address is no service's.
    url = from_here(url, {} if urlsplit(url).hostname == LOCAL else session().cluster.services, settings)
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


def _is_open(nodes: Mapping[str, Json], pod: Json) -> bool:
    node = nodes.get(pod["spec"].get("nodeName", ""))
    return node is not None and not node["spec"].get("unschedulable")
