"""A cluster in memory behind HTTP, and an engine on it: what the tests of auto-recovery share."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from aftershock_components.autorecovery.engine import Engine
from aftershock_components.autorecovery.findings import Finding, of_alert
from aftershock_components.autorecovery.incidents import Incident, Incidents
from aftershock_components.autorecovery.kube import Kube
from aftershock_components.autorecovery.playbooks import Playbooks
from aftershock_components.autorecovery.reading import read_playbooks
from aftershock_components.autorecovery.seeing import Seeing
from aftershock_components.autorecovery.steps.protocol import Setting
from aftershock_components.autorecovery.telling import Telling
from prometheus_client import CollectorRegistry

from aftershock.errors import ApiError, NotFoundError, TransientError
from aftershock.testing import FakeClock
from aftershock.testing import kube as fake
from aftershock.testing.kube import FakeApi, merge, node

ROOT = Path(__file__).parents[4]
PLAYBOOKS = ROOT / "stack/addons/autorecovery/playbooks.toml"
OWN = "/api/v1/namespaces/autorecovery/configmaps"
INCIDENTS = f"{OWN}/autorecovery-incidents"
LOGS = f"{OWN}/autorecovery-logs"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/autorecovery/leases/autorecovery"
SWITCH = "/apis/apps/v1/namespaces/autorecovery/deployments/autorecovery"
POD_METRICS = "/apis/metrics.k8s.io/v1beta1/pods"
NODE_METRICS = "/apis/metrics.k8s.io/v1beta1/nodes"
BUDGETS = "/apis/policy/v1/namespaces/demo/poddisruptionbudgets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/demo/deployments"
HPAS = "/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers"

Json = dict[str, Any]
T = TypeVar("T")


def run(asked: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asked)


class Server:
    """The API over HTTP. `breaks` may answer, or raise, in its place; `watches` are lines by path."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.breaks: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
        self.watches: dict[str, list[list[Json]]] = defaultdict(list)
        self._events = 0

    def kube(self) -> Kube:
        return Kube(httpx.AsyncClient(transport=httpx.MockTransport(self.answer), base_url="http://api"))

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, dict(request.url.params)
        self.asked.append((request.method, path, query))
        broken = self.breaks(request)
        if broken is not None:
            return broken
        if query.get("watch"):
            events = self.watches[path].pop(0) if self.watches[path] else []
            return httpx.Response(200, text="".join(f"{json.dumps(event)}\n" for event in events))
        try:
            return self._do(request, path, query)
        except NotFoundError as error:
            return httpx.Response(404, json={"message": str(error)})
        except TransientError as error:
            return httpx.Response(429, json={"message": error.found})
        except ApiError as error:
            return httpx.Response(int(error.status), json={"message": str(error)})

    def _do(self, request: httpx.Request, path: str, query: dict[str, str]) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        if path.endswith("/log"):
            if path not in self.api.logs:
                return httpx.Response(400, json={"message": "previous terminated container not found"})
            return httpx.Response(200, text=self.api.logs[path])
        if request.method == "GET":
            found = self.api.get(path, **query)
            return httpx.Response(200, json={"metadata": {"resourceVersion": "1"}, **found})
        assert body is not None
        if request.method == "PATCH":
            return httpx.Response(200, json=self.api.patch(path, body))
        if "generateName" in body["metadata"]:
            self._events += 1
            body["metadata"]["name"] = f"{body['metadata']['generateName']}{self._events}"
        return httpx.Response(201, json=self.api.post(path, body))


class Seen:
    """A watched collection: as it was when the look began."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.synced = True


class World:
    """A cluster with two workers and the deployment demo/web, and what the component makes of it."""

    def __init__(self, *, books: Playbooks | None = None, dry_run: bool = False) -> None:
        self.clock = FakeClock()
        self.api = FakeApi()
        self.server = Server(self.api)
        self.books = books or read_playbooks(PLAYBOOKS.read_text())
        self.dry_run = dry_run
        for name in ("autorecovery-incidents", "autorecovery-logs"):
            self.api.add(OWN, {"metadata": {"name": name}})
        self.api.add(LEASE.rpartition("/")[0], {"metadata": {"name": "autorecovery"}})
        own = {"metadata": {"name": "autorecovery", "namespace": "autorecovery"}}
        self.api.add(SWITCH.rpartition("/")[0], own)
        cpu = {"status": {"allocatable": {"cpu": "2"}}}
        self.api.add("/api/v1/nodes", node("cp", control_plane=True, **cpu), node("w1"), node("w2"))
        self.api.objects[POD_METRICS] = {"metadata": {}, "items": []}
        self.api.objects[NODE_METRICS] = {"metadata": {}, "items": []}
        self.deployment("web")
        self.restart()

    def restart(self) -> None:
        """Have another replica, or the same one anew, take over: it knows what is written down."""
        self.kube = self.server.kube()
        self.pods, self.nodes = Seen(), Seen()
        self.registry = CollectorRegistry()
        self.telling = Telling(self.kube, self.books, self.registry, identity="a/1", now=self.clock.now)
        self.incidents = Incidents(self.kube, INCIDENTS, holder="a/1")
        self.setting = Setting(
            kube=self.kube,
            rules=self.books.exclusions,
            pods=lambda: list(self.pods.objects.values()),
            nodes=lambda: list(self.nodes.objects.values()),
            logs=LOGS,
        )
        self.engine = Engine(
            self.books,
            self.incidents,
            self.setting,
            self.telling,
            now=self.clock.now,
            dry_run=self.dry_run,
        )
        self.seeing = Seeing(self.kube, self.books, self.pods, self.nodes, now=self.clock.now)

    def deployment(self, name: str, *, namespace: str = "demo", replicas: int = 3, **more: Any) -> None:
        labels = {"app": name}
        container = {"name": "main", "resources": {"limits": {"memory": "64Mi"}}}
        base: Json = {
            "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": 1},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [container]},
                },
            },
            "status": {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas},
        }
        self.api.add(f"/apis/apps/v1/namespaces/{namespace}/deployments", merge(base, more))

    def settle(self, name: str, *, namespace: str = "demo") -> None:
        """Do what the deployment controller does: take the latest specification up."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        found = self.api.objects[path]
        count = found["spec"]["replicas"]
        found["status"] = {**found["status"], "replicas": count, "updatedReplicas": count}

    def hpa(self, *, least: int = 3, most: int = 10, name: str = "web") -> None:
        target = {"kind": "Deployment", "name": name}
        spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most}
        self.api.add(HPAS, {"metadata": {"name": name, "namespace": "demo"}, "spec": spec})

    def pod(self, name: str, *, restarts: int = 0, reason: str = "", waiting: str = "", **more: Any) -> None:
        """Add a pod of demo/web whose container ended a second ago, for that reason."""
        at = (self.clock.now() - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        ended = {"terminated": {"reason": reason, "finishedAt": at, "exitCode": 137}} if reason else {}
        state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
        status = {"name": "main", "restartCount": restarts, "state": state, "lastState": ended}
        labels = {"app": "web", "pod-template-hash": "7d9f"}
        ready = [{"type": "Ready", "status": "False" if waiting else "True"}]
        mine = {
            "metadata": {"labels": labels},
            "status": {"containerStatuses": [status], "conditions": ready},
        }
        self.api.add_pods(merge(fake.pod(name, node="w1"), merge(mine, more)))

    def oom(self, name: str = "web-7d9f-a", **more: Any) -> None:
        self.pod(name, restarts=1, reason="OOMKilled", **more)

    def crashing(self, name: str = "web-7d9f-a", *, restarts: int = 5, **more: Any) -> None:
        self.pod(name, restarts=restarts, reason="Error", waiting="CrashLoopBackOff", **more)
        self.api.logs[f"/api/v1/namespaces/demo/pods/{name}/log"] = "the last words\n"

    def pressed(self, name: str = "w1") -> None:
        conditions = [
            {"type": "Ready", "status": "True"},
            {"type": "MemoryPressure", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        ]
        self.api.objects[f"/api/v1/nodes/{name}"]["status"]["conditions"] = conditions

    def busy(self, cores: str = "1900m", name: str = "cp") -> None:
        at = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        usage = {"metadata": {"name": name}, "timestamp": at, "usage": {"cpu": cores}}
        self.api.objects[NODE_METRICS]["items"] = [usage]

    def uses(self, pod_name: str, memory: str) -> None:
        containers = [{"name": "main", "usage": {"memory": memory}}]
        item = {"metadata": {"name": pod_name, "namespace": "demo"}, "containers": containers}
        self.api.objects[POD_METRICS]["items"].append(item)

    def alert(self, name: str, **labels: str) -> Finding:
        began = self.clock.now().isoformat()
        raw = {"labels": {"alertname": name, **labels}, "startsAt": began, "fingerprint": "f"}
        return of_alert(raw, rules=self.books.exclusions)

    def see(self) -> None:
        self.pods.objects = {p["metadata"]["uid"]: p for p in self.api.items("/api/v1/pods")}
        self.nodes.objects = {n["metadata"]["uid"]: n for n in self.api.items("/api/v1/nodes")}

    async def look_now(self) -> None:
        self.see()
        await self.engine.look(await self.seeing.findings(), leads=lambda: True)

    def look(self, after_s: float = 0.0) -> list[str]:
        """Let time pass, look once, and return what was changed in the cluster since, but for our own."""
        self.clock.sleep(after_s)
        self.api.calls.clear()
        run(self.look_now())
        return self.changes()

    def hear(self, *firing: Finding, resolved: tuple[Finding, ...] = ()) -> None:
        run(self.engine.hear(firing, resolved))

    def changes(self) -> list[str]:
        own = "/namespaces/autorecovery/"
        made = [(method, path) for method, path, _ in self.api.calls if own not in path]
        return [f"{method} {path}" for method, path in made if not path.endswith("/events")]

    def spec(self, path: str) -> Json:
        spec: Json = self.api.get(path)["spec"]
        return spec

    def events(self) -> list[str]:
        found = [item for path, item in self.api.objects.items() if "/events/" in path]
        return [f"{item['reason']} {item['involvedObject']['name']}" for item in found]

    def counted(self, playbook: str, outcome: str) -> float:
        labels = {"playbook": playbook, "outcome": outcome}
        return self.registry.get_sample_value("autorecovery_actions_total", labels) or 0.0

    def incident(self, number: int = -1) -> Incident:
        return self.incidents.state.incidents[number]
