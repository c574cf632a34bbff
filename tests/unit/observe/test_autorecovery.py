"""A look at auto-recovery's metrics: summed over replicas, and of fresh samples alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from aftershock.observe.autorecovery import record_autorecovery
from aftershock.observe.prometheus import Reading
from aftershock.testing import FakeClock
from aftershock.timeline import Timeline

STATES: Any = ("ok", "stale", "nan")


class FakePrometheus:
    def __init__(self, readings: Mapping[str, list[tuple[dict[str, str], float, str]]]) -> None:
        self.readings = readings

    def latest(self, selector: str, *, max_age_s: float) -> list[Reading]:
        at = FakeClock().now()
        return [
            Reading(labels=labels, value=value, at=at, state=state)  # type: ignore[arg-type]  # a case's word
            for labels, value, state in self.readings.get(selector, [])
        ]


def look(**readings: list[tuple[dict[str, str], float, str]]) -> Mapping[str, Any]:
    prometheus: Any = FakePrometheus(readings)
    return record_autorecovery(prometheus, Timeline(clock=FakeClock())).data


def one(playbook: str, outcome: str) -> dict[str, str]:
    return {"playbook": playbook, "outcome": outcome}


def test_replicas_are_summed() -> None:
    data = look(
        autorecovery_leader=[({}, 1, "ok"), ({}, 0, "ok")],
        autorecovery_dry_run=[({}, 0, "ok"), ({}, 0, "ok")],
        autorecovery_actions_total=[
            (one("crash-loop", "acted"), 2, "ok"),
            (one("crash-loop", "acted"), 1, "ok"),
            (one("crash-loop", "failed"), 9, "stale"),
        ],
    )
    assert (data["replicas"], data["leaders"], data["may_act"]) == (2, 1, True)
    assert data["counted"] == {"crash-loop": {"acted": 3}}


@pytest.mark.parametrize("dry", [[1.0, 0.0], [1.0, 1.0], []])
def test_it_may_act_only_when_every_replica_says_so(dry: list[float]) -> None:
    assert not look(autorecovery_dry_run=[({}, value, "ok") for value in dry])["may_act"]


def test_a_replica_that_is_gone_leads_no_more() -> None:
    data = look(autorecovery_leader=[({}, 1, "stale"), ({}, 1, "ok")])
    assert (data["replicas"], data["leaders"]) == (1, 1)


def test_pods_are_counted_by_the_replica_that_leads() -> None:
    def pods(of: str, running: float) -> list[tuple[dict[str, str], float, str]]:
        return [({"pod": of, "state": "running"}, running, "ok"), ({"pod": of, "state": "error"}, 1, "ok")]

    data = look(
        autorecovery_leader=[({"pod": "a"}, 0, "ok"), ({"pod": "b"}, 1, "ok")],
        autorecovery_pods=[*pods("a", 7), *pods("b", 9)],
        autorecovery_pods_success_ratio=[({"pod": "a"}, 0.1, "ok"), ({"pod": "b"}, 0.9, "ok")],
    )
    assert (data["pods"], data["success_ratio"]) == ({"running": 9, "error": 1}, 0.9)


def test_where_none_leads_nothing_is_counted() -> None:
    data = look(
        autorecovery_leader=[({"pod": "a"}, 0, "ok")],
        autorecovery_pods_success_ratio=[({"pod": "a"}, 0.9, "ok")],
    )
    assert (data["pods"], data["success_ratio"]) == ({}, None)
