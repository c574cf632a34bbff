from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from aftershock.cluster.api import Json, PatchKind
from aftershock.observe.prometheus import Prometheus, Sample
from aftershock.testing.kube import FakeApi, pod
from benchmarks.forecast.exporting import NAME, exporting, objects, settled
from benchmarks.forecast.rules import Rule, draw
from benchmarks.pods import NAMESPACE

RULES = draw(12, filling=2)
ITEMS = {item["kind"]: item for item in objects(RULES, image="image:1")}


def test_the_pod_runs_the_script_with_the_signals_of_every_rule() -> None:
    data = ITEMS["ConfigMap"]["data"]
    (container,) = ITEMS["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "image:1"
    compile(data["exporter.py"], "exporter.py", "exec")
    assert container["command"] == ["python3", "/exporter/exporter.py", "/exporter/signals.json"]

    signals = json.loads(data["signals.json"])
    assert signals["prompt"] | signals["slow"] == {rule.signal: rule.signal_kind for rule in RULES}
    assert set(signals["slow"]) == {rule.signal for rule in RULES if rule.slow}


def test_what_selects_finds_what_it_should() -> None:
    labels = ITEMS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert ITEMS["Service"]["spec"]["selector"].items() <= labels.items()
    monitored = ITEMS["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert monitored.items() <= ITEMS["Service"]["metadata"]["labels"].items()
    ports = {port["name"] for port in ITEMS["Service"]["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in ITEMS["ServiceMonitor"]["spec"]["endpoints"]} == ports
    assert {item["metadata"]["namespace"] for item in ITEMS.values()} == {NAMESPACE}


RULE = Rule(
    alert="A", kind="k", signal="s", signal_kind="gauge", slow=False, expr="s:recorded == 1", record="sum(s)"
)


def loaded(**changes: Any) -> list[dict[str, Any]]:
    rule = {"name": "A", "health": "ok", "state": "inactive"} | changes
    evaluated = rule.pop("lastEvaluation", "2026-11-02T10:00:00Z")
    return [{"lastEvaluation": evaluated, "rules": [rule]}]


def test_it_is_settled_when_all_is_scraped_and_evaluated_and_nothing_is_true_yet() -> None:
    series = {"s", "s:recorded"}
    assert settled([RULE], loaded(), series)
    assert not settled([RULE], [], series)
    assert not settled([RULE], loaded(lastEvaluation="0001-01-01T00:00:00Z"), series)
    assert not settled([RULE], loaded(health="unknown"), series)
    assert not settled([RULE], loaded(state="firing"), series)
    assert not settled([RULE], loaded(), {"s"})
    assert not settled([RULE], loaded(), {"s:recorded"})


def test_a_counter_that_is_still_to_come_is_not_waited_for() -> None:
    rule = Rule(
        alert="A", kind="k", signal="s", signal_kind="new-counter", slow=False, expr="rate(s[9s]) > 0"
    )
    assert settled([rule], loaded(), set())


KINDS = {
    "/api/v1": {"ConfigMap": "configmaps", "Service": "services"},
    "/apis/apps/v1": {"Deployment": "deployments"},
    "/apis/monitoring.coreos.com/v1": {
        "PrometheusRule": "prometheusrules",
        "ServiceMonitor": "servicemonitors",
    },
}


class Cluster(FakeApi):
    """Takes what is applied, runs a pod for the deployment, and gives Services their ports."""

    def __init__(self) -> None:
        super().__init__()
        for base, kinds in KINDS.items():
            resources = [{"kind": kind, "name": name, "namespaced": True} for kind, name in kinds.items()]
            self._store(base, {"metadata": {}, "resources": resources})
        stack = {"containers": [{"name": "main", "image": "aftershock.dev/components:abc"}]}
        self.add_pods(pod("webhook", namespace="monitoring", spec=stack))

    def patch(self, path: str, body: Json, *, kind: PatchKind = "merge", **query: str) -> Json:
        for number, port in enumerate(body.get("spec", {}).get("ports", ())):
            port["nodePort"] = 31000 + number
        self._store(path, body)
        if body["kind"] == "Deployment":
            labels = body["spec"]["template"]["metadata"]["labels"]
            running = pod(
                NAME, namespace=NAMESPACE, metadata={"labels": labels}, status={"hostIP": "10.0.0.2"}
            )
            self.add_pods(running)
        return self.get(path)

    def delete(self, path: str, body: Json | None = None) -> None:
        super().delete(path, body)
        if "/deployments/" in path:
            super().delete(f"/api/v1/namespaces/{NAMESPACE}/pods/{NAME}")

    def own(self) -> list[str]:
        return [path for path in self.objects if path.endswith(f"/{NAME}")]


class Scraping(Prometheus):
    """Has the rules for as long as the cluster has them, and every series."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def rules(self) -> list[dict[str, Any]]:
        there = any("/prometheusrules/" in path for path in self.cluster.objects)
        return [{"name": "ForecastBench-A", **group} for group in loaded()] if there else []

    def query(self, expr: str, *, at: datetime | None = None) -> list[Sample]:
        now = datetime(2026, 11, 2, tzinfo=UTC)
        return [Sample(labels={"__name__": name}, value=1.0, at=now) for name in ("s", "s:recorded")]


@pytest.mark.parametrize("ended_by", [None, KeyboardInterrupt, ValueError])
def test_nothing_is_left_however_it_ends(ended_by: type[BaseException] | None) -> None:
    cluster = Cluster()
    seen: list[BaseException] = []
    try:
        with exporting(cluster, Scraping(cluster), [RULE]) as exporter:
            assert exporter.url == "http://10.0.0.2:31000"
            assert len(cluster.own()) == 6
            if ended_by:
                raise ended_by
    except (KeyboardInterrupt, ValueError) as error:
        seen.append(error)
    assert [type(error) for error in seen] == ([ended_by] if ended_by else [])
    assert cluster.own() == []


def test_what_a_killed_run_has_left_is_removed_first() -> None:
    cluster = Cluster()
    for item in objects([RULE], image="image:old"):
        kinds = {
            kind: f"{base}/namespaces/{NAMESPACE}/{n}" for base, k in KINDS.items() for kind, n in k.items()
        }
        cluster.patch(f"{kinds[item['kind']]}/{NAME}", item)
    with exporting(cluster, Scraping(cluster), [RULE]):
        deleted = [path for method, path, _ in cluster.calls if method == "DELETE"]
        assert len([path for path in deleted if path.endswith(f"/{NAME}")]) >= 5
    assert cluster.own() == []
