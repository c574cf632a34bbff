"""What happened, minute by minute: everything at its time, in order, and no more than a person reads."""

from __future__ import annotations

from itertools import pairwise

import pytest

from aftershock.report.gameday.model import Entry
from aftershock.report.gameday.story import minutes_of, story_of
from aftershock.report.plots.course import course_of
from tests.conformance.generator import at, healthy_web
from tests.unit.report.told import FIRED, RECOVERED, SILENT, STEPS, story


@pytest.fixture
def told() -> list[Entry]:
    record = story().timeline
    course = course_of(record, [FIRED, RECOVERED, SILENT])
    assert course is not None
    return story_of(record, course, STEPS)


def test_it_is_in_order(told: list[Entry]) -> None:
    assert all(a.at <= b.at for a, b in pairwise(told))


@pytest.mark.parametrize(
    ("seconds", "kind", "text"),
    [
        (-8, "step", "Given every workload of demo is steady (1 s)"),
        (0, "fault", "injected: one pod of 3 (seed 4711)"),
        (2, "fault", "proof that out-of-memory on pod/demo/web-1 landed, after 2 s"),
        (1.5, "pods", "web: 2 of 3 Ready"),
        (4, "event", "BackOff, pod/demo/web-1: Back-off <restarting>"),
        (6, "pods", "web: 3 of 3 Ready again, after 4.5 s"),
        (5, "alert", "PodNotReady is pending"),
        (9, "alert", "PodOOMKilled fires (namespace=demo)"),
        (12, "told", "webhook is told: PodOOMKilled firing"),
        (45, "alert", "PodOOMKilled no longer fires (namespace=demo), after 36 s"),
    ],
)
def test_each_thing_at_its_time(told: list[Entry], seconds: float, kind: str, text: str) -> None:
    assert (seconds, kind, text, False) in [(e.seconds, e.kind, e.text, e.bad) for e in told]


def test_what_is_bad_is_marked(told: list[Entry]) -> None:
    assert [entry.text for entry in told if entry.bad] == [
        "And web recovers within 30 seconds (violated after 60 s)",
        "PodNotReady fires; no step speaks of it",
    ]


def test_steps_that_were_not_run_have_no_time(told: list[Entry]) -> None:
    assert not [entry for entry in told if "throughout" in entry.text]


def test_it_is_cut_into_minutes(told: list[Entry]) -> None:
    minutes = minutes_of(told, by_fault=True)
    assert [minute.title for minute in minutes] == ["before the fault", "minute 1", "minute 2"]
    assert [entry for minute in minutes for entry in minute.entries] == told


def test_a_long_wait_is_one_part() -> None:
    told = [Entry(at=at(s), seconds=s, kind="step", text="x") for s in (-200, -100, -5, 3)]
    assert [(m.title, len(m.entries)) for m in minutes_of(told, by_fault=False)] == [
        ("before the load", 3),
        ("minute 1", 1),
    ]


def test_a_storm_is_cut_and_told_as_cut() -> None:
    storm = [Entry(at=at(1), seconds=1, kind="event", text=str(number)) for number in range(100)]
    (minute,) = minutes_of(storm, by_fault=True)
    assert (len(minute.entries), minute.left_out) == (40, 60)


def test_what_is_cut_of_a_long_wait_is_counted_whole() -> None:
    storm = [Entry(at=at(s), seconds=s, kind="event", text="x") for s in range(-100, 0)]
    (before,) = minutes_of(storm, by_fault=True)
    assert (before.title, len(before.entries), before.left_out) == ("before the fault", 40, 60)


def test_one_reason_about_one_workload_is_told_once() -> None:
    record = healthy_web().injected(0)
    warning = {"message": "x", "severity": "Warning", "type": "ADDED"}
    for number in range(30):
        subject, reason = f"pod/demo/web-abc-{number}", f"Reason{number % 2}"
        record.add(number, "kubernetes", "event", subject, reason=reason, **warning)
    dull = {**warning, "reason": "Pulled", "severity": "Normal"}
    record.add(5, "kubernetes", "event", "pod/demo/web-1", **dull)
    events = record.end(60).timeline
    course = course_of(events, [])
    assert course is not None
    assert [e.text for e in story_of(events, course, ()) if e.kind == "event"] == [
        "Reason0, pod/demo/web-abc-0: x",
        "Reason1, pod/demo/web-abc-1: x",
    ]
