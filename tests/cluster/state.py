"""What a fault could change and leave: read from the API, and from inside the nodes.

Read before and after, it is the same if nothing is left. Pods come and go, so they are counted by what
makes them, and what the nodes' kernels hold is the set of distinct lines of all of their pods.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connect import CLUSTER_NAME
from aftershock.cluster.kind.engine import Engine, engine_of
from aftershock.cluster.stack import is_ready
from aftershock.cluster.targets import condition, open_namespaces
from aftershock.config import state_dir
from aftershock.errors import CommandError, TransientError

__all__ = ["await_state", "engine", "on", "state_of"]

State = dict[str, object]

# Kubernetes' own count of roll-outs; it does not go back.
REVISION = "deployment.kubernetes.io/revision"
OURS = "aftershock.dev"

# Of every pod's network and of the node's own: rules and queues, without what follows pods and services as
# they come and go. Then what carriers write down, what is used of the one volume, timers, the kubelet,
# and the limit of the node's memory.
INSIDE = """
for space in $(ls /run/netns); do
  ip netns exec $space sh -c 'iptables-nft-save; tc qdisc show' 2>/dev/null
done | grep -E '^(-|qdisc|:AFTERSHOCK)' | sort -u
iptables-save | grep -E '^(-|:AFTERSHOCK)' | grep -v -e KUBE -e CNI | sort -u
tc qdisc show dev eth0
ls -A /run/aftershock 2>/dev/null
mountpoint -q /var/lib/ledger-disk && df --output=used --block-size=1M /var/lib/ledger-disk | tail -1
systemctl list-timers --all --no-legend | grep -o 'aftershock-[^ ]*'
systemctl is-active kubelet
cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null
true
"""


@cache
def engine() -> Engine:
    """Return the engine whose containers the nodes are."""
    log = state_dir() / "logs" / "test-cluster.log"
    log.parent.mkdir(exist_ok=True)
    return engine_of(CLUSTER_NAME, log=log, state=state_dir())


def on(node: str, script: str) -> str:
    """Run a script on a node and return what it printed.

    Raises:
        CommandError: it failed, or the node does not run.

    """
    return engine().run("exec", node, "sh", "-c", script)


def state_of(api: KubeApi) -> State:
    """Return what is now.

    Raises:
        TransientError: a node or the API does not answer.

    """
    return {**dict(_workloads(api)), **dict(_nodes(api)), "ours": _ours(api)}


def await_state(api: KubeApi, before: State, *, within_s: float) -> None:
    """Wait until everything is as it was; what is not is named.

    Raises:
        DeadlineError: it is not.

    """

    def same() -> bool:
        now = state_of(api)
        different = [
            f"{name}: {before.get(name, 'was not there')} became {now.get(name, 'nothing')}"
            for name in {**before, **now}
            if before.get(name) != now.get(name)
        ]
        if different:
            raise TransientError("something is left", found="\n".join(different))
        return True

    wait_until(same, within_s=within_s, every_s=1.0, what="everything to be as it was before")


def _workloads(api: KubeApi) -> Iterator[tuple[str, object]]:
    for space in open_namespaces(api):
        for kind in ("Deployment", "StatefulSet"):
            for item in api.items(f"/apis/apps/v1/namespaces/{space}/{kind.lower()}s"):
                meta = item["metadata"]
                notes = {
                    key: text for key, text in (meta.get("annotations") or {}).items() if key != REVISION
                }
                name = f"{kind.lower()} {space}/{meta['name']}"
                yield f"{name} spec", item["spec"]
                yield f"{name} labels", meta.get("labels")
                yield f"{name} annotations", notes
                yield f"{name} ready", is_ready({**item, "kind": kind})


def _nodes(api: KubeApi) -> Iterator[tuple[str, object]]:
    nodes = api.items("/api/v1/nodes")
    for node in nodes:
        meta, name = node["metadata"], f"node {node['metadata']['name']}"
        yield f"{name} labels", meta["labels"]
        yield f"{name} annotations", meta.get("annotations")
        yield f"{name} taints", node["spec"].get("taints")
        yield f"{name} closed", bool(node["spec"].get("unschedulable"))
        yield (
            f"{name} conditions",
            {
                kind: condition(node, kind).get("status")
                for kind in ("Ready", "MemoryPressure", "DiskPressure")
            },
        )
        yield f"{name} pods are reached by", _ways_to(node, nodes)
    names = [str(node["metadata"]["name"]) for node in nodes]
    with ThreadPoolExecutor(len(names)) as pool:
        for name, lines in zip(names, pool.map(_inside, names), strict=True):
            yield f"node {name} inside", lines


def _ways_to(node: Json, nodes: list[Json]) -> list[bool]:
    """Whether each other node knows the way to this one's pods: a stopped one comes back elsewhere."""
    address = next(found["address"] for found in node["status"]["addresses"] if found["type"] == "InternalIP")
    way = f"{node['spec']['podCIDR']} via {address} "
    others = [str(found["metadata"]["name"]) for found in nodes if found is not node]
    return [way in _told(other, "ip route") for other in others]


def _inside(node: str) -> list[str]:
    return _told(node, INSIDE).splitlines()


def _told(node: str, script: str) -> str:
    try:
        return on(node, script)
    except CommandError as error:  # it is paused, stopped, or on its way back
        raise TransientError(f"{node} does not answer", found=error.found) from error


def _ours(api: KubeApi) -> list[str]:
    """Return what bears our marks, or was made by us: nothing, before and after a fault."""
    pods = [
        f"pod {pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in api.items("/api/v1/pods")
        if OURS
        in str({**(pod["metadata"].get("annotations") or {}), **(pod["metadata"].get("labels") or {})})
    ]
    jobs = [job["metadata"]["name"] for job in api.items("/apis/batch/v1/namespaces/aftershock/jobs")]
    return sorted([*pods, *(f"job {name}" for name in jobs)])
