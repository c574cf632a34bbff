"""What a record shows over time: faults, alerts, pods, answers, recoveries, each where it was."""

from __future__ import annotations

import pytest

from aftershock.report.plots.course import Course, course_of
from tests.conformance.generator import Story, at, healthy_web
from tests.unit.report.told import FIRED, RECOVERED, SILENT, story


@pytest.fixture
def course() -> Course:
    found = course_of(story().timeline, [FIRED, RECOVERED, SILENT])
    assert found is not None
    return found


def test_it_begins_a_little_before_the_fault(course: Course) -> None:
    assert course.origin == at(0)
    assert course.by_fault
    assert course.start == at(-16)  # a fifth of the 80 s that follow
    assert course.end == at(80)
    assert course.seconds(at(7)) == 7


def test_a_fault_that_is_over_at_once(course: Course) -> None:
    (fault,) = course.faults
    assert (fault.fault, fault.subject) == ("out-of-memory", "pod/demo/web-1")
    assert (fault.start, fault.landed, fault.undone) == (at(0), at(2), at(79))
    assert not fault.lasts
    assert not fault.setting


def lasting(*, undone: float | None) -> Story:
    told, fault = healthy_web(), {"fault_id": "cpu-hog-1", "fault": "cpu-hog"}
    told.add(0, "harness", "planned", "pod/demo/web-1", **fault, lasts_until=at(30).isoformat())
    told.add(1, "harness", "injecting", "pod/demo/web-1", **fault)
    if undone is not None:
        told.add(undone, "harness", "undoing", "pod/demo/web-1", **fault)
        told.add(undone + 3, "harness", "undone", "pod/demo/web-1", **fault)
    return told.end(60)


@pytest.mark.parametrize(("undone", "over"), [(20.0, at(20)), (50.0, at(30)), (None, None)])
def test_a_fault_that_lasts_ends_with_its_undo_or_by_itself(undone: float | None, over: object) -> None:
    found = course_of(lasting(undone=undone).timeline, [])
    assert found is not None
    assert found.faults[0].lasts
    assert found.faults[0].undone == over


def test_a_setting_is_no_fault_to_count_from() -> None:
    told = healthy_web().add(-5, "harness", "setting-injecting", "hpa/demo/web", fault_id="setting-1")
    found = course_of(told.injected(0).end(30).timeline, [])
    assert found is not None
    assert found.origin == at(0)
    assert [fault.setting for fault in found.faults] == [True, False]


def test_alerts_are_expected_where_a_verdict_says_so(course: Course) -> None:
    assert {bar.alert: bar.expected for bar in course.alerts} == {"PodOOMKilled": True, "PodNotReady": False}
    unasked = next(bar for bar in course.alerts if bar.alert == "PodNotReady")
    assert [(span.state, span.start) for span in unasked.spans] == [("pending", at(5)), ("firing", at(62))]


def test_what_fired_before_or_tells_of_cost_is_left_out() -> None:
    told = healthy_web().add(-50, "prometheus", "firing-before", alerts=[{"alertname": "Old"}])
    cost = {"labels": {"category": "cost"}}
    told.injected(0).alerts(-60, 60, ("Old", -55, 55), ("Idle", 10, 55, cost)).end(60)
    found = course_of(told.timeline, [])
    assert found is not None
    assert not found.alerts


def test_pods_that_are_ready_and_wanted(course: Course) -> None:
    (web,) = course.sizes
    assert web.named
    assert [(point.at, point.ready, point.wanted) for point in web.points] == [
        (at(-60), 3, 3),
        (at(1.5), 2, 3),
        (at(6), 3, 3),
    ]
    assert web.lacking_s == 4.5


def test_a_workload_that_does_not_change_is_not_shown() -> None:
    told = (
        healthy_web().deployment(-60, 1, name="other").pod(-60, "other-1", change="LISTED", workload="other")
    )
    found = course_of(told.injected(0).pod(3, "web-1", ready=False).end(30).timeline, [])
    assert found is not None
    assert [one.workload for one in found.sizes] == ["deployment/demo/web"]


def test_answers_are_counted_by_when_they_were_due(course: Course) -> None:
    (probes,) = course.answers
    assert probes.failed == 6  # due from 2 until before 5, twice a second
    failing = [bucket.at for bucket in probes.buckets if bucket.failed]
    assert failing == [at(2), at(3), at(4)]
    assert {bucket.p95_ms for bucket in probes.buckets if not bucket.failed} == {2.0}
    assert all(bucket.p95_ms is None for bucket in probes.buckets if bucket.failed)


def test_a_load_second_by_second() -> None:
    told = healthy_web().injected(0)
    row = {"due_ms": [0.0, 400.0, 800.0], "ms": [10.0, 30.0, 20.0], "failures": {"500": [1]}, "servers": {}}
    found = course_of(told.add(4, "load", "requests", "load/web", **row).end(30).timeline, [])
    assert found is not None
    (load,) = found.answers
    (bucket,) = load.buckets
    assert (load.subject, bucket.asked, bucket.failed) == ("load/web", 3, 1)
    assert (bucket.p50_ms, bucket.p95_ms) == (10.0, 20.0)


def test_a_recovery_says_what_its_verdict_says(course: Course) -> None:
    (recovery,) = course.recoveries
    assert recovery.words == "recovered in 4.5 s (objective 30 s)"
    (episode,) = recovery.episodes
    assert (episode.begin.when.at, episode.end and episode.end.when.at) == (at(1.5), at(6))


def test_an_empty_record_shows_nothing() -> None:
    assert course_of([], []) is None


def test_without_fault_and_load_times_count_from_the_beginning() -> None:
    found = course_of(healthy_web().end(30).timeline, [])
    assert found is not None
    assert found.origin is None
    assert found.seconds(at(-60)) == 0
