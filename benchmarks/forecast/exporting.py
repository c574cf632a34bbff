"""The exporter and the alert rules in the cluster: brought in, waited for, removed again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.apply import Applier
from aftershock.cluster.connection import Endpoint
from aftershock.faults.carrier import Carriers
from aftershock.observe.http import TIMEOUT_S, refuse, session_for
from aftershock.observe.prometheus import Prometheus
from benchmarks.forecast.exporter import PROMPT_PORT, SLOW_PORT
from benchmarks.forecast.rules import PREFIX, Rule, groups
from benchmarks.pods import NAMESPACE, deployment, node_ports, ready_pods, remove, script_pod

__all__ = ["NAME", "Exporter", "exporting", "objects", "settled"]

NAME = "forecast-bench"

SLOW_EVERY_S = 3
"""How often the slow port is scraped; the other one as often as the stack scrapes by default."""

_LABELS = {"app.kubernetes.io/part-of": f"aftershock-{NAME}"}
_FOLDERS = (
    f"/apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}/prometheusrules",
    f"/apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}/servicemonitors",
    f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
    f"/api/v1/namespaces/{NAMESPACE}/services",
    f"/api/v1/namespaces/{NAMESPACE}/configmaps",
)
_READY_WITHIN_S = 90.0
_LOADED_WITHIN_S = 240.0
"""The kubelet may take more than a minute to bring changed rules into Prometheus' pod."""


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """One that runs; `url` is its prompt port, by way of its node."""

    url: str

    def flip(self, signal: str) -> datetime:
        """Let a signal change; return when it did, by the exporter's clock."""
        with session_for(Endpoint(url=self.url)) as session:
            answer = session.post(f"{self.url}/flip/{signal}", timeout=TIMEOUT_S)
        refuse(answer)
        at_ns = int(answer.json()["at_ns"])
        return datetime.fromtimestamp(at_ns // 10**9, UTC) + timedelta(microseconds=at_ns % 10**9 // 1000)


@contextmanager
def exporting(api: KubeApi, prometheus: Prometheus, rules: Sequence[Rule]) -> Iterator[Exporter]:
    """Have the exporter scraped and `rules` evaluated for the length of the block.

    Raises:
        FaultError: no pod of the stack runs the image of our own parts.
        DeadlineError: Prometheus does not have all of it in time, or does not let go of it.

    """
    remove(api, _LABELS, folders=_FOLDERS)  # of a run that was killed
    wait_until(
        lambda: not _loaded(prometheus), within_s=_LOADED_WITHIN_S, every_s=1.0, what="old rules to be gone"
    )
    try:
        Applier(api).apply(objects(rules, image=Carriers(api).image()))
        exporter = wait_until(lambda: _found(api), within_s=_READY_WITHIN_S, what="the exporter to be Ready")
        wait_until(
            lambda: settled(rules, prometheus.rules(), _series(prometheus, rules)),
            within_s=_LOADED_WITHIN_S,
            every_s=1.0,
            what="Prometheus to scrape the exporter and to evaluate every rule",
        )
        yield exporter
    finally:
        remove(api, _LABELS, folders=_FOLDERS)
    wait_until(
        lambda: not _loaded(prometheus), within_s=_LOADED_WITHIN_S, every_s=1.0, what="the rules to be gone"
    )


def objects(rules: Sequence[Rule], *, image: str) -> list[Json]:
    """Return the manifests."""
    script = Path(__file__).with_name("exporter.py")
    signals = {
        port: {rule.signal: rule.signal_kind for rule in rules if rule.slow == (port == "slow")}
        for port in ("prompt", "slow")
    }
    data = {script.name: script.read_text(encoding="utf-8"), "signals.json": json.dumps(signals)}
    endpoints = [
        {"port": "prompt"},
        # The time-out that Prometheus has by default is longer than so short an interval may have.
        {"port": "slow", "interval": f"{SLOW_EVERY_S}s", "scrapeTimeout": "2s"},
    ]
    return [
        _object("v1", "ConfigMap", data=data),
        _deployment(script, image),
        _object("v1", "Service", spec=_service()),
        _object(
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            spec={"selector": {"matchLabels": _LABELS}, "endpoints": endpoints},
        ),
        _object("monitoring.coreos.com/v1", "PrometheusRule", spec={"groups": groups(rules)}),
    ]


def settled(rules: Sequence[Rule], loaded: Sequence[Json], series: set[str]) -> bool:
    """Whether all rules are evaluated, none is true yet, and all signals have been scraped.

    `loaded` are Prometheus' groups, `series` the metrics of which it has samples.
    """
    evaluated = {
        rule["name"]: rule
        for group in loaded
        for rule in group["rules"]
        if not group.get("lastEvaluation", "0001").startswith("0001") and rule["health"] == "ok"
    }
    wanted = {rule.signal for rule in rules if rule.signal_kind != "new-counter"}
    wanted |= {rule.recorded for rule in rules if rule.record}
    return wanted <= series and all(evaluated.get(r.alert, {}).get("state") == "inactive" for r in rules)


def _object(version: str, kind: str, **body: Json) -> Json:
    metadata = {"name": NAME, "namespace": NAMESPACE, "labels": _LABELS}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def _deployment(script: Path, image: str) -> Json:
    pod = script_pod(
        script,
        name="exporter",
        config=NAME,
        image=image,
        arguments=["/exporter/signals.json"],
        ports={"prompt": PROMPT_PORT, "slow": SLOW_PORT},
        probe={"httpGet": {"path": "/metrics", "port": "prompt"}, "periodSeconds": 1},
    )
    return deployment(NAME, _LABELS, pod)


def _service() -> Json:
    return {
        "type": "NodePort",
        "externalTrafficPolicy": "Local",
        "selector": _LABELS,
        "ports": [
            {"name": "prompt", "port": PROMPT_PORT, "targetPort": "prompt"},
            {"name": "slow", "port": SLOW_PORT, "targetPort": "slow"},
        ],
    }


def _found(api: KubeApi) -> Exporter | None:
    """Return the exporter if it is Ready."""
    for pod in ready_pods(api, _LABELS):
        return Exporter(url=f"http://{pod['status']['hostIP']}:{node_ports(api, NAME)['prompt']}")
    return None


def _series(prometheus: Prometheus, rules: Sequence[Rule]) -> set[str]:
    names = "|".join([*(rule.signal for rule in rules), *(rule.recorded for rule in rules if rule.record)])
    found = prometheus.query(f'group by (__name__) ({{__name__=~"{names}"}})')
    return {sample.labels["__name__"] for sample in found}


def _loaded(prometheus: Prometheus) -> list[str]:
    """Return our rule groups that Prometheus has."""
    return [group["name"] for group in prometheus.rules() if group["name"].startswith(PREFIX)]
