"""Durations, times, and the one loop that waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from aftershock.clock import (
    SystemClock,
    format_duration,
    from_rfc3339,
    observed_waits,
    parse_duration,
    pause,
    rfc3339,
    wait_until,
)
from aftershock.errors import ApiError, ConfigError, DeadlineError, TransientError
from aftershock.testing import FakeClock


class TestParseDuration:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("30 seconds", 30.0),
            ("1 second", 1.0),
            ("1 minute", 60.0),
            ("2 minutes", 120.0),
            ("2m30s", 150.0),
            ("1m 30s", 90.0),
            ("500ms", 0.5),
            ("250 milliseconds", 0.25),
            ("0.5 s", 0.5),
            ("1.5 min", 90.0),
            ("90 SEC", 90.0),
            ("1 hour", 3600.0),
            ("1h1m1s", 3661.0),
            ("2 days", 172800.0),
            ("  5s  ", 5.0),
        ],
    )
    def test_as_people_write_it(self, text: str, seconds: float) -> None:
        assert parse_duration(text) == pytest.approx(seconds)

    @pytest.mark.parametrize(
        "text",
        [
            "", " ", "soon", "30", "s", "30 parsecs", "-5 s", "5 s ago", "1..5 s", "1,5 s", "30 ss", "1 0 s",
            "1m30", "five seconds", "30 seconds!", "1e3 s", "1 m/s", "nan s", "inf s",
        ],
    )  # fmt: skip
    def test_anything_else_is_refused_with_an_example(self, text: str) -> None:
        with pytest.raises(ConfigError, match="is no duration") as caught:
            parse_duration(text)
        assert "30 seconds" in caught.value.expected

    @pytest.mark.parametrize("text", ["0 s", "0ms", "0m0s"])
    def test_no_time_at_all_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError, match="no time at all"):
            parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.95, "0.95 s"),
        (1.0, "1 s"),
        (42.0, "42 s"),
        (90.04, "90 s"),
        (100.0, "100 s"),
        (120.0, "2 min"),
        (125.4, "2 min 5 s"),
        (-3.0, "-3 s"),
    ],
)
def test_format_duration(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


class Probe:
    """Answers in turn, the last one for ever; an exception is raised. Notes when it was asked."""

    def __init__(self, clock: FakeClock, *answers: object) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.asked_at: list[float] = []

    def __call__(self) -> object:
        self.asked_at.append(self.clock.elapsed)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class TestWaitUntil:
    def test_the_first_call_is_immediate(self) -> None:
        clock = FakeClock()
        probe = Probe(clock, "there")
        assert wait_until(probe, within_s=10, what="it", clock=clock) == "there"
        assert probe.asked_at == [0.0]

    def test_it_returns_at_the_first_success(self) -> None:
        clock = FakeClock()
        probe = Probe(clock, None, False, "now", "later")
        assert wait_until(probe, within_s=10, every_s=2, what="it", clock=clock) == "now"
        assert probe.asked_at == [0.0, 2.0, 4.0]

    @pytest.mark.parametrize("answer", [0, "", [], {}])
    def test_an_empty_answer_is_an_answer(self, answer: object) -> None:
        clock = FakeClock()
        assert wait_until(Probe(clock, answer), within_s=1, what="it", clock=clock) == answer

    def test_the_deadline_makes_one_last_call(self) -> None:
        clock = FakeClock()
        probe = Probe(clock, None)
        with pytest.raises(DeadlineError) as caught:
            wait_until(probe, within_s=5, every_s=2, what="the pod to be Ready", clock=clock, hint="look")
        assert probe.asked_at == [0.0, 2.0, 4.0, 5.0]
        assert "waited 5 s for the pod to be Ready" in caught.value.message
        assert (caught.value.found, caught.value.hint) == ("nothing yet", "look")

    def test_success_in_the_last_call_counts(self) -> None:
        clock = FakeClock()
        probe = Probe(clock, None, None, None, "just in time")
        assert wait_until(probe, within_s=5, every_s=2, what="it", clock=clock) == "just in time"
        assert clock.elapsed == 5.0

    def test_no_time_is_one_call(self) -> None:
        clock = FakeClock()
        probe = Probe(clock, None)
        with pytest.raises(DeadlineError):
            wait_until(probe, within_s=0, what="it", clock=clock)
        assert probe.asked_at == [0.0]

    def test_a_slow_probe_still_gets_its_last_call(self) -> None:
        clock = FakeClock()
        calls: list[float] = []

        def slow() -> None:
            calls.append(clock.elapsed)
            clock.sleep(7)

        with pytest.raises(DeadlineError):
            wait_until(slow, within_s=5, what="it", clock=clock)
        assert calls == [0.0, 7.0]

    def test_a_transient_error_is_not_yet(self) -> None:
        clock = FakeClock()
        assert wait_until(Probe(clock, TransientError("429"), "there"), within_s=5, what="it", clock=clock)

    def test_the_last_transient_error_is_kept(self) -> None:
        clock = FakeClock()
        probe = Probe(clock, None, TransientError("the server is away"))
        with pytest.raises(DeadlineError) as caught:
            wait_until(probe, within_s=5, what="it", clock=clock)
        assert caught.value.found == "the server is away"

    @pytest.mark.parametrize("error", [ApiError("403", status=403), ValueError("a bug")])
    def test_any_other_error_passes_at_once(self, error: Exception) -> None:
        clock = FakeClock()
        with pytest.raises(type(error)) as caught:
            wait_until(Probe(clock, error), within_s=5, what="it", clock=clock)
        assert caught.value is error
        assert clock.elapsed == 0.0


@pytest.mark.parametrize(("seconds", "passed"), [(7.1, 7.1), (0.01, 0.01), (0.0, 0.0), (-3.0, 0.0)])
def test_a_pause_is_as_long_as_it_is_asked_to_be(seconds: float, passed: float) -> None:
    clock = FakeClock()
    clock.sleep(1e6 / 3)
    began = clock.monotonic()
    pause(seconds, clock=clock)
    assert clock.monotonic() - began == pytest.approx(passed, abs=1e-9)
    assert clock.monotonic() >= began + seconds


class TestRfc3339:
    def test_there_and_back(self) -> None:
        at = datetime(2026, 11, 2, 10, 0, 0, 123456, tzinfo=UTC)
        assert rfc3339(at) == "2026-11-02T10:00:00.123456Z"
        assert from_rfc3339(rfc3339(at)) == at

    def test_another_zone_is_written_in_utc(self) -> None:
        at = datetime(2026, 11, 2, 11, tzinfo=timezone(timedelta(hours=1)))
        assert rfc3339(at) == "2026-11-02T10:00:00.000000Z"

    @pytest.mark.parametrize(
        ("text", "microsecond"),
        [
            ("2026-11-02T10:00:00Z", 0),
            ("2026-11-02T10:00:00.5Z", 500000),
            ("2026-11-02T10:00:00.000001Z", 1),
            ("2026-11-02T10:00:00.123456789Z", 123456),
            ("2026-11-02T11:00:00.999999999+01:00", 999999),
            ("2026-11-02t10:00:00z", 0),
        ],
    )
    def test_any_number_of_digits(self, text: str, microsecond: int) -> None:
        assert from_rfc3339(text) == datetime(2026, 11, 2, 10, 0, 0, microsecond, tzinfo=UTC)

    @pytest.mark.parametrize(
        "text",
        ["", "now", "2026-11-02", "2026-11-02T10:00:00", "2026-11-02 10:00:00Z", "2026-13-02T10:00:00Z"],
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"."):
            from_rfc3339(text)


def test_the_system_clock_tells_utc_and_does_not_go_back() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    first = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() - first >= 0.001


class TestObservedWaits:
    class Notes:
        def __init__(self) -> None:
            self.heard: list[object] = []

        def waits(self, what: str, left_s: float) -> None:
            self.heard.append((what, left_s))

        def waited(self) -> None:
            self.heard.append("over")

    def test_every_pause_is_told_with_what_is_left(self) -> None:
        clock, notes = FakeClock(), self.Notes()
        with observed_waits(notes):
            answers = iter([None, None, True])
            wait_until(lambda: next(answers), within_s=10, every_s=2, what="it", clock=clock)
            with pytest.raises(DeadlineError):
                wait_until(lambda: None, within_s=1, every_s=1, what="that", clock=clock)
        assert notes.heard == [("it", 10), ("it", 8), "over", ("that", 1), "over"]

    def test_others_threads_and_later_waits_are_not_its_matter(self) -> None:
        clock, notes = FakeClock(), self.Notes()
        answers = iter([None, True])
        with observed_waits(notes):
            thread = threading.Thread(
                target=wait_until,
                args=(lambda: next(answers),),
                kwargs={"within_s": 5, "what": "it", "clock": clock},
            )
            thread.start()
            thread.join()
        wait_until(lambda: clock.monotonic() > 0 or None, within_s=5, what="it", clock=clock)
        assert notes.heard == []
