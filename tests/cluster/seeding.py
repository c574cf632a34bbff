"""Defects made for real: what is changed through the API, and put back whatever happens.

Nothing in a workload helps: its pods are those of the stack, with another configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.apply import Applier
from aftershock.cluster.stack import is_ready
from aftershock.cluster.targets import ALLOW_LABEL
from aftershock.errors import ApiError, TransientError
from aftershock.observe.prometheus import Prometheus
from aftershock.report.verdicts import read_verdicts
from aftershock.timeline import Timeline, read_timeline
from aftershock.verdict import Verdict
from tests.cluster.conftest import Project

NAMESPACE = "seeded"
PORT = "8080"
ELSEWHERE = "8081"
"""A port that no readiness probe asks."""

PROMETHEUS_POD = "/api/v1/namespaces/monitoring/pods/prometheus-aftershock-0"
RULES = "/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheusrules/pods"
_OF_NAMESPACE = f"/api/v1/namespaces/{NAMESPACE}"

Rules = list[tuple[str, str, str]]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A scenario that was run: what pytest said, and what it left in its folder."""

    exit_code: int
    said: str
    verdicts: list[Verdict]
    timeline: Timeline

    def came_to(self, *expected: str) -> str:
        """Hold the statuses of the verdicts, in the order of the steps; return the last one's reason."""
        shown = "\n".join(line for verdict in self.verdicts for line in verdict.lines()) or self.said
        assert [verdict.status for verdict in self.verdicts] == list(expected), shown
        return self.verdicts[-1].reason


class Lab:
    """The cluster, a project to run scenarios from, and what can be done to both for a while."""

    def __init__(self, api: KubeApi, prometheus: Prometheus, project: Project) -> None:
        self.api = api
        self.prometheus = prometheus
        self.project = project
        self._looks = count()

    def run(
        self, *scenarios: str, concern: str = "recovery", while_it_runs: Callable[[], None] | None = None
    ) -> list[Ran]:
        """Run a feature of those scenarios, given by their steps, as a user does; one `Ran` for each.

        `while_it_runs` is called once the first fault has landed.
        """
        path = f"features/{concern}/seeded.feature"
        names = [f"number {number}" for number, _ in enumerate(scenarios, start=1)]
        blocks = [f"  Scenario: {name}\n{steps}" for name, steps in zip(names, scenarios, strict=True)]
        self.project.write(path, f"@{concern}\nFeature: Seeded\n\n" + "\n".join(blocks))
        folders = [self.project.reports / "seeded" / name.replace(" ", "-") for name in names]
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self.project.pytest, path, "--run-id", "seeded")
            if while_it_runs is not None:
                record = folders[0] / "timeline.jsonl"
                wait_until(
                    lambda: running.done() or (record.exists() and '"landed"' in record.read_text()),
                    within_s=120,
                    every_s=0.1,
                    what="the fault to land",
                )
                while_it_runs()
            done = running.result()
        said = done.stdout + done.stderr
        assert all((folder / "verdicts.json").exists() for folder in folders), said
        return [
            Ran(
                exit_code=done.returncode,
                said=said,
                verdicts=read_verdicts(folder / "verdicts.json"),
                timeline=read_timeline(folder / "timeline.jsonl"),
            )
            for folder in folders
        ]

    @contextmanager
    def changed(self, path: str, edit: Callable[[Json], None]) -> Iterator[None]:
        """Have the specification of the object at `path` as `edit` makes it for the length of the block."""
        original = self.api.get(path)["spec"]

        def restore(spec: Json) -> None:
            spec.clear()
            spec.update(original)

        self._put(path, edit)
        try:
            yield
        finally:
            self._put(path, restore)

    @contextmanager
    def pod_rules(self, edit: Callable[[list[Json]], None]) -> Iterator[None]:
        """Have the rules about pods as `edit` makes them for the block: loaded and evaluated."""
        before = self.rules()

        def edit_spec(spec: Json) -> None:
            edit(spec["groups"][0]["rules"])

        try:
            with self.changed(RULES, edit_spec):
                self._await_rules(lambda: self.rules() != before)
                yield
        finally:
            self._await_rules(lambda: self.rules() == before)

    def rules(self) -> Rules:
        """Return the loaded rules: group, name, expression."""
        return [
            (group["name"], rule["name"], rule["query"])
            for group in self.prometheus.rules()
            for rule in group["rules"]
        ]

    def sound(self) -> bool:
        """Whether Prometheus answers, has evaluated every rule, and scrapes what tells of pods.

        Raises:
            TransientError: it does not; says what is missing.

        """
        rules = [rule for group in self.prometheus.rules() for rule in group["rules"]]
        if not rules:
            raise TransientError("Prometheus has loaded no rules")
        ill = [f"{rule['name']} ({rule['health']})" for rule in rules if rule["health"] != "ok"]
        if ill:
            raise TransientError(f"rules that are not healthy: {', '.join(ill)}")
        if not self.prometheus.query('up{job="kube-state-metrics"} == 1'):
            raise TransientError("kube-state-metrics is not scraped")
        return True

    def quiet(self) -> bool:
        """Whether no alert fires: one that a test before left would be "firing already" to the next.

        Raises:
            TransientError: some do; names them.

        """
        firing = [
            f"{alert['labels']['alertname']} of {alert['labels'].get('pod', 'no pod')}"
            for alert in self.prometheus.alerts()
            if alert["state"] == "firing"
        ]
        if firing:
            raise TransientError(f"firing: {', '.join(firing)}")
        return True

    @contextmanager
    def without_pods(self, namespace: str, name: str) -> Iterator[None]:
        """Have the deployment scaled to nothing for the block, and as it was after it."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        with self.changed(path, lambda spec: spec.update(replicas=0)):
            self.await_deployment(path)
            yield
        self.await_deployment(path)

    @contextmanager
    def workload(self, name: str, *, app: str = "", replicas: int = 1) -> Iterator[None]:
        """Have a deployment of one of the stack's services, whose pods bear the label app=`app`.

        Its port comes from the ConfigMap of its name; a container reads it when it starts.
        """
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
        spec = self.api.get("/apis/apps/v1/namespaces/bookinfo/deployments/ratings")["spec"]["template"][
            "spec"
        ]
        image = spec["containers"][0]["image"]
        Applier(self.api).apply(_objects(name, app=app or name, image=image, replicas=replicas))
        try:
            self.await_deployment(path)
            yield
        finally:
            self.api.delete(path, {"propagationPolicy": "Foreground"})
            wait_until(
                lambda: not self.api.items(f"{_OF_NAMESPACE}/pods", labelSelector=f"part={name}"),
                within_s=60,
                what=f"the pods of {name} to be gone",
            )

    def misconfigure(self, name: str) -> None:
        """Have every container of the workload `name` that starts from now on listen elsewhere."""
        self.api.patch(f"{_OF_NAMESPACE}/configmaps/{name}", {"data": {"PORT": ELSEWHERE}})

    def scale(self, name: str, replicas: int) -> None:
        """Scale a workload of ours."""
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
        self.api.patch(path, {"spec": {"replicas": replicas}})

    def await_deployment(self, path: str) -> None:
        """Wait until the deployment is as specified, and the pods of older specifications are gone.

        A pod that is on its way out still answers where no other is Ready.
        """

        def look() -> bool:
            found = self.api.get(path)
            if not is_ready({**found, "kind": "Deployment"}):
                raise TransientError(f"its status: {found.get('status')}")
            labels = ",".join(
                f"{key}={value}" for key, value in found["spec"]["selector"]["matchLabels"].items()
            )
            namespace = found["metadata"]["namespace"]
            pods = self.api.items(f"/api/v1/namespaces/{namespace}/pods", labelSelector=labels)
            return len(pods) == found["spec"]["replicas"]

        wait_until(look, within_s=90, what=f"{path} to be as specified")

    def _await_rules(self, there: Callable[[], bool]) -> None:
        """Wait until Prometheus has loaded what the operator made of the rules, and evaluated all of it.

        A kubelet looks at a pod's ConfigMaps when the pod changes, else about once in a minute;
        so the pod is annotated until it has looked.
        """

        def look() -> bool:
            note = {"aftershock.dev/seeded-look": str(next(self._looks))}
            self.api.patch(PROMETHEUS_POD, {"metadata": {"annotations": note}})
            return there() and self.sound()

        wait_until(look, within_s=120, every_s=1, what="Prometheus to have loaded the rules")

    def _put(self, path: str, edit: Callable[[Json], None]) -> None:
        """Edit the object's specification as it is now; again, where somebody else was faster."""

        def put() -> bool:
            found = self.api.get(path)
            edit(found["spec"])
            try:
                self.api.put(path, found)
            except ApiError as error:
                if error.status != HTTPStatus.CONFLICT:
                    raise
                return False
            return True

        wait_until(put, within_s=10, what=f"{path} to be changed")


@contextmanager
def open_namespace(api: KubeApi) -> Iterator[None]:
    """Have a namespace of our own that faults may touch."""
    meta = {"name": NAMESPACE, "labels": {ALLOW_LABEL: "true"}}
    Applier(api).apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": meta}])
    try:
        yield
    finally:
        api.delete(_OF_NAMESPACE)
        wait_until(lambda: api.find(_OF_NAMESPACE) is None, within_s=90, what=f"{NAMESPACE} to be gone")


def _objects(name: str, *, app: str, image: str, replicas: int) -> list[Json]:
    labels = {"app": app, "part": name}
    container = {
        "name": "ratings",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "aftershock_components.bookinfo"],
        "env": [
            {"name": "BOOKINFO_SERVICE", "value": "ratings"},
            {"name": "PORT", "valueFrom": {"configMapKeyRef": {"name": name, "key": "PORT"}}},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": int(PORT)}, "periodSeconds": 1},
        "resources": {
            "requests": {"cpu": "10m", "memory": "64Mi"},
            "limits": {"cpu": "500m", "memory": "128Mi"},
        },
    }
    pod = {
        "containers": [container],
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534},
    }
    meta = {"name": name, "namespace": NAMESPACE}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"PORT": PORT}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec},
    ]
