"""A Prometheus that scrapes one target and evaluates one rule on it, `up == 0`, and answers queries.

Written from Prometheus' documentation. What it says is recorded by the real recorder, over
HTTP. `defect` makes it wrong in one way.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, Literal

from aftershock.cluster.connection import Endpoint
from aftershock.observe.alerts import record_alerts, record_firing_before
from aftershock.observe.prometheus import Prometheus
from aftershock.testing import FakeClock
from aftershock.timeline import Event, Timeline
from tests.conformance.generator import NOON, at
from tests.unit.observe.server import Answer, serving

Defect = Literal[
    "",
    "takes the value 0 for false",
    "labels the alert wrongly",
    "loses the rule",
    "restarts in the fault",
    "comes back with nothing",
    "skips evaluations",
    "answers with nothing",
    "has nothing but NaN",
    "fires already",
]

INTERVAL = 5.0
FIRST, LAST = -60.0, 90.0
TARGET = {"job": "shop", "instance": "10.0.0.1:80"}
GROUP = {"rule_group": "/etc/rules.yaml;targets"}
RESTART = (2.0, 32.0)
SKIPPED = (2.0, 26.0)

Samples = list[tuple[float, str]]


class PrometheusSimulation:
    """The target is down from 3 on. The rule: TargetDown, without a `for`."""

    def __init__(self, defect: Defect = "", *, phase: float = 1.3) -> None:
        self.defect = defect
        times = [FIRST + phase + number * INTERVAL for number in range(int((LAST - FIRST) / INTERVAL))]
        self.up: Samples = []
        self.alert: Samples = []
        self.since: Samples = []
        self.count: Samples = []
        self.missed: Samples = []
        self.evaluated = FIRST
        done = lost = 0
        for when in times:
            if defect == "restarts in the fault" and RESTART[0] <= when < RESTART[1]:
                done = 0
                continue
            if defect == "comes back with nothing" and when < RESTART[1]:
                continue
            value = 0.0 if when >= 3 or defect == "fires already" else 1.0
            value = math.nan if defect == "has nothing but NaN" else value
            self.up.append((when, str(value)))
            if defect == "skips evaluations" and SKIPPED[0] <= when < SKIPPED[1]:
                lost += 1
            else:
                done += 1
                self.evaluate(when + 0.4, value)
            self.count.append((when + 0.2, "NaN" if defect == "has nothing but NaN" else str(done)))
            self.missed.append((when + 0.2, str(lost)))

    def evaluate(self, when: float, value: float) -> None:
        """`up == 0` gives the series with its value, which is 0; that it is there is what counts."""
        self.evaluated = when
        fires = value == 0 and self.defect != "takes the value 0 for false"
        if fires and self.defect != "loses the rule":
            began = self.alert[0][0] if self.alert else when
            self.alert.append((when, "1"))
            self.since.append((when, f"{at(began).timestamp():.3f}"))

    @property
    def timeline(self) -> list[Event]:
        """What is on record once the recorder has asked, before and after."""
        clock = FakeClock(NOON + timedelta(seconds=-5))
        timeline = Timeline(clock=clock)
        with serving(self.answer) as server:
            prometheus = Prometheus(Endpoint(url=server.url), clock=clock)
            self.now = -5.0
            record_firing_before(prometheus, timeline)
            clock.sleep(5)
            timeline.record("harness", "injected", "pod/shop/web-1")
            timeline.record("harness", "landed", "pod/shop/web-1")
            clock.sleep(LAST)
            self.now = LAST
            record_alerts(prometheus, timeline, since=at(-5), until=at(LAST))
        return list(timeline)

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        if path == "/api/v1/rules":
            return 200, {"data": {"groups": [self.group()]}}
        if path == "/api/v1/alerts":
            return 200, {"data": {"alerts": self.active()}}
        if query["query"] == "time()":
            return 200, result("scalar", [0, str(at(self.now).timestamp())])
        # The fake clock stands still while it is asked, so its offset is known exactly.
        return 200, result("matrix", self.series(query["query"].partition("[")[0]))

    def labels(self) -> dict[str, str]:
        instance = "10.0.0.2:80" if self.defect == "labels the alert wrongly" else TARGET["instance"]
        return {"alertname": "TargetDown", "job": "shop", "instance": instance}

    def active(self) -> list[dict[str, Any]]:
        firing = any(self.now - INTERVAL <= when <= self.now for when, _ in self.alert)
        alert = {"labels": self.labels(), "state": "firing", "value": "0e+00"}
        return [alert] if firing else []

    def series(self, metric: str) -> list[dict[str, Any]]:
        if self.defect == "answers with nothing":
            return []
        known: dict[str, tuple[dict[str, str], Samples]] = {
            "up": (TARGET, self.up),
            "ALERTS": ({**self.labels(), "alertstate": "firing"}, self.alert),
            "ALERTS_FOR_STATE": (self.labels(), self.since),
            "prometheus_rule_group_iterations_total": (GROUP, self.count),
            "prometheus_rule_group_iterations_missed_total": (GROUP, self.missed),
        }
        labels, samples = known.get(metric, ({}, []))
        inside = [[at(when).timestamp(), value] for when, value in samples if -10 <= when <= LAST]
        return [{"metric": labels, "values": inside}] if inside else []

    def group(self) -> dict[str, Any]:
        rule = {
            "name": "TargetDown",
            "type": "alerting",
            "health": "ok",
            "duration": 0,
            "query": "up == 0",
            "labels": {},
        }
        return {
            "name": "targets",
            "file": "/etc/rules.yaml",
            "interval": INTERVAL,
            "lastEvaluation": at(self.evaluated).isoformat().replace("+00:00", "Z"),
            "rules": [] if self.defect == "loses the rule" else [rule],
        }


def result(kind: str, found: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": found}}
