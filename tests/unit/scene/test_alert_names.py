"""Names of alerts and receivers: known before anything is touched, or the run does not begin."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.cluster.api import Json
from aftershock.cluster.connection import Cluster, Endpoint, Monitoring
from aftershock.collect.gherkin import Step
from aftershock.collect.meaning import Meaning
from aftershock.errors import (
    ApiError,
    EnvironmentUnusableError,
    NotFoundError,
    RefusedError,
    TransientError,
)
from aftershock.forecast.objectives import AlertFires, Recovers
from aftershock.scene import alert_names
from aftershock.scene.alert_names import RULES, Told, check_names
from aftershock.testing.kube import FakeApi

STEP = Step(keyword="Then", type="then", text="x", line=3)


def meant(what: object) -> Meaning:
    return Meaning(step=STEP, what=what, place="a.feature:3")


def fires(alert: str) -> Meaning:
    return meant(AlertFires(alert=alert, within_s=30))


def rules_with(alert: str) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "demo", "name": "mine"},
        "spec": {"groups": [{"name": "g", "rules": [{"record": "a:b", "expr": "1"}, {"alert": alert}]}]},
    }


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, api: FakeApi) -> Cluster:
    """A cluster with one loaded alert and one receiver."""

    class Prometheus:
        def __init__(self, endpoint: Endpoint) -> None:
            pass

        def rules(self) -> list[dict[str, Any]]:
            rules = [
                {"type": "recording", "name": "a:b"},
                {"type": "alerting", "name": "PodOOMKilled"},
            ]
            return [{"rules": rules}]

    class Alertmanager(Prometheus):
        def configuration(self) -> dict[str, Any]:
            return {"receivers": [{"name": "critical"}]}

    monkeypatch.setattr(alert_names, "Prometheus", Prometheus)
    monkeypatch.setattr(alert_names, "Alertmanager", Alertmanager)
    here = Endpoint(url="http://127.0.0.1:9")
    monitoring = Monitoring(namespace="monitoring", prometheus=here, alertmanager=here)
    return Cluster(context="c", provider="kind", kubeconfig="", api=api, monitoring=monitoring, services={})


def test_names_that_are_there_pass(cluster: Cluster) -> None:
    told = meant(Told(alert="PodOOMKilled", receiver="critical"))
    check_names(cluster, [[fires("PodOOMKilled"), told], [meant(Recovers(workload="x", within_s=3))]])


def test_a_misspelt_alert_is_refused_with_the_one_that_is_meant(cluster: Cluster, api: FakeApi) -> None:
    api.add(RULES, rules_with("Other"))
    with pytest.raises(RefusedError, match=r"a\.feature:3: no loaded rule is called PodOOMKiled") as caught:
        check_names(cluster, [[fires("PodOOMKiled")]])
    assert caught.value.expected == "did you mean PodOOMKilled?"
    assert caught.value.found == "no PrometheusRule has it either"


def test_a_recording_rule_is_no_alert(cluster: Cluster, api: FakeApi) -> None:
    api.add(RULES, rules_with("Other"))
    with pytest.raises(RefusedError, match="no loaded rule is called a:b"):
        check_names(cluster, [[fires("a:b")]])


def test_what_the_operator_rejected_is_told_in_its_words(cluster: Cluster, api: FakeApi) -> None:
    api.add(RULES, rules_with("Mine"))
    involved = {"kind": "PrometheusRule", "name": "mine"}
    events = [
        {"metadata": {"name": "e1"}, "involvedObject": involved, "reason": "Other", "message": "x"},
        {
            "metadata": {"name": "e2"},
            "involvedObject": involved,
            "reason": "InvalidConfiguration",
            "message": "unexpected end of input",
        },
    ]
    api.add("/api/v1/namespaces/demo/events", *events)
    with pytest.raises(RefusedError) as caught:
        check_names(cluster, [[fires("Mine")]])
    assert caught.value.found == "PrometheusRule demo/mine has it: unexpected end of input"


def test_a_rule_that_is_not_selected_is_said_to_be(cluster: Cluster, api: FakeApi) -> None:
    api.add(RULES, rules_with("Mine"))
    api.add("/api/v1/namespaces/demo/events")
    with pytest.raises(RefusedError) as caught:
        check_names(cluster, [[fires("Mine")]])
    assert "Prometheus does not select it" in caught.value.found


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotFoundError("no such kind", status=404), "the cluster has no PrometheusRules"),
        (ApiError("you may not", status=403), "whether a PrometheusRule has it is not known: you may not"),
    ],
)
def test_a_cluster_without_rule_objects_or_whose_are_not_for_us(
    cluster: Cluster, api: FakeApi, monkeypatch: pytest.MonkeyPatch, error: ApiError, said: str
) -> None:
    def items(path: str, **query: str) -> list[Json]:
        raise error

    monkeypatch.setattr(api, "items", items)
    with pytest.raises(RefusedError) as caught:
        check_names(cluster, [[fires("Mine")]])
    assert said in caught.value.found


def test_a_misspelt_receiver_is_refused_with_those_there_are(cluster: Cluster) -> None:
    told = meant(Told(alert="PodOOMKilled", receiver="critcal"))
    with pytest.raises(RefusedError, match="no receiver called critcal") as caught:
        check_names(cluster, [[told]])
    assert caught.value.expected == "critical"


def test_an_alertmanager_that_is_away_is_said_to_be(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def __init__(self, endpoint: Endpoint) -> None:
            pass

        def configuration(self) -> dict[str, Any]:
            raise TransientError("no answer", found="connection refused")

    monkeypatch.setattr(alert_names, "Alertmanager", Away)
    check_names(cluster, [[fires("PodOOMKilled")]])
    with pytest.raises(EnvironmentUnusableError, match="Alertmanager does not say whom") as caught:
        check_names(cluster, [[meant(Told(alert="PodOOMKilled", receiver="critical"))]])
    assert caught.value.found == "connection refused"


def test_several_are_told_at_once(cluster: Cluster, api: FakeApi) -> None:
    api.add(RULES, rules_with("Other"))
    with pytest.raises(RefusedError, match="2 names") as caught:
        check_names(cluster, [[fires("A")], [fires("B")]])
    assert "called A" in caught.value.found
    assert "called B" in caught.value.found
