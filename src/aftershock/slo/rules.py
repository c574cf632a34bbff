"""Prometheus' rules for an objective: its ratio over eight windows, its budget, and two burn-rate alerts.

The alerts are those of the SRE workbook, chapter 5 ("multiwindow, multi-burn-rate alerts",
https://sre.google/workbook/alerting-on-slos/): a page when 2 % of the budget of 30 days is gone in an hour
or 5 % in six hours, a ticket when 10 % is gone in one or in three days. The short window says that it still
burns.

Where they differ from what is common:

- Ratios over long windows are sums of bad events over sums of all events. Averages of ratios count a quiet
  hour as much as a busy one.
- An alert needs its long window to be there: an hour-old claim cannot be made of ten minutes.
- And it needs traffic: of a service that is asked once a minute, one failure is 100 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from aftershock.slo.objective import Objective

__all__ = ["ALERT", "LEAST_RATE", "groups_of", "prometheus_rule", "write_rules"]

ALERT = "ErrorBudgetBurn"
LEAST_RATE = 1.0
"""Requests per second, on average over an alert's long window, below which it says nothing."""

INTERVAL = "15s"
SHORT = "5m"
WINDOWS = ("30m", "1h", "2h", "6h", "1d", "3d", "30d")
_WINDOW_S = {"1h": 3600, "6h": 21600, "1d": 86400, "3d": 259200}
_MONTH_S = 30 * 86400.0

Rule = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and the same object twice in full."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class's signature
        """Write no aliases."""
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)


@dataclass(frozen=True)
class _Burn:
    """Firing where the error ratio exceeds `factor` times the budget over both windows."""

    long: str
    short: str
    factor: float


_PAGE = (_Burn("1h", "5m", 14.4), _Burn("6h", "30m", 6.0))
_TICKET = (_Burn("1d", "2h", 3.0), _Burn("3d", "6h", 1.0))


def prometheus_rule(objectives: Iterable[Objective], *, name: str) -> dict[str, Any]:
    """Return the PrometheusRule object of all `objectives`."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name},
        "spec": {"groups": list(groups_of(objectives))},
    }


def write_rules(objectives: Iterable[Objective], *, name: str) -> str:
    """Return the PrometheusRule object of all `objectives` as YAML."""
    head = "# Made by `aftershock slo` from the files in stack/monitoring/slo.\n"
    body = yaml.dump(
        prometheus_rule(objectives, name=name), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True
    )
    return head + body


def groups_of(objectives: Iterable[Objective]) -> Iterator[dict[str, Any]]:
    """Yield a group for each objective: records and the alerts on them are evaluated in order, at once."""
    for objective in objectives:
        yield {
            "name": f"slo-{objective.service}-{objective.name}",
            "interval": INTERVAL,
            "rules": [*_records(objective), *_alerts(objective)],
        }


def _records(objective: Objective) -> Iterator[Rule]:
    labels = {"slo": objective.name, "service": objective.service}
    chosen = _selector(labels)
    total = objective.total_over(SHORT)
    yield {"record": "slo:total:rate5m", "expr": total, "labels": labels}
    # No series of bad events is no bad event, where there is a series of all.
    bad = f"({objective.bad_over(SHORT)}) or 0 * ({total})"
    yield {"record": "slo:bad:rate5m", "expr": bad, "labels": labels}
    yield _ratio(labels, SHORT, f"slo:bad:rate5m{chosen} / (slo:total:rate5m{chosen} > 0)")
    for window in WINDOWS:
        bad_sum, all_sum = (
            f"sum_over_time(slo:{what}:rate5m{chosen}[{window}])" for what in ("bad", "total")
        )
        yield _ratio(labels, window, f"{bad_sum} / ({all_sum} > 0)")
    spent = f"slo:error:ratio{_selector({**labels, 'window': '30d'})}"
    yield {
        "record": "slo:budget:spent_ratio",
        "expr": f"sum without (window) ({spent}) / {_number(objective.budget)}",
        "labels": labels,
    }


def _ratio(labels: Mapping[str, str], window: str, expr: str) -> Rule:
    return {"record": "slo:error:ratio", "expr": expr, "labels": {**labels, "window": window}}


def _alerts(objective: Objective) -> Iterator[Rule]:
    # Of another period the same share of the budget burns at another speed.
    period = objective.window_s / _MONTH_S
    for severity, burns in (("critical", _PAGE), ("warning", _TICKET)):
        conditions = "\n  or\n".join(_condition(objective, burn, burn.factor * period) for burn in burns)
        yield {
            "alert": ALERT,
            "expr": f"max by (slo, service) (\n{conditions}\n)\n",
            "labels": {
                **objective.labels,
                "slo": objective.name,
                "service": objective.service,
                "severity": severity,
            },
            "annotations": {
                "summary": "{{ $labels.service }} spends its error budget ({{ $labels.slo }}) too fast",
                "description": (
                    "{{ $value | humanizePercentage }} of the requests to {{ $labels.service }} fail the "
                    f"objective {{{{ $labels.slo }}}}, of which {_number(objective.budget * 100)} % may."
                ),
                "runbook_url": f"docs/runbooks/{ALERT}.md",
            },
        }


def _condition(objective: Objective, burn: _Burn, factor: float) -> str:
    labels = {"slo": objective.name, "service": objective.service}
    chosen = _selector(labels)
    bound = _number(factor * objective.budget)
    long, short = (
        f"slo:error:ratio{_selector({**labels, 'window': window})}" for window in (burn.long, burn.short)
    )
    total = f"slo:total:rate5m{chosen}"
    conditions = (
        f"  {long} > {bound}",
        f"{short} > {bound}",
        f"avg_over_time({total}[{burn.long}]) > {_number(LEAST_RATE)}",
        # Of the window's first quarter something is there.
        f"last_over_time({total}[{_WINDOW_S[burn.long] // 240}m] offset {_WINDOW_S[burn.long] // 80}m)",
    )
    return "\n    and on (slo, service) ".join(conditions)


def _selector(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _number(value: float) -> str:
    return f"{value:.10g}"
