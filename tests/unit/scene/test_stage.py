"""The stage: when a verdict is final, and what closes with a scenario."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aftershock.errors import ApiError, InconclusiveError, TransientError
from aftershock.scene.stage import GRACE_S, LOOK_EVERY_S, Stage
from aftershock.testing import FakeClock
from tests.unit.scene.conftest import Asks, Judging


class TestJudged:
    def test_met_is_final_at_once(self, stage: Stage, clock: FakeClock, asks: Asks) -> None:
        judge = Judging(clock, "met")
        assert stage.judged(asks(judge), by=clock.now() + timedelta(seconds=30)).status == "met"
        assert judge.asked_at == [0.0]

    @pytest.mark.parametrize("first", ["unknown", "violated"])
    def test_what_can_still_change_is_waited_for(
        self, stage: Stage, clock: FakeClock, asks: Asks, first: str
    ) -> None:
        judge = Judging(clock, first, first, first, "met")
        assert stage.judged(asks(judge), by=clock.now() + timedelta(seconds=30)).status == "met"
        assert clock.elapsed == 3 * LOOK_EVERY_S

    def test_violated_at_the_deadline(self, stage: Stage, clock: FakeClock, asks: Asks) -> None:
        with pytest.raises(AssertionError, match="it: violated"):
            stage.judged(asks(Judging(clock, "unknown", "violated")), by=clock.now() + timedelta(seconds=30))
        assert clock.elapsed == pytest.approx(30 + GRACE_S)

    def test_unknown_at_the_deadline_is_no_pass_and_no_violation(
        self, stage: Stage, clock: FakeClock, asks: Asks
    ) -> None:
        with pytest.raises(InconclusiveError, match="nothing seen yet"):
            stage.judged(asks(Judging(clock, "unknown")), by=clock.now() + timedelta(seconds=30))

    def test_every_verdict_is_kept_once(self, stage: Stage, clock: FakeClock, asks: Asks) -> None:
        stage.judged(asks(Judging(clock, "unknown", "met")), by=clock.now() + timedelta(seconds=30))
        with pytest.raises(AssertionError):
            stage.judged(asks(Judging(clock, "violated")), by=clock.now())
        assert [verdict.status for verdict in stage.verdicts.given] == ["met", "violated"]

    def test_a_time_that_has_passed_leaves_the_grace(
        self, stage: Stage, clock: FakeClock, asks: Asks
    ) -> None:
        clock.sleep(100)
        with pytest.raises(AssertionError):
            stage.judged(asks(Judging(clock, "violated")), by=stage.opened)
        assert clock.elapsed == pytest.approx(100 + GRACE_S)

    def test_the_record_is_refreshed_before_each_judgement(
        self, stage: Stage, clock: FakeClock, asks: Asks
    ) -> None:
        looks: list[float] = []
        judge = Judging(clock, "unknown", "unknown", "met")
        by = clock.now() + timedelta(seconds=30)
        stage.judged(asks(judge), by=by, look=lambda: looks.append(clock.elapsed), every_s=2)
        assert looks == judge.asked_at == [0.0, 2.0, 4.0]

    def test_the_record_shows_that_time_has_passed_where_nothing_happens(
        self, stage: Stage, clock: FakeClock, asks: Asks
    ) -> None:
        stage.timeline.record("kubernetes", "pod")

        def busy() -> None:
            if 2 <= clock.elapsed < 4:
                stage.timeline.record("kubernetes", "pod")

        judge = Judging(clock, *["unknown"] * 5, "met")
        stage.judged(asks(judge), by=clock.now() + timedelta(seconds=30), look=busy, every_s=1)
        looked = stage.timeline.select(source="harness", kind="looked")
        assert [(event.at - clock.start).total_seconds() for event in looked] == [1, 4, 5]

    def test_a_look_that_fails_once_is_tried_again(self, stage: Stage, clock: FakeClock, asks: Asks) -> None:
        errors = [TransientError("Prometheus is away")]

        def look() -> None:
            if errors:
                raise errors.pop()

        by = clock.now() + timedelta(seconds=30)
        assert stage.judged(asks(Judging(clock, "met")), by=by, look=look).status == "met"

    def test_a_look_that_never_works_leaves_it_unknown(
        self, stage: Stage, clock: FakeClock, asks: Asks
    ) -> None:
        def look() -> None:
            raise TransientError("Prometheus is away")

        with pytest.raises(InconclusiveError):
            stage.judged(asks(Judging(clock, "unknown")), by=clock.now(), look=look)

    def test_a_refusal_is_no_verdict(self, stage: Stage, clock: FakeClock, asks: Asks) -> None:
        def look() -> None:
            raise ApiError("GET /: 403 Forbidden", status=403)

        with pytest.raises(ApiError):
            stage.judged(asks(Judging(clock, "met")), by=clock.now(), look=look)
        assert stage.verdicts.given == []

    def test_evidence_that_comes_late_is_judged_too(self, stage: Stage, clock: FakeClock, asks: Asks) -> None:
        judge = Judging(clock, "unknown", "met", "violated")
        settled: list[float] = []
        with pytest.raises(AssertionError):
            stage.judged(
                asks(judge),
                by=clock.now() + timedelta(seconds=30),
                settle=lambda: settled.append(clock.elapsed),
            )
        assert settled == [LOOK_EVERY_S]
        assert [verdict.status for verdict in stage.verdicts.given] == ["violated"]

    def test_the_question_is_kept_with_what_was_seen_of_the_record(
        self, stage: Stage, clock: FakeClock, asks: Asks
    ) -> None:
        look = lambda: stage.timeline.record("harness", "looked")  # noqa: E731 - a look in one line
        stage.judged(asks(Judging(clock, "unknown", "met")), by=clock.now() + timedelta(seconds=9), look=look)
        stage.timeline.record("harness", "later")
        stage.hold(asks(Judging(clock, "met")))
        questions = [verdict.question for verdict in stage.verdicts.given]
        assert questions == [{"judge": "it", "arguments": {}, "events": number} for number in (2, 3)]


class TestAfterFault:
    def test_before_any_fault_the_scenario_counts(self, stage: Stage) -> None:
        assert stage.after_fault(30) == stage.opened + timedelta(seconds=30)

    def test_the_last_fault_counts(self, stage: Stage, clock: FakeClock) -> None:
        for _ in range(2):
            clock.sleep(10)
            stage.timeline.record("harness", "landed", "pod/demo/a")
        clock.sleep(10)
        stage.timeline.record("harness", "undone", "pod/demo/a", fault_id="over-at-once")
        assert stage.after_fault(30) == stage.opened + timedelta(seconds=50)


class TestClosing:
    def test_what_is_kept_ends_latest_first(self, stage: Stage) -> None:
        ended: list[str] = []
        stage.keep(lambda: ended.append("load"))
        stage.keep(lambda: ended.append("probe"))
        stage.look_at_alerts = lambda: ended.append("alerts")  # type: ignore[method-assign]  # nobody listens there
        stage.close()
        assert ended == ["alerts", "probe", "load"]

    def test_all_of_it_ends_whatever_fails(self, stage: Stage) -> None:
        ended: list[str] = []

        def fail() -> None:
            raise TransientError("Prometheus is away")

        stage.keep(lambda: ended.append("load"))
        stage.keep(fail)
        stage.look_at_alerts = fail  # type: ignore[method-assign]  # nobody listens there
        with pytest.raises(TransientError):
            stage.close()
        assert ended == ["load"]

    def test_a_stage_that_never_opened(self, stage: Stage) -> None:
        del stage.opened
        stage.close()
