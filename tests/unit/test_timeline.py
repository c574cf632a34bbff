"""The record: what is appended is kept, in order, in memory and on the disk."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aftershock.errors import UsageError
from aftershock.testing import FakeClock
from aftershock.timeline import Event, Timeline, read_timeline

AT = datetime(2026, 1, 1, 12, 0, 0, 250000, tzinfo=UTC)


def event(number: int = 0, **more: object) -> Event:
    fields = {"at": AT + timedelta(seconds=number), "mono": 1.5, "source": "client", "kind": "answer"}
    return Event(**{**fields, "subject": f"request {number}", **more})


def test_a_line_is_the_contracts() -> None:
    line = event(mono=None, data={"status": 200, "word": "grüß\u2028"}, resolution_s=0.05).to_json()
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line) == {
        "at": "2026-01-01T12:00:00.250000Z",
        "mono": None,
        "source": "client",
        "kind": "answer",
        "subject": "request 0",
        "data": {"status": 200, "word": "grüß\u2028"},
        "resolution_s": 0.05,
    }


def test_a_line_read_is_the_event_written() -> None:
    written = event(data={"nested": [1, {"a": None}]}, resolution_s=0.5)
    assert Event.from_json(written.to_json()) == written


def test_record_takes_both_clocks_of_this_machine() -> None:
    clock = FakeClock()
    clock.sleep(3)
    timeline = Timeline(clock=clock)
    seen = timeline.record("harness", "injected", "pod/demo/a", resolution_s=0.1, fault="drain")
    assert (seen.at, seen.mono) == (clock.now(), 3.0)
    assert (seen.data, seen.resolution_s) == ({"fault": "drain"}, 0.1)
    assert list(timeline) == [seen]


def test_select_by_source_kind_and_more() -> None:
    timeline = Timeline()
    for found in (event(0), event(1, source="load"), event(2, kind="refusal"), event(3, data={"code": 500})):
        timeline.append(found)
    assert [found.subject[-1] for found in timeline.select(source="client")] == ["0", "2", "3"]
    assert [found.subject[-1] for found in timeline.select(kind="answer")] == ["0", "1", "3"]
    slow = timeline.select(source="client", where=lambda found: found.data.get("code") == 500)
    assert [found.subject[-1] for found in slow] == ["3"]


def test_a_reader_does_not_meet_what_comes_while_it_reads() -> None:
    timeline = Timeline()
    timeline.append(event(0))
    for _ in timeline:
        timeline.append(event(1))
    assert len(timeline) == 2


def test_the_file_grows_with_every_event(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    timeline = Timeline(path)
    for number in range(3):
        timeline.append(event(number))
        # Nobody has closed or flushed it: this is what a killed run leaves.
        assert len(path.read_text().splitlines()) == number + 1
    timeline.close()
    assert list(read_timeline(path)) == list(timeline)


def test_closed_twice_and_still_readable(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path / "timeline.jsonl")
    timeline.append(event())
    timeline.close()
    timeline.close()
    assert [found.subject for found in timeline] == ["request 0"]


def test_many_threads_lose_and_tear_nothing(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    timeline = Timeline(path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: timeline.append(event(number, data={"x": "y" * 500})), range(2000)))
    timeline.close()
    assert list(read_timeline(path)) == list(timeline)
    assert {found.subject for found in timeline} == {f"request {number}" for number in range(2000)}


class TestReading:
    def test_a_torn_last_line_is_dropped(self, tmp_path: Path) -> None:
        path = tmp_path / "timeline.jsonl"
        path.write_text(f"{event(0).to_json()}\n{event(1).to_json()[:-20]}")
        assert [found.subject for found in read_timeline(path)] == ["request 0"]

    @pytest.mark.parametrize(
        "wrong", ["{", "5", "{}", event().to_json().replace("client", "rumour"), event().to_json()[:-20]]
    )
    def test_any_other_line_that_is_no_event_is_named(self, tmp_path: Path, wrong: str) -> None:
        path = tmp_path / "timeline.jsonl"
        path.write_text(f"{event(0).to_json()}\n{wrong}\n{event(1).to_json()}\n")
        with pytest.raises(UsageError, match=r"timeline\.jsonl:2: no timeline event"):
            read_timeline(path)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot read") as caught:
            read_timeline(tmp_path / "timeline.jsonl")
        assert "timeline.jsonl of a run" in caught.value.expected

    def test_an_empty_file_is_an_empty_record(self, tmp_path: Path) -> None:
        path = tmp_path / "timeline.jsonl"
        path.touch()
        assert len(read_timeline(path)) == 0
