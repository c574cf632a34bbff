"""One watch: continuity, gaps, and what is invented (nothing)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from aftershock.clock import from_rfc3339
from aftershock.cluster.watch import Watch
from aftershock.errors import ApiError, TransientError
from aftershock.observe.gathering import PAUSE_S, Gathering
from aftershock.observe.notes import WATCH_RESOLUTION_S
from aftershock.observe.resources import RESOURCES
from aftershock.observe.watcher import BUSY_WATCH_S, CATCH_UP_S, RELIST_EVERY_S, WATCH_S, Watcher
from aftershock.testing import FakeClock
from aftershock.timeline import Event
from tests.unit.observe.kube import (
    Script,
    ScriptedApi,
    arriving,
    bookmark,
    line,
    listing,
    pass_time,
    pod,
    refused,
)


class Bench:
    """A watcher of pods over a scripted API, and what it emitted."""

    def __init__(self, lists: list[str | Exception], *watches: Script | Exception) -> None:
        self.clock = FakeClock()
        self.stopping = threading.Event()
        self.events: list[Event] = []
        self.api = ScriptedApi(lists, list(watches), self.stopping.set)
        self.watcher = Watcher(
            self.api,
            RESOURCES["pod"],
            "demo",
            clock=self.clock,
            emit=self.events.append,
            stopping=self.stopping,
            gathering=Gathering(self.clock),
        )

    def play(self) -> list[tuple[str, str]]:
        self.watcher.list_now()
        self.watcher.run()
        return self.seen()

    def seen(self) -> list[tuple[str, str]]:
        return [(event.data["type"], event.data["name"]) for event in self.events if event.kind == "pod"]

    def gaps(self) -> list[Event]:
        return [event for event in self.events if event.kind == "gap"]


def test_list_then_watch_from_its_version() -> None:
    bench = Bench(
        [listing(pod("a"), version=10)],
        [line("MODIFIED", pod("a", version=11, ready=False)), line("ADDED", pod("b", version=12))],
    )
    assert bench.play() == [("LISTED", "a"), ("MODIFIED", "a"), ("ADDED", "b")]
    assert bench.api.asked[0]["resourceVersion"] == "10"
    assert bench.api.asked[0]["allowWatchBookmarks"] == "true"
    assert not bench.gaps()


def test_events_carry_both_clocks_and_the_resolution() -> None:
    bench = Bench([listing()], [])
    bench.api.watches = [[pass_time(bench.clock, 2.5), line("ADDED", pod("a"))]]
    bench.play()
    event = next(event for event in bench.events if event.kind == "pod")
    assert (event.at - bench.clock.start).total_seconds() == event.mono == 2.5
    assert event.resolution_s == WATCH_RESOLUTION_S
    assert event.subject == "pod/demo/a"


def test_watch_that_ends_in_good_order_goes_on_without_a_list() -> None:
    bench = Bench([listing(version=10)], [line("ADDED", pod("a", version=11))], [bookmark(40)], [])
    bench.play()
    assert [query["resourceVersion"] for query in bench.api.asked] == ["10", "11", "40", "40"]
    assert not bench.gaps()


@pytest.mark.parametrize(
    "end",
    [
        refused(410),
        refused(500, "InternalError"),
        TransientError("the watch broke"),
        ApiError("410 Gone", status=410),
    ],
)
def test_break_leaves_a_gap_from_just_before_the_last_sign_of_life_to_the_new_list(
    end: bytes | Exception,
) -> None:
    bench = Bench([listing(pod("a"), version=10), listing(pod("a", version=30), version=30)])
    bench.api.watches = [
        [
            pass_time(bench.clock, 3),
            line("MODIFIED", pod("a", version=11)),
            pass_time(bench.clock, 4),
            end,
        ],
        [],
    ]
    assert bench.play() == [("LISTED", "a"), ("MODIFIED", "a"), ("LISTED", "a")]
    (gap,) = bench.gaps()
    start, until = from_rfc3339(gap.data["from"]), from_rfc3339(gap.data["until"])
    # What had happened just before it may have been under way when the connection broke.
    assert (start - bench.clock.start).total_seconds() == pytest.approx(3.0 - WATCH_RESOLUTION_S)
    assert (until - bench.clock.start).total_seconds() == pytest.approx(7.0)
    assert (gap.data["resource"], gap.data["namespace"]) == ("pod", "demo")
    relisted = [event for event in bench.events if event.kind == "pod"][-1]
    assert relisted.resolution_s == pytest.approx(4.0 + WATCH_RESOLUTION_S)
    assert bench.api.asked[1]["resourceVersion"] == "30"


def test_what_went_inside_a_gap_is_gone_not_deleted() -> None:
    bench = Bench([listing(pod("a"), pod("b")), listing(pod("b"))], [refused(410)], [])
    assert bench.play()[-2:] == [("GONE", "a"), ("LISTED", "b")]


def test_namesake_with_another_uid_is_another_pod() -> None:
    bench = Bench([listing(pod("a")), listing(pod("a", uid="second"))], [refused(410)], [])
    assert bench.play() == [("LISTED", "a"), ("GONE", "a"), ("LISTED", "a")]
    assert [e.data["uid"] for e in bench.events if e.kind == "pod"] == ["uid-a", "uid-a", "second"]


def test_deleted_pod_is_not_gone_later() -> None:
    bench = Bench([listing(pod("a")), listing()], [line("DELETED", pod("a", version=11)), refused(410)], [])
    assert bench.play() == [("LISTED", "a"), ("DELETED", "a")]


def test_api_that_is_away_for_a_while_is_one_gap() -> None:
    away = TransientError("connection refused")
    bench = Bench([listing(), away, away, away, listing(version=20)], [TransientError("broke")], [])
    bench.play()
    (gap,) = bench.gaps()
    assert gap.data["until_mono"] - gap.data["from_mono"] == pytest.approx(0.5 + 1 + 2 + WATCH_RESOLUTION_S)


@pytest.mark.parametrize("status", [400, 403])
def test_first_watch_that_is_refused_is_an_error_with_an_open_gap(status: int) -> None:
    bench = Bench([listing()], ApiError(f"{status}", status=status))
    with pytest.raises(ApiError, match=str(status)):
        bench.play()
    bench.watcher.stop()
    (gap,) = bench.gaps()
    assert gap.data["until"] is None


def test_api_that_stays_away_is_asked_as_long_as_the_record_lasts() -> None:
    bench = Bench([listing(), TransientError("connection refused")], [TransientError("broke")])
    bench.api.on_list = lambda: bench.stopping.set() if bench.clock.monotonic() > 3600 else None
    bench.play()
    bench.watcher.stop()
    (gap,) = bench.gaps()
    assert gap.data["until"] is None
    assert gap.data["reason"] == "broke; connection refused"
    assert len(bench.api.listed) == pytest.approx(3600 / RELIST_EVERY_S[1], rel=0.02)


def test_stop_while_blind_leaves_the_gap_open() -> None:
    bench = Bench([listing(), TransientError("away")])
    bench.api.watches = [[TransientError("broke")]]
    bench.api.on_list = lambda: bench.stopping.set() if bench.api.asked else None
    bench.play()
    bench.watcher.stop()
    assert [event.kind for event in bench.events[-2:]] == ["gap", "watching"]
    assert bench.gaps()[-1].data["until"] is None


def test_first_list_says_where_the_record_begins() -> None:
    bench = Bench([listing(pod("a"), pod("b"))])
    bench.watcher.list_now()
    assert bench.events[-1].kind == "watching"
    assert bench.events[-1].data == {"state": "listed", "count": 2}


def test_what_happened_before_the_watch_was_there_is_dated_as_far_back_as_the_list() -> None:
    bench = Bench([listing(pod("a"), version=10)])
    bench.api.watches = [
        [
            line("MODIFIED", pod("a", version=11)),
            pass_time(bench.clock, 1),
            line("MODIFIED", pod("a", version=12)),
        ]
    ]
    bench.watcher.list_now()
    bench.clock.sleep(2)  # other resources are listed
    bench.watcher.run()
    early, late = [event for event in bench.events if event.data.get("type") == "MODIFIED"]
    assert early.resolution_s == pytest.approx(2.0 + WATCH_RESOLUTION_S)
    assert late.resolution_s == WATCH_RESOLUTION_S


def test_after_a_break_the_first_events_may_be_as_old_as_the_list() -> None:
    bench = Bench([listing(version=10), listing(version=20)], [TransientError("broke")])
    soon = [pass_time(bench.clock, 3), line("ADDED", pod("a", version=21))]
    late = [pass_time(bench.clock, CATCH_UP_S), line("ADDED", pod("b", version=22))]
    bench.api.watches.append([*soon, *late])
    bench.play()
    first, second = [event for event in bench.events if event.data.get("type") == "ADDED"]
    assert first.resolution_s == pytest.approx(3.0 + WATCH_RESOLUTION_S)
    assert second.resolution_s == WATCH_RESOLUTION_S


def test_break_while_it_catches_up_leaves_a_gap_from_the_list_on() -> None:
    bench = Bench([listing(version=10)], [line("ADDED", pod("a", version=11)), TransientError("broke")], [])
    bench.watcher.list_now()
    bench.clock.sleep(2)
    bench.watcher.run()
    (gap,) = bench.gaps()
    assert gap.data["from_mono"] == pytest.approx(0.0 - WATCH_RESOLUTION_S)


def test_slow_list_may_be_as_old_as_its_request() -> None:
    bench = Bench([listing(version=10), listing(version=20)], [TransientError("broke")], [])
    bench.api.on_list = pass_time(bench.clock, 3)
    bench.play()
    (gap,) = bench.gaps()
    assert gap.data["from_mono"] == pytest.approx(0.0 - WATCH_RESOLUTION_S)
    assert gap.data["until_mono"] == pytest.approx(6.0)


class TestManyEvents:
    """Above what is always taken one by one, events are left to gather, and say how old they may be."""

    def play(self, *times: float) -> list[tuple[float, Event]]:
        """Have events arrive at these times; return when each did, and what was recorded of it."""
        bench = Bench([listing(version=10)])
        script = [
            (due, line("ADDED", pod(f"p{index}", version=11 + index))) for index, due in enumerate(times)
        ]
        bench.api.watches = arriving(bench.clock, *script, watches=10)
        bench.play()
        return list(zip(times, (event for event in bench.events if event.kind == "pod"), strict=True))

    def test_few_are_all_exact(self) -> None:
        for due, event in self.play(*(1 + index * 0.5 for index in range(500))):
            assert (event.mono, event.resolution_s) == (pytest.approx(due), pytest.approx(WATCH_RESOLUTION_S))

    def test_burst_is_exact(self) -> None:
        for due, event in self.play(*(1 + index * 0.01 for index in range(200))):
            assert (event.mono, event.resolution_s) == (pytest.approx(due), pytest.approx(WATCH_RESOLUTION_S))

    def test_many_gather_and_none_claims_to_be_younger_than_it_is(self) -> None:
        found = self.play(*(1 + index * 0.03 for index in range(1000)))
        late = [event.mono - due for due, event in found if event.mono is not None]
        assert min(late) > -1e-6
        assert PAUSE_S * 0.9 < max(late) <= PAUSE_S + 1e-6
        assert all(event.resolution_s >= lag for lag, (_, event) in zip(late, found, strict=True))
        assert max(event.resolution_s for _, event in found) <= PAUSE_S + WATCH_RESOLUTION_S + 1e-6

    def test_after_a_rest_they_are_exact_again(self) -> None:
        many = [1 + index * 0.03 for index in range(1000)]
        due, event = self.play(*many, many[-1] + 250.0)[-1]
        assert (event.mono, event.resolution_s) == (pytest.approx(due), pytest.approx(WATCH_RESOLUTION_S))


class TestBusyWatch:
    """A watch whose events gather lasts longer, and is not trusted when it falls silent."""

    MANY = tuple(
        (1 + index * 0.03, line("ADDED", pod(f"p{index}", version=11 + index))) for index in range(500)
    )
    LAST_S = MANY[-1][0]

    def test_it_lasts_longer(self) -> None:
        bench = Bench([listing(version=10)])
        bench.api.watches = arriving(bench.clock, *self.MANY)
        bench.play()
        assert bench.api.lengths == [WATCH_S, BUSY_WATCH_S]

    def silent(self, *after: Script) -> Bench:
        bench = Bench([listing(version=10)])
        never = (self.LAST_S + 3600.0, line("ADDED", pod("never", version=9000)))
        bench.api.watches = [*arriving(bench.clock, *self.MANY, never), *after]
        bench.play()
        return bench

    def test_a_new_one_goes_on_where_it_fell_silent(self) -> None:
        bench = self.silent([line("ADDED", pod("next", version=600))])
        assert bench.api.asked[1]["resourceVersion"] == "510"
        assert not bench.gaps()
        last = next(event for event in bench.events if event.data.get("name") == "next")
        assert last.mono is not None
        waited_s = last.mono - self.LAST_S
        assert WATCH_S < waited_s <= WATCH_S + 2 * PAUSE_S
        # It may have happened as soon as the silence began.
        assert last.resolution_s >= waited_s

    def test_part_of_a_line_keeps_nobody_waiting(self) -> None:
        bench = Bench([listing(version=10)])
        part_at, whole_at = self.LAST_S + 1, self.LAST_S + 3
        (watch,) = arriving(bench.clock, *self.MANY, (whole_at, line("ADDED", pod("torn", version=600))))
        nothing_whole = watch.drained
        watch.drained = lambda: nothing_whole() and not part_at <= bench.clock.monotonic() < whole_at
        bench.api.watches = [watch]
        bench.play()
        last = [event for event in bench.events if event.kind == "pod"][-1]
        assert last.mono is not None
        assert last.mono > whole_at  # at a common instant: the thread of all watches did not wait for it
        assert last.mono % PAUSE_S == pytest.approx(0)
        assert last.resolution_s >= last.mono - part_at

    def test_if_there_is_none_the_gap_begins_before_the_silence(self) -> None:
        bench = self.silent([TransientError("no route")], [])
        (gap,) = bench.gaps()
        assert gap.data["from_mono"] <= self.LAST_S
        assert self.LAST_S + WATCH_S < gap.data["until_mono"] <= self.LAST_S + WATCH_S + 2 * PAUSE_S


def test_looks_that_found_nothing_prove_nothing() -> None:
    bench = Bench([listing(version=10), listing(version=5000)])
    script = [(1 + i * 0.03, line("ADDED", pod(f"p{i}", version=11 + i))) for i in range(500)]
    broken = arriving(bench.clock, *script, (script[-1][0] + WATCH_S - 2, refused(410)))
    bench.api.watches = [*broken, []]
    bench.play()
    (gap,) = bench.gaps()
    last = [event for event in bench.events if event.data.get("type") == "ADDED"][-1]
    assert last.mono is not None
    assert last.mono - PAUSE_S - WATCH_RESOLUTION_S <= gap.data["from_mono"] < last.mono
    assert gap.data["until_mono"] >= last.mono + WATCH_S - 2 - PAUSE_S


class TestPages:
    def test_long_list_is_read_page_by_page(self) -> None:
        first = listing(pod("a"), version=10, more="token")
        bench = Bench([first, listing(pod("b"), version=10), listing(version=10)], [])
        assert bench.play() == [("LISTED", "a"), ("LISTED", "b")]
        assert bench.api.listed == [{"limit": "250"}, {"limit": "250", "continue": "token"}]
        assert bench.events[2].data["count"] == 2

    def test_history_compacted_between_two_pages(self) -> None:
        first = listing(pod("a"), version=10, more="token")
        whole = listing(pod("a"), pod("b"), version=12)
        bench = Bench([first, ApiError("410 Gone", status=410), whole], [])
        assert bench.play() == [("LISTED", "a"), ("LISTED", "b")]
        assert bench.api.listed[-1] == {}
        assert bench.api.asked[0]["resourceVersion"] == "12"


@pytest.mark.parametrize("status", [401, 403])
def test_api_server_that_does_not_know_us_yet_is_asked_again(status: int) -> None:
    strange = ApiError(f"{status}", status=status)
    bench = Bench([listing(), strange, strange, listing(version=20)], [TransientError("broke")], [])
    bench.play()
    (gap,) = bench.gaps()
    assert gap.data["until_mono"] == pytest.approx(0.5 + 1)


def test_watch_that_is_refused_in_the_middle_is_closed() -> None:
    closed: list[bool] = []

    def lines() -> Iterator[bytes]:
        try:
            yield refused(410)
            yield bookmark(20)
        finally:
            closed.append(True)

    held = Watch(lines())  # else it would be closed for want of anybody who knows it
    bench = Bench([listing(), listing(version=20)])
    bench.api.watches = [held, []]
    bench.play()
    assert closed == [True]


@pytest.mark.parametrize("status", [401, 403])
def test_watch_that_was_allowed_before_is_a_break(status: int) -> None:
    bench = Bench([listing(), listing(version=20)], [], [ApiError(f"{status}", status=status)], [])
    bench.play()
    (gap,) = bench.gaps()
    assert gap.data["until"] is not None
    assert [query["resourceVersion"] for query in bench.api.asked] == ["10", "10", "20", "20"]


def test_right_that_comes_back_late_is_a_gap_with_that_reason() -> None:
    refusals = [ApiError("403 Forbidden", status=403)] * 20
    bench = Bench([listing(), *refusals, listing(version=20)], [TransientError("broke")], [])
    bench.play()
    (gap,) = bench.gaps()
    assert gap.data["reason"] == "broke; 403 Forbidden"
    first, longest = RELIST_EVERY_S
    assert gap.data["until_mono"] == pytest.approx(first + 2 * first + 18 * longest, abs=0.2)


class TestEnd:
    """A connection that carries nothing any more looks like one on which nothing happens."""

    def ended(self, *last: str | Exception) -> Bench:
        bench = Bench([listing(pod("a"), pod("b"), version=10), *last], [])
        bench.watcher.list_now()
        bench.clock.sleep(WATCH_S)
        bench.watcher.stop()
        return bench

    def test_quiet(self) -> None:
        bench = self.ended(listing(pod("b"), pod("a"), version=99))
        assert not bench.gaps()
        assert bench.events[-1].data == {"state": "stopped"}

    @pytest.mark.parametrize(
        "last",
        [
            listing(pod("a", version=50), pod("b"), version=99),
            listing(pod("a"), version=99),
            listing(pod("a"), pod("b"), pod("c"), version=99),
            listing(pod("a"), pod("b", uid="second"), version=99),
            TransientError("no route"),
            ApiError("403 Forbidden", status=403),
        ],
        ids=["changed", "gone", "new", "another", "no answer", "refused"],
    )
    def test_silent(self, last: str | Exception) -> None:
        bench = self.ended(last)
        (gap,) = bench.gaps()
        assert gap.data["from_mono"] == pytest.approx(0.0 - WATCH_RESOLUTION_S)
        assert gap.data["until"] is None

    def test_what_the_watch_has_already_brought_needs_no_list_to_be_equal(self) -> None:
        bench = Bench([listing(pod("a"), version=10), listing(pod("a"), version=20)])
        bench.api.watches = [[line("DELETED", pod("a", version=21)), pass_time(bench.clock, 5)]]
        bench.play()
        bench.clock.sleep(5)
        bench.watcher.stop()
        assert not bench.gaps()
