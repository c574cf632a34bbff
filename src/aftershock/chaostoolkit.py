"""Aftershock as a Chaos Toolkit extension: functions for `python` providers.

An experiment that names this module runs under plain `chaos run` with the guards, the
journal and the proofs of a scenario:

    provider:
      type: python
      module: aftershock.chaostoolkit
      func: drain_worker
      arguments: {workload: nginx-web, namespace: demo}

The cluster is the one of the settings. The journal is in the folder AFTERSHOCK_RUN_DIR names,
else in a new one under reports/; `aftershock recover` finds it there. Nothing of Chaos
Toolkit is imported.
"""

from __future__ import annotations

import functools
import os
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftershock.clock import SystemClock, wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.connect import connect
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.targets import find_workload
from aftershock.config import Settings, load_settings, project_root
from aftershock.errors import DeadlineError, TransientError
from aftershock.faults.injector import Injector
from aftershock.faults.journal import Journal
from aftershock.faults.node_drain import NAME as NODE_DRAIN
from aftershock.faults.node_drain import NodeDrain
from aftershock.faults.tools import Tools, tools
from aftershock.load.hosts import check_host
from aftershock.timeline import Timeline

__all__ = ["drain_worker", "replacements_ready", "service_answers", "uncordon"]


@dataclass(frozen=True, kw_only=True)
class Session:
    """What the functions of one `chaos run` share."""

    settings: Settings
    cluster: Cluster
    tools: Tools
    injector: Injector


@functools.cache
def session() -> Session:
    """Connect once per process.

    Raises:
        EnvironmentUnusableError: there is no cluster.
        RefusedError: its context may not be touched.

    """
    root = project_root()
    settings = load_settings(root=root)
    cluster = connect(settings)
    folder = _run_folder(root)
    timeline = os.environ.get("AFTERSHOCK_EXPERIMENT_TIMELINE")
    guard = Guard(cluster=cluster, settings=settings)
    kit = tools(cluster.api, carrier_image=settings.carrier_image, may_touch=guard.may_touch)
    injector = Injector(
        kit,
        run_id=folder.name,
        journal=Journal(folder / "journal.jsonl"),
        timeline=Timeline(Path(timeline) if timeline else folder / "timeline.jsonl"),
        check=guard.check,
    )
    return Session(settings=settings, cluster=cluster, tools=kit, injector=injector)


def drain_worker(
    *,
    workload: str,
    namespace: str = "",
    node: str = "",
    within_s: float = 120.0,
    grace_s: int | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Drain `node`, or the one that holds most pods of `workload`; return the proof. An action.

    Raises:
        RefusedError: a guard said no; nothing was touched.
        FaultError: something was not evicted within `within_s` seconds.

    """
    current = session()
    fault = NodeDrain(
        current.tools,
        workload=workload,
        namespace=namespace,
        node=node,
        within_s=within_s,
        grace_s=grace_s,
        seed=seed,
    )
    injection = current.injector.inject(fault)
    return {"fault_id": injection.record.fault_id, **injection.proof.facts}


def uncordon() -> list[str]:
    """Uncordon what drains of this run cordoned; return the nodes. Idempotent. For rollbacks.

    Raises:
        ResidueError: a node is still cordoned by us.

    """
    injector = session().injector
    drains = [record for record in injector.journal.open_records() if record.fault == NODE_DRAIN]
    return [str(injector.undo(record.fault_id).facts["node"]) for record in drains]


def service_answers(*, url: str, timeout_s: float = 2.0) -> int:
    """Return the HTTP status that `url` answers with; 0 if it does not answer. A probe.

    Raises:
        RefusedError: requests to that host are not allowed.

    """
    check_host(url, load_settings(root=project_root()))
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - the scheme was checked
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def replacements_ready(*, workload: str, namespace: str = "", within_s: float = 30.0) -> bool:
    """Return whether the workload has all its pods Ready on open nodes within `within_s` seconds. A probe."""
    current = session()

    def all_ready() -> bool:
        found = find_workload(current.cluster.api, workload, namespace=namespace)
        nodes = {node["metadata"]["name"]: node for node in current.cluster.api.items("/api/v1/nodes")}
        ready = [pod for pod in found.pods if _is_ready(pod) and not _is_closed(nodes, pod)]
        wanted = _wanted(current.cluster, workload, found.namespace)
        if len(ready) < wanted:
            raise TransientError(f"{len(ready)} of {wanted} pods of {found} are Ready on open nodes")
        return True

    try:
        return wait_until(
            all_ready, within_s=within_s, what=f"replacements of {workload}", clock=SystemClock()
        )
    except DeadlineError:
        return False


def _wanted(cluster: Cluster, workload: str, namespace: str) -> int:
    """Return how many replicas the workload's Deployment asks for; 1 where it has none of that name."""
    found = cluster.api.find(f"/apis/apps/v1/namespaces/{namespace}/deployments/{workload}")
    return 1 if found is None else int(found["spec"].get("replicas", 1))


def _is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def _is_closed(nodes: dict[str, Json], pod: Json) -> bool:
    node = nodes.get(pod["spec"].get("nodeName", ""))
    return node is None or bool(node["spec"].get("unschedulable"))


def _run_folder(root: Path) -> Path:
    given = os.environ.get("AFTERSHOCK_RUN_DIR")
    stamp = SystemClock().now().strftime("%Y%m%d-%H%M%S")
    folder = Path(given) if given else root / "reports" / f"{stamp}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
