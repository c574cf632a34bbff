"""Alerts and receivers that steps name, looked up before anything is touched: a misspelt one never fires."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from aftershock.cluster.api import KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.collect.meaning import Meaning
from aftershock.errors import (
    ApiError,
    EnvironmentUnusableError,
    NotFoundError,
    QueryError,
    RefusedError,
    TransientError,
)
from aftershock.forecast.objectives import AlertFires, AlertResolves
from aftershock.observe.alertmanager import Alertmanager
from aftershock.observe.prometheus import Prometheus

__all__ = ["Silent", "Told", "check_names", "unknown_names"]

RULES = "/apis/monitoring.coreos.com/v1/prometheusrules"
# What the operator calls its event about a rule object that it leaves out.
REJECTED = "InvalidConfiguration"


@dataclass(frozen=True, kw_only=True)
class Told:
    """`receiver` is told of `alert`; "" is nobody in particular."""

    alert: str
    receiver: str = ""


@dataclass(frozen=True, kw_only=True)
class Silent:
    """No alert fires but those that were named."""


_Named = AlertFires | AlertResolves | Told


def check_names(cluster: Cluster, scenarios: Iterable[Iterable[Meaning]]) -> None:
    """Do nothing if every alert that steps name has a loaded rule, and every receiver is configured.

    Raises:
        RefusedError: one has not; it says what rule object has it, and what the operator said of that.
        EnvironmentUnusableError: Alertmanager cannot be asked.
        QueryError, TransientError: Prometheus cannot be asked.

    """
    found = unknown_names(cluster, chain.from_iterable(scenarios))
    if len(found) == 1:
        raise found[0]
    if found:
        raise RefusedError(
            f"{len(found)} names of alerts or receivers are not known",
            found="\n    ".join(f"{error.message}; {error.found}" for error in found),
            hint=found[0].hint,
        )


def unknown_names(cluster: Cluster, meanings: Iterable[Meaning]) -> list[RefusedError]:
    """Return an error for each step that names an alert or a receiver that is not there.

    Raises:
        EnvironmentUnusableError: Alertmanager cannot be asked.
        QueryError, TransientError: Prometheus cannot be asked.

    """
    named = [(meaning.place, meaning.what) for meaning in meanings if isinstance(meaning.what, _Named)]
    if not named:
        return []
    loaded = _loaded(Prometheus(cluster.monitoring.prometheus))
    receivers = _receivers(cluster) if any(isinstance(what, Told) for _, what in named) else None
    return [error for place, what in named for error in _errors(cluster.api, place, what, loaded, receivers)]


def _errors(
    api: KubeApi,
    place: str,
    what: _Named,
    loaded: set[str],
    receivers: set[str] | None,
) -> Iterator[RefusedError]:
    if what.alert not in loaded:
        yield RefusedError(
            f"{place}: no loaded rule is called {what.alert}",
            expected=_near(what.alert, loaded) or f"one of {len(loaded)} that Prometheus has loaded",
            found=_why(api, what.alert),
            hint="correct the name, or see why the rule is not loaded: /rules of Prometheus",
        )
    if isinstance(what, Told) and what.receiver and receivers is not None and what.receiver not in receivers:
        yield RefusedError(
            f"{place}: Alertmanager has no receiver called {what.receiver}",
            expected=", ".join(sorted(receivers)),
            found="none of that name in the configuration that it runs with",
            hint="correct the name, or the configuration",
        )


def _loaded(prometheus: Prometheus) -> set[str]:
    rules = (rule for group in prometheus.rules() for rule in group["rules"])
    return {rule["name"] for rule in rules if rule["type"] == "alerting"}


def _receivers(cluster: Cluster) -> set[str] | None:
    """Return the names of those who can be told; None where Alertmanager is not known to us."""
    if cluster.monitoring.alertmanager is None:
        return None
    try:
        configured = Alertmanager(cluster.monitoring.alertmanager).configuration()
    except (QueryError, TransientError) as error:
        raise EnvironmentUnusableError(
            "Alertmanager does not say whom it tells, and a step needs somebody to be told",
            expected=f"an answer of {cluster.monitoring.alertmanager.url}",
            found=error.found or error.message,
            hint="see why it is away: its pod's log; then run again",
        ) from error
    return {str(receiver["name"]) for receiver in configured.get("receivers") or ()}


def _why(api: KubeApi, alert: str) -> str:
    """Say which rule object has an alert that is not loaded, and what the operator said of it."""
    try:
        objects = api.items(RULES)
    except NotFoundError:
        return "no rule of that name in Prometheus, and the cluster has no PrometheusRules"
    except ApiError as error:
        return f"no rule of that name in Prometheus; whether a PrometheusRule has it is not known: {error}"
    for item in objects:
        groups = item.get("spec", {}).get("groups") or ()
        if any(rule.get("alert") == alert for group in groups for rule in group.get("rules") or ()):
            return _said_of(api, item["metadata"]["namespace"], item["metadata"]["name"])
    return "no PrometheusRule has it either"


def _said_of(api: KubeApi, namespace: str, name: str) -> str:
    selector = f"involvedObject.kind=PrometheusRule,involvedObject.name={name}"
    try:
        events = api.items(f"/api/v1/namespaces/{namespace}/events", fieldSelector=selector)
    except ApiError as error:
        said = f"what the operator said is not known: {error.message}"
    else:
        rejected = [event["message"] for event in events if event.get("reason") == REJECTED]
        said = rejected[-1] if rejected else "Prometheus does not select it, or has not loaded it yet"
    return f"PrometheusRule {namespace}/{name} has it: {said}"


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else ""
