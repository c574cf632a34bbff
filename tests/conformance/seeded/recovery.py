"""Recoveries that are none, too late, or not known: by the watches and by the client's probes."""

from __future__ import annotations

from collections.abc import Iterable

from aftershock.judge.maintenance import service_answered
from aftershock.judge.recovery import recovered_within, service_recovered_within
from aftershock.timeline import Event
from aftershock.verdict import Verdict
from tests.conformance.generator import URL, Story, at, healthy_web
from tests.conformance.seeded.case import Defect


def recovers(events: Iterable[Event]) -> Verdict:
    return recovered_within(events, workload="deployment/demo/web", within_s=30)


def answers_again(events: Iterable[Event]) -> Verdict:
    return service_recovered_within(events, url=URL, within_s=30)


def answers(events: Iterable[Event]) -> Verdict:
    return service_answered(events, url=URL, since=at(0))


def hurt(landed: bool = True) -> Story:
    return healthy_web().injected(0, landed=landed).pod(1, "web-1", ready=False)


def back_after(seconds: float | None) -> Story:
    story = hurt()
    return (story if seconds is None else story.pod(1 + seconds, "web-1", restarts=1)).end(70)


def one_of_two_back_after(seconds: float | None) -> Story:
    story = hurt().pod(1.5, "web-2", ready=False).pod(4, "web-1")
    return (story if seconds is None else story.pod(1.5 + seconds, "web-2")).end(70)


def replaced_by(owner: dict[str, str]) -> Story:
    story = hurt().deployment(-60, 1, name="other").deployment(-60, 1, ns="stage")
    return story.pod(2, "web-1", change="DELETED").pod(4, "web-9", change="ADDED", **owner).end(70)


def leaves(replacement: bool) -> Story:
    """A pod that is Ready to its last moment."""
    story = healthy_web().injected(0).pod(1, "web-1", deleting=True)
    return (story.pod(4, "web-9", change="ADDED") if replacement else story).end(70)


def flaps(times: int) -> Story:
    """Two seconds Ready, two not, so many times; then Ready for good."""
    story = hurt()
    for number in range(times):
        story.pod(2 + 4 * number, "web-1").pod(4 + 4 * number, "web-1", ready=False)
    return story.pod(2 + 4 * times, "web-1").end(70)


def falls_again(fall: tuple[float, float] | None) -> Story:
    story = hurt().pod(3, "web-1")
    if fall:
        story.pod(fall[0], "web-1", ready=False).pod(fall[1], "web-1")
    return story.end(70)


def restarts_unseen(died: float, seen: float) -> Story:
    """The pod never shows as unready; only the count of restarts and the node's clock tell."""
    return healthy_web().injected(0).pod(seen, "web-1", restarts=1, finished=died).end(70)


def scaled_to(replicas: int) -> Story:
    story = hurt().deployment(3, replicas, change="MODIFIED").pod(4, "web-1", change="DELETED")
    for number in range(replicas + 2, 4):
        story.pod(4, f"web-{number}", change="DELETED")
    return story.end(70)


def effect(seen: bool) -> Story:
    story = healthy_web().injected(0)
    return (story.pod(1, "web-1", ready=False).pod(3, "web-1") if seen else story).end(70)


def sick_before(sick: bool) -> Story:
    story = healthy_web()
    return (
        (story.pod(-1, "web-2", ready=False) if sick else story)
        .injected(0)
        .pod(1, "web-1", ready=False)
        .pod(3, "web-1")
        .pod(3.1, "web-2")
        .end(70)
    )


def watched(gap: tuple[float, float]) -> Story:
    return hurt().gap(*gap).pod(6, "web-1").end(70)


def clock_set_by(seconds: float) -> Story:
    return hurt().clock_set(2, seconds).pod(6, "web-1").end(70)


def shown(deployment: bool) -> Story:
    story = Story().deployment(-60, 3) if deployment else Story()
    for number in (1, 2, 3):
        story.pod(-60, f"web-{number}", change="LISTED")
    return story.injected(0).pod(1, "web-1", ready=False).pod(3, "web-1").end(70)


def down(start: float, end: float, *, rate: float = 20.0, watched_until: float = 70) -> Story:
    story = Story().injected(0).probes(-5, watched_until, down=[(start, end)], rate=rate)
    return story.end(70)


DEFECTS = [
    Defect(
        name="readiness stuck",
        judge=recovers, verdict="violated", says="not recovered 69 s after",
        story=back_after, healthy=2.0, wrong=None,
    ),
    Defect(
        name="recovery of 30.3 s",
        judge=recovers, verdict="violated", says="0.3 s too late",
        story=back_after, healthy=29.7, wrong=30.3,
    ),
    Defect(
        name="recovery within the error of the bound",
        judge=recovers, verdict="unknown", says="within the error of 0.2 s",
        story=back_after, healthy=29.7, wrong=29.9,
    ),
    Defect(
        name="one of two pods never comes back",
        judge=recovers, verdict="violated", says="not recovered",
        story=one_of_two_back_after, healthy=5.0, wrong=None,
    ),
    Defect(
        name="replacement owned by another deployment",
        judge=recovers, verdict="violated", says="not recovered",
        story=replaced_by, healthy={"workload": "web"}, wrong={"workload": "other"},
    ),
    Defect(
        name="replacement in another namespace",
        judge=recovers, verdict="violated", says="not recovered",
        story=replaced_by, healthy={"ns": "demo"}, wrong={"ns": "stage"},
    ),
    Defect(
        name="terminating pod counted on",
        judge=recovers, verdict="violated", says="not recovered",
        story=leaves, healthy=True, wrong=False,
    ),
    Defect(
        name="flaps that outlast the bound",
        judge=recovers, verdict="violated", says="too late",
        story=flaps, healthy=2, wrong=9,
    ),
    Defect(
        name="flap after a first success",
        judge=recovers, verdict="violated", says="too late",
        story=falls_again, healthy=None, wrong=(5.0, 33.0),
    ),
    Defect(
        name="flap after recovery, longer than the bound",
        judge=recovers, verdict="violated", says="5 s too late",
        story=falls_again, healthy=None, wrong=(10.0, 45.0),
    ),
    Defect(
        name="flap after recovery, open at the end",
        judge=recovers, verdict="unknown", says="record ends before health had lasted",
        story=falls_again, healthy=None, wrong=(50.0, 69.0),
    ),
    Defect(
        name="restart that no readiness showed",
        judge=recovers, verdict="violated", says="5 s too late",
        story=lambda seen: restarts_unseen(1, seen), healthy=3.0, wrong=36.0,
    ),
    Defect(
        name="node's clock behind ours",
        judge=recovers, verdict="unknown", says="within the error of 25.1 s",
        story=lambda died: restarts_unseen(died, 25.0), healthy=20.0, wrong=-30.0,
    ),
    Defect(
        name="scaled away instead of recovered",
        judge=recovers, verdict="violated", says="not recovered",
        story=scaled_to, healthy=2, wrong=0,
    ),
    Defect(
        name="fault without effect",
        judge=recovers, verdict="unknown", says="no impact seen",
        story=effect, healthy=True, wrong=False,
    ),
    Defect(
        name="fault that did not land",
        judge=recovers, verdict="unknown", says="no proof that the fault on pod/demo/web-1 landed",
        story=lambda landed: hurt(landed).pod(3, "web-1").end(70), healthy=True, wrong=False,
    ),
    Defect(
        name="sick before the fault",
        judge=recovers, verdict="unknown", says="not healthy before the injection",
        story=sick_before, healthy=False, wrong=True,
    ),
    Defect(
        name="watch lost in the outage",
        judge=recovers, verdict="unknown", says="nothing is known of pod/demo",
        story=watched, healthy=(-9.0, -8.0), wrong=(2.0, 3.0),
    ),
    Defect(
        name="wall clock set back in the outage",
        judge=recovers, verdict="unknown", says="clock was set by -60.0 s",
        story=clock_set_by, healthy=0.0, wrong=-60.0,
    ),
    Defect(
        name="deployment not in the record",
        judge=recovers, verdict="unknown", says="does not show deployment/demo/web",
        story=shown, healthy=True, wrong=False,
    ),
    Defect(
        name="record ends in the outage",
        judge=recovers, verdict="unknown", says="record ends before",
        story=lambda end: hurt().pod(12, "web-1").end(end) if end > 12 else hurt().end(end),
        healthy=70.0, wrong=10.0,
    ),
    Defect(
        name="record ends before health was confirmed",
        judge=recovers, verdict="unknown", says="record ends before health had lasted for 3 s",
        story=lambda end: hurt().pod(12, "web-1").end(end), healthy=15.5, wrong=14.5,
    ),
    Defect(
        name="service away for 30.3 s",
        judge=answers_again, verdict="violated", says="too late",
        story=lambda seconds: down(2, 2 + seconds), healthy=29.7, wrong=30.3,
    ),
    Defect(
        name="probes too rare for the margin",
        judge=answers_again, verdict="unknown", says="within the error of 4 s",
        story=lambda rate: down(2, 29, rate=rate), healthy=20.0, wrong=0.5,
    ),
    Defect(
        name="service away before the fault",
        judge=answers_again, verdict="unknown", says="failed already before the injection",
        story=lambda start: down(start, 9), healthy=2.0, wrong=-2.0,
    ),
    Defect(
        name="probe of a recovery hangs",
        judge=answers_again, verdict="unknown", says="no probe of",
        story=lambda end: down(2, 9, watched_until=end), healthy=70.0, wrong=20.0,
    ),
    Defect(
        name="one lost request",
        judge=answers, verdict="violated", says="of the probes failed",
        story=lambda end: down(9, end), healthy=9.0, wrong=9.02,
    ),
    Defect(
        name="probe hangs",
        judge=answers, verdict="unknown", says="no probe of",
        story=lambda end: down(9, 9, watched_until=end), healthy=70.0, wrong=20.0,
    ),
]  # fmt: skip
