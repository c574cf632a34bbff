"""Every write is seen, inside a gap, or lost; and what the timeline made up is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aftershock.clock import rfc3339
from aftershock.timeline import Event
from benchmarks.recorder.accounting import NO_VERSION, Account, Write, account

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def write(
    version: int, when: float, *, verb: str = "patch", ready: bool = False, asked: bool = False
) -> Write:
    return Write(verb=verb, uid="u", namespace="one", name="a", version=version,
                 state=("Running", ready, 0, asked), began=at(when), ended=at(when + 0.01))  # fmt: skip


def event(
    version: int, when: float, *, ready: bool = False, kind: str = "MODIFIED", asked: bool = False
) -> Event:
    data: dict[str, Any] = {
        "type": kind, "uid": "u", "resource_version": str(version), "phase": "Running", "ready": ready,
        "containers": [{"restarts": 0}], "deletion_at": "2026-01-01T00:00:02Z" if asked else None,
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


class TestOverlappingDeletions:
    """Of two at once the first marks the pod, and is answered without a version as the second removes it."""

    FIRST = write(NO_VERSION, 2.0, verb="delete", asked=True)
    REMOVAL = write(4, 2.001, verb="delete", asked=True)
    MARKED = event(3, 2.02, asked=True)
    REMOVED = event(4, 2.02, kind="DELETED", asked=True)

    @pytest.mark.parametrize("answered_s", [0.0, 0.1], ids=["first", "last"])
    def test_both_are_seen(self, answered_s: float) -> None:
        first = replace(self.FIRST, ended=self.FIRST.ended + timedelta(seconds=answered_s))
        result = told([self.MARKED, self.REMOVED], first, self.REMOVAL, left=False)
        assert result.seen == {"deletion asked": 1, "deletion": 1}
        assert result.lost_writes == []
        assert (result.told_wrong, result.invented) == (0, 0)

    def test_each_may_be_missing(self) -> None:
        assert told([self.REMOVED], self.FIRST, self.REMOVAL, left=False).lost == {"deletion asked": 1}
        assert told([self.MARKED], self.FIRST, self.REMOVAL, left=False).lost == {"deletion": 1}
        both = told([gap(1, 3)], self.FIRST, self.REMOVAL, left=False)
        assert both.in_gap == {"deletion asked": 1, "deletion": 1}

    def test_one_that_neither_asked_first_nor_removed_does_not_count(self) -> None:
        asked = write(3, 1.9, verb="delete", asked=True)
        result = told([self.MARKED, self.REMOVED], asked, self.FIRST, self.REMOVAL, left=False)
        assert result.seen.total() == 2
        assert result.lost_writes == []

    def test_alone_it_is_the_removal(self) -> None:
        assert told([self.MARKED, self.REMOVED], self.FIRST, left=False).seen == {"deletion": 1}

    def test_what_it_asked_for_is_held_against_its_answer(self) -> None:
        other = event(3, 2.02, asked=True, ready=True)
        assert told([other, self.REMOVED], self.FIRST, self.REMOVAL, left=False).told_wrong == 1


def test_what_was_before_the_first_list_does_not_count() -> None:
    assert told([], write(2, -1)).lost.total() == 0
