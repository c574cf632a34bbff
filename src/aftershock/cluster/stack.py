"""The stack on a cluster: apply it, and wait until every part of it does its work."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

from aftershock.clock import Clock, SystemClock, format_duration, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.apply import Applier, load_objects, object_id, render
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell
from aftershock.config import Profile

__all__ = ["Stack", "is_ready"]

OPERATOR_MODULE = "github.com/prometheus-operator/prometheus-operator"
OPERATOR_PINS = Path("cluster/kind/modules/operators")
_CONTROLLERS = {"Deployment", "DaemonSet", "StatefulSet", "Prometheus", "Alertmanager", "APIService"}


class Stack:
    """What `up` deploys: monitoring and workloads, of one profile."""

    def __init__(self, *, root: Path, kustomize: Path, log: Path, progress: Progress) -> None:
        self.root = root
        self.kustomize = kustomize
        self.shell = Shell(log=log)
        self.progress = progress

    def render(
        self, profile: Profile, *, images: Mapping[str, str], addons: Iterable[str] = ()
    ) -> list[Json]:
        """Return every object of the stack and of `addons`; the operator's definitions are not among them.

        `images` are the names that our own images have in the nodes, by those that manifests have.
        """
        stack = self.root / "stack"
        overlay, parts = stack / "overlays" / profile, [stack / "addons" / name for name in addons]
        if not parts:
            return render(overlay, kustomize=self.kustomize, shell=self.shell, images=images)
        # Addons are kustomize components: they add to the overlay and change it.
        with tempfile.TemporaryDirectory(prefix="aftershock-stack-") as scratch:
            folder = Path(scratch).resolve()
            whole = {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": [os.path.relpath(overlay.resolve(), folder)],
                "components": [os.path.relpath(part.resolve(), folder) for part in parts],
            }
            (folder / "kustomization.yaml").write_text(json.dumps(whole), encoding="utf-8")
            return render(folder, kustomize=self.kustomize, shell=self.shell, images=images)

    def define(self, api: KubeApi) -> None:
        """Apply the operator's definitions, from its module; 4 MB of them, so only when they changed."""
        module = self.shell.run(
            "go", "list", "-m", "-f", "{{.Dir}}", OPERATOR_MODULE, cwd=self.root / OPERATOR_PINS
        ).strip()
        texts = [
            path.read_bytes() for path in sorted(Path(module).glob("example/prometheus-operator-crd/*.yaml"))
        ]
        digest = hashlib.sha256(b"".join(texts)).hexdigest()
        note: Json = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "aftershock-definitions", "namespace": "kube-system"},
            "data": {"sha256": digest},
        }
        applier = Applier(api)
        if (applier.get(note) or {}).get("data") == note["data"]:
            return
        definitions = [item for text in texts for item in load_objects(text.decode("utf-8"))]
        with self.progress.task(f"apply {len(definitions)} definitions"):
            applier.apply(definitions)
            applier.apply([note])

    def deploy(self, api: KubeApi, items: list[Json]) -> None:
        """Apply `items`, which puts back what somebody has changed of them."""
        with self.progress.task(f"apply {len(items)} objects"):
            Applier(api).apply(items)

    def sweep(self, api: KubeApi, items: Iterable[Json]) -> None:
        """Delete the ended pods of Deployments of `items`: a node that was down or full leaves such.

        Others were made for them. But a Deployment that replaces all its pods at once (strategy Recreate)
        waits until there is none at all, ended or not, and is never woken: seen with Kubernetes 1.34.
        """
        spaces = {item["metadata"].get("namespace", "") for item in items if item["kind"] == "Deployment"}
        for namespace, phase in product(sorted(spaces), ("Succeeded", "Failed")):
            path = f"/api/v1/namespaces/{namespace}/pods"
            for pod in api.items(path, fieldSelector=f"status.phase={phase}"):
                if any(
                    owner["kind"] == "ReplicaSet" for owner in pod["metadata"].get("ownerReferences") or ()
                ):
                    api.delete(f"{path}/{pod['metadata']['name']}", {})
                    self.progress.say(f"removed {namespace}/{pod['metadata']['name']}, which has ended")

    def await_ready(
        self, api: KubeApi, items: list[Json], *, within_s: float, clock: Clock | None = None
    ) -> None:
        """Wait until every workload and API service of `items` is ready, as last applied.

        Raises:
            DeadlineError: one is not; it names it.

        """
        applier = Applier(api, clock=clock)
        waiting = [item for item in items if item["kind"] in _CONTROLLERS]
        clock = clock or SystemClock()
        end = clock.monotonic() + within_s
        for item in waiting:

            def ready(item: Json = item) -> bool:
                seen = applier.get(item)
                return seen is not None and is_ready(seen)

            left = max(end - clock.monotonic(), 0.0)
            wait_until(
                ready, within_s=left, every_s=0.5, clock=clock,
                what=f"{object_id(item)} to be ready ({format_duration(within_s)} for the whole stack)",
                hint="`kubectl describe` it; its events say what is missing",
            )  # fmt: skip


def is_ready(item: Json) -> bool:
    """Say whether a workload runs as its newest specification says, and no older one."""
    status = item.get("status", {})
    wanted = item["spec"].get("replicas", 1)
    if item["kind"] in {"Deployment", "StatefulSet"}:
        current = status.get("observedGeneration") == item["metadata"]["generation"]
        counts = [status.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "replicas")]
        return bool(current and all(count == wanted for count in counts))
    if item["kind"] == "DaemonSet":
        current = status.get("observedGeneration") == item["metadata"]["generation"]
        desired = status.get("desiredNumberScheduled", 0)
        done = status.get("updatedNumberScheduled", 0) == status.get("numberReady", 0) == desired
        return bool(current and desired > 0 and done)
    available: Json = next((c for c in status.get("conditions", []) if c["type"] == "Available"), {})
    generation = item["metadata"].get("generation")
    # The operator's conditions say which specification they are about; API services' do not.
    current = available.get("observedGeneration", generation) == generation
    return bool(current and available.get("status") == "True")
