"""Every write is seen, inside a gap, or lost; and what the timeline made up is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aftershock.clock import rfc3339
from aftershock.timeline import Event
from benchmarks.recorder.accounting import Account, Write, account

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def write(
    version: int, when: float, *, verb: str = "patch", ready: bool = False, asked: bool = False
) -> Write:
    return Write(verb=verb, uid="u", namespace="one", name="a", version=version,
                 state=("Running", ready, 0, asked), began=at(when), ended=at(when + 0.01))  # fmt: skip


def event(version: int, when: float, *, ready: bool = False, kind: str = "MODIFIED") -> Event:
    data: dict[str, Any] = {
        "type": kind, "uid": "u", "resource_version": str(version), "phase": "Running", "ready": ready,
        "containers": [{"restarts": 0}], "deletion_at": None,
    }  # fmt: skip
    return Event(at=at(when), mono=when, source="kubernetes", kind="pod", data=data, resolution_s=0.1)


def gap(begin: float, end: float | None, namespace: str = "one") -> Event:
    until = rfc3339(at(end)) if end else None
    data = {"namespace": namespace, "from": rfc3339(at(begin)), "until": until}
    return Event(at=at(end or begin), mono=end, source="kubernetes", kind="gap", data=data)


def told(events: list[Event], *writes: Write, left: bool = True) -> Account:
    return account(events, writes, left={"u"} if left else set(), since=START)


def test_seen() -> None:
    result = told([event(2, 1.02)], write(2, 1))
    assert (result.seen.total(), result.in_gap.total(), result.lost.total()) == (1, 0, 0)
    assert (result.told_wrong, result.invented, result.late) == (0, 0, [])


def test_not_seen_is_lost_unless_a_gap_of_its_namespace_holds_it() -> None:
    assert told([], write(2, 1)).lost.total() == 1
    assert told([gap(0.5, 2)], write(2, 1)).in_gap.total() == 1
    assert told([gap(0.5, None)], write(2, 1)).in_gap.total() == 1
    assert told([gap(0.5, 2, "two")], write(2, 1)).lost.total() == 1
    assert told([gap(1.02, 2)], write(2, 1)).lost.total() == 1


def test_what_the_record_made_up_is_found() -> None:
    assert told([event(2, 1.02, ready=True)], write(2, 1)).told_wrong == 1
    assert told([event(3, 1.02)], write(2, 1)).invented == 1
    (late,) = told([event(2, 1.5)], write(2, 1)).late
    assert late[0] > late[1]


def test_removal_is_seen_as_deleted_and_not_as_gone() -> None:
    removal = write(3, 2, verb="delete", asked=True)
    seen = told([event(3, 2.02, kind="DELETED")], removal, left=False)
    assert seen.seen["deletion"] == 1
    assert told([event(2, 3, kind="GONE")], removal, left=False).lost["deletion"] == 1
    assert told([event(2, 3, kind="GONE"), gap(1, 3)], removal, left=False).in_gap["deletion"] == 1


def test_what_was_before_the_first_list_does_not_count() -> None:
    assert told([], write(2, -1)).lost.total() == 0
