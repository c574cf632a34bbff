"""One watch: continuity, gaps, and what is invented (nothing)."""

from __future__ import annotations

import threading

import pytest

from aftershock.clock import from_rfc3339
from aftershock.errors import ApiError, DeadlineError, TransientError
from aftershock.observe.resources import RESOURCES
from aftershock.observe.watcher import WATCH_RESOLUTION_S, Watcher
from aftershock.testing import FakeClock
from aftershock.timeline import Event
from tests.unit.observe.kube import Script, ScriptedApi, bookmark, line, listing, pass_time, pod, refused


class Bench:
    """A watcher of pods over a scripted API, and what it emitted."""

    def __init__(self, lists: list[str | Exception], *watches: Script) -> None:
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
    assert (event.at, event.mono) == (bench.clock.now(), 2.5)
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
def test_break_leaves_a_gap_from_the_last_sign_of_life_to_the_new_list(end: bytes | Exception) -> None:
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
    assert (start - bench.clock.start).total_seconds() == 3.0
    assert (until - bench.clock.start).total_seconds() == 7.0
    assert (gap.data["resource"], gap.data["namespace"]) == ("pod", "demo")
    relisted = [event for event in bench.events if event.kind == "pod"][-1]
    assert relisted.resolution_s == pytest.approx(4.0)
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
    assert gap.data["until_mono"] - gap.data["from_mono"] == pytest.approx(1.5)


def test_refusal_is_no_gap_but_an_error_with_an_open_one() -> None:
    bench = Bench([listing()], [refused(403, "Forbidden")])
    with pytest.raises(ApiError, match="says 403"):
        bench.play()
    (gap,) = bench.gaps()
    assert gap.data["until"] is None


def test_api_that_never_comes_back_is_an_error_with_an_open_gap() -> None:
    away = TransientError("connection refused")
    bench = Bench([listing(), away], [TransientError("broke")])
    with pytest.raises(DeadlineError):
        bench.play()
    assert bench.gaps()[-1].data["until"] is None


def test_stop_while_blind_leaves_the_gap_open() -> None:
    bench = Bench([listing(), TransientError("away")])
    bench.api.watches = [[bench.stopping.set, TransientError("broke")]]
    bench.play()
    bench.watcher.stop()
    assert [event.kind for event in bench.events[-2:]] == ["gap", "watching"]
    assert bench.gaps()[-1].data["until"] is None


def test_first_list_says_where_the_record_begins() -> None:
    bench = Bench([listing(pod("a"), pod("b"))])
    assert bench.watcher.list_now() == 2
    assert bench.events[-1].kind == "watching"
    assert bench.events[-1].data == {"state": "listed", "count": 2}
