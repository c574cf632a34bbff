"""A pod with a volume of a size of its own: a file on a worker's disk, mounted as a file system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.faults.carrier import Carriers

__all__ = ["Ledger", "ledger_in"]

NAME = "ledger"
SPACE = "aftershock-ledger"
PODS = f"/api/v1/namespaces/{SPACE}/pods"
FOLDER = "/var/lib/aftershock-ledger"
MAKE = f"""
mkdir -p {FOLDER} && truncate -s 64M {FOLDER}.img && mkfs.ext4 -q -F {FOLDER}.img \
 && mount -o loop {FOLDER}.img {FOLDER}
"""
UNMAKE = f"umount {FOLDER}; rmdir {FOLDER}; rm {FOLDER}.img"
SIZE = "56Mi"


@dataclass(frozen=True)
class Ledger:
    """The pod, by its API, its node, and the image that it runs."""

    api: KubeApi
    node: str
    image: str

    def used_bytes(self) -> int:
        """Return what is used of its volume, as its own node says."""
        said = _on_node(
            self.api, self.node, self.image, f"df --block-size=1 --output=used {FOLDER} | tail -1"
        )
        return int(said)


@contextmanager
def ledger_in(api: KubeApi) -> Iterator[Ledger]:
    """Make the volume, its claim and the pod; take all of it away again."""
    image = Carriers(api).image()
    workers = [n for n in api.items("/api/v1/nodes") if not n["spec"].get("taints")]
    node = str(workers[0]["metadata"]["name"])
    labels = {"aftershock.dev/allow": "true", "pod-security.kubernetes.io/enforce": "privileged"}
    api.post("/api/v1/namespaces", {"metadata": {"name": SPACE, "labels": labels}})
    try:
        _on_node(api, node, image, MAKE)
        try:
            for path, body in _objects(node, image):
                api.post(path, body)
            running = lambda: api.get(f"{PODS}/{NAME}")["status"].get("phase") == "Running"  # noqa: E731 - asked again
            wait_until(running, within_s=60, what="the ledger to run")
            yield Ledger(api, node, image)
        finally:
            api.delete(f"{PODS}/{NAME}", {"gracePeriodSeconds": 0})
            wait_until(lambda: api.find(f"{PODS}/{NAME}") is None, within_s=60, what="the ledger to be gone")
            api.delete(f"/api/v1/namespaces/{SPACE}/persistentvolumeclaims/{NAME}")
            api.delete(f"/api/v1/persistentvolumes/{NAME}")
            _on_node(api, node, image, UNMAKE)
    finally:
        path = f"/api/v1/namespaces/{SPACE}"
        api.delete(path)
        wait_until(lambda: api.find(path) is None, within_s=60, what=f"{SPACE} to be gone")


def _objects(node: str, image: str) -> Iterator[tuple[str, Json]]:
    """Yield volume, claim and pod, each with where it goes."""
    hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    terms = {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": NAME}
    volume = {
        **common,
        "capacity": {"storage": SIZE},
        "persistentVolumeReclaimPolicy": "Retain",
        "local": {"path": FOLDER},
        "nodeAffinity": terms,
    }
    yield "/api/v1/persistentvolumes", {"metadata": {"name": NAME}, "spec": volume}
    claim = {**common, "volumeName": NAME, "resources": {"requests": {"storage": SIZE}}}
    yield (
        f"/api/v1/namespaces/{SPACE}/persistentvolumeclaims",
        {"metadata": {"name": NAME}, "spec": claim},
    )
    container = {
        "name": NAME,
        "image": image,
        "command": ["python3", "-c", "import signal; signal.pause()"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    spec = {
        "nodeName": node,
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": NAME}}],
    }
    yield PODS, {"metadata": {"name": NAME, "labels": {"app": NAME}}, "spec": spec}


def _on_node(api: KubeApi, node: str, image: str, script: str) -> str:
    """Run a script on the node, as its own; return what it printed."""
    name = "on-node"
    container = {
        "name": name,
        "image": image,
        "command": ["nsenter", "--target", "1", "--mount", "--", "sh", "-c", script],
        "securityContext": {"privileged": True, "runAsUser": 0},
    }
    spec = {"nodeName": node, "hostPID": True, "restartPolicy": "Never", "containers": [container]}
    api.post(PODS, {"metadata": {"name": name}, "spec": spec})
    try:
        phase = wait_until(lambda: _ended(api.get(f"{PODS}/{name}")), within_s=60, what=f"a script on {node}")
        said = api.text(f"{PODS}/{name}/log")
        assert phase == "Succeeded", said
        return said
    finally:
        api.delete(f"{PODS}/{name}", {"gracePeriodSeconds": 0})
        wait_until(lambda: api.find(f"{PODS}/{name}") is None, within_s=60, what="a script to be gone")


def _ended(pod: Json) -> str | None:
    phase = str(pod.get("status", {}).get("phase"))
    return phase if phase in {"Succeeded", "Failed"} else None
