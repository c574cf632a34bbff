"""The table of alerts: whose firing, when, who was told; and which alarms were false."""

from __future__ import annotations

from typing import Any

from aftershock.judge.alert_table import Alarms, AlertRow, alarms_of, alert_rows
from aftershock.verdict import Verdict, met
from tests.conformance.generator import Story, text
from tests.unit.judge.test_notifications import LABELS, OOM, POD, story, told

LOOP = "PodCrashLooping"


def asked(judge: str, **arguments: Any) -> Verdict:
    return met("x", expected="", observed="", question={"judge": judge, "arguments": arguments})


FIRES = asked("fired_within", alert=OOM, within_s=20, of="")
SILENCE = asked("nothing_else_fired", expected=[{"alertname": OOM, "of": ""}])


def test_a_row_counts_from_the_injection_and_the_rest_from_the_firing() -> None:
    tale = told(told(story(), 8.5), 9.0, "critical")
    assert alert_rows(told(tale, 30.0).timeline, [FIRES]) == [
        AlertRow(
            alert=OOM,
            expected=True,
            fired_s=7.0,
            forecast=None,
            told={"warning": 1.5, "critical": 2.0},
            ended_s=38.0,  # the evaluation after its last sample
            firings=1,
        )
    ]


def test_what_nobody_expected_is_a_row_of_its_own() -> None:
    other = {"labels": {"namespace": "demo", "pod": "other-1"}}
    tale = Story().injected(0.0).alerts(-10, 100, (OOM, 7.0, 40.0, POD), (LOOP, 20.0, 97.0, other))
    rows = alert_rows(tale.timeline, [FIRES])
    assert [(row.alert, row.expected, row.ended_s) for row in rows] == [
        (OOM, True, 38.0),
        (LOOP, False, None),
    ]


def test_several_firings_of_one_alert_are_one_row_of_the_first() -> None:
    labels = [{"labels": {**LABELS, "container": name}} for name in ("a", "b")]
    tale = Story().injected(0.0).alerts(-10, 100, (OOM, 12.0, 40.0, labels[0]), (OOM, 7.0, 40.0, labels[1]))
    [row] = alert_rows(tale.timeline, [FIRES])
    assert (row.fired_s, row.firings) == (7.0, 2)


def test_without_a_fault_there_is_nothing_to_count_from() -> None:
    [row] = alert_rows(Story().alerts(-10, 100, (OOM, 7.0, 40.0, POD)).timeline, [])
    assert (row.fired_s, row.forecast, row.expected) == (None, None, False)


def test_without_a_look_there_is_no_row_and_no_count() -> None:
    assert alert_rows(Story().injected(0.0).timeline, [FIRES]) == []
    assert alarms_of(Story().injected(0.0).timeline, [FIRES, SILENCE]) is None


class TestAlarms:
    def test_they_are_counted_where_a_step_says_which_may_fire(self) -> None:
        assert alarms_of(story().timeline, [FIRES, SILENCE]) == Alarms(all=1, false=0)
        assert alarms_of(story().timeline, [FIRES]) is None

    def test_one_that_nobody_expected_is_false(self) -> None:
        silence = asked("nothing_else_fired", expected=["PodNotReady"])
        assert alarms_of(story().timeline, [silence]) == Alarms(all=1, false=1)

    def test_only_the_window_that_was_asked_for_counts(self) -> None:
        silence = asked("nothing_else_fired", expected=[], since=text(50.0), until=text(90.0))
        assert alarms_of(story().timeline, [silence]) == Alarms(all=0, false=0)

    def test_matters_of_cost_are_no_alarms(self) -> None:
        cost = {"labels": {"category": "cost"}}
        tale = Story().injected(0.0).alerts(-10, 100, ("IneffectiveHPA", 7.0, 40.0, cost))
        assert alarms_of(tale.timeline, [SILENCE]) == Alarms(all=0, false=0)
