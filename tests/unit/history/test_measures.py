"""Which figures of a scenario have a trend: those that are known, and what never came."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.history.facts import Measure
from aftershock.history.measures import measures_of
from aftershock.timeline import Event, Timeline
from aftershock.verdict import Verdict, met, unknown, violated
from tests.conformance.generator import Story
from tests.unit.judge.test_alert_table import FIRES, story


def of(
    judge: str, status: str, observed: float | str | None, *, resolution_s: float = 0.2, **more: Any
) -> Verdict:
    make = {"met": met, "violated": violated, "unknown": unknown}[status]
    arguments = {"workload": "deployment/demo/web", "within_s": 30.0, **more}
    question = {"judge": judge, "arguments": arguments, "events": 1}
    reason = {"reason": "why"} if status != "met" else {}
    return make(
        "x", expected="", observed=observed, unit="s", resolution_s=resolution_s, question=question, **reason
    )


def recovery(*verdicts: Verdict) -> list[tuple[str, float | None, float]]:
    return [(one.subject, one.value, one.resolution) for one in measures_of([], verdicts)]


@pytest.mark.parametrize(
    ("status", "observed", "expected"),
    [
        ("met", 5.25, [5.25]),
        ("violated", 41.5, [41.5]),
        # So close to the bound that the error decides: the figure itself is known.
        ("unknown", 30.1, [30.1]),
        ("unknown", 29.8, [29.8]),
        # In doubt for another reason.
        ("unknown", 12.0, []),
        ("unknown", None, []),
        ("unknown", "no impact seen", []),
        ("met", "no impact seen", []),
        ("violated", "not recovered 45 s after the first degradation", [None]),
    ],
)
def test_a_recovery_counts_where_it_is_known(
    status: str, observed: float | str | None, expected: list[float | None]
) -> None:
    found = measures_of([], [of("recovered_within", status, observed)])
    assert [one.value for one in found] == expected
    assert all(one.kind == "recovery" and one.subject == "deployment/demo/web" for one in found)


def test_every_clock_and_node_is_its_own_subject_and_other_judges_give_none() -> None:
    assert recovery(
        of("service_recovered_within", "met", 4.0, url="http://127.0.0.1:30080/"),
        of("replaced_within", "met", 9.0, node="worker-1"),
        of("recovered_within", "met", 5.0),
        of("latency_below", "met", 80.0),
        met("asked by hand", expected="", observed=3.0, unit="s"),
    ) == [
        ("http://127.0.0.1:30080/", 4.0, 0.2),
        ("pods of worker-1", 9.0, 0.2),
        ("deployment/demo/web", 5.0, 0.2),
    ]


def test_of_several_of_one_subject_the_worst_counts() -> None:
    twice = [of("recovered_within", "met", 5.0), of("recovered_within", "met", 7.0)]
    assert recovery(*twice) == [("deployment/demo/web", 7.0, 0.2)]
    assert recovery(*twice, of("recovered_within", "violated", "not recovered")) == [
        ("deployment/demo/web", None, 0.0)
    ]


def test_an_alert_that_did_not_fire_never_came() -> None:
    [measure] = measures_of([], [of("fired_within", "violated", "did not fire", alert="PodOOMKilled")])
    assert measure == Measure(kind="alert", subject="PodOOMKilled", value=None, unit="s")


def test_an_expected_alert_that_no_step_held_to_a_time_is_measured_all_the_same() -> None:
    silence = {
        "judge": "nothing_else_fired",
        "arguments": {"expected": [FIRES.question["arguments"]["alert"]]},
    }
    quiet = met("only that", expected="", observed="none", question=silence)
    judged, seen = measures_of(story().timeline, [FIRES]), measures_of(story().timeline, [quiet])
    assert [(one.kind, one.subject) for one in seen] == [("alert", FIRES.question["arguments"]["alert"])]
    assert seen[0].value is not None
    assert judged[0].subject == seen[0].subject
    # What nobody expected is a false alarm, and has no trend.
    assert measures_of(story().timeline, []) == []


def budget(**more: Any) -> list[Event]:
    timeline = Timeline()
    data = {"percent": 0.5, "error_percent": 0.01, "hole": "", "watched": True, **more}
    timeline.record("harness", "budget", "nginx-web", **data)
    return list(timeline)


def test_what_was_spent_of_a_budget_is_measured_where_it_is_known() -> None:
    [measure] = measures_of(budget(), [])
    assert measure == Measure(kind="budget", subject="nginx-web", value=0.5, unit="%", resolution=0.01)
    assert measures_of(budget(hole="no probe for 20 s"), []) == []


def test_an_empty_record_has_none() -> None:
    assert measures_of(Story().timeline, []) == []
