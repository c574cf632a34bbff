from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

from rich.console import Console

from aftershock.forecast.alerts import AlertPath, Source
from aftershock.forecast.beat import Beat
from aftershock.observe.prometheus import Prometheus, Series
from aftershock.timeline import Event
from benchmarks.forecast.out_of_memory import shown
from benchmarks.forecast.readings import Reading
from benchmarks.forecast.report import Results, show
from benchmarks.forecast.rules import FILLING, draw
from benchmarks.forecast.trials import EARLIER, JUST_BEFORE, Flip, fired, readings

AT = datetime(2026, 11, 2, 10, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def path(scraped: float) -> AlertPath:
    """Scraped `scraped` seconds after the flip, evaluated at 3 s and every 5 s."""
    scrape = Beat(what="scraped", every_s=5, last=after(scraped - 10))
    evaluation = Beat(what="evaluated", every_s=5, last=after(-7))
    return AlertPath(alert="A", evaluation=evaluation, sources=(Source(metrics=("m",), scrape=scrape),))


def test_each_forecast_is_compared_with_what_its_own_alert_did() -> None:
    first, second = draw(2, filling=0)
    flips = [
        Flip(rule=first, at=AT, paths={JUST_BEFORE: path(2), EARLIER: path(4)}),
        Flip(rule=second, at=AT, paths={JUST_BEFORE: path(2)}),
    ]
    found = readings(flips, {first.alert: after(3.25)})
    assert [(r.alert, r.known, r.error_s) for r in found] == [
        (first.alert, JUST_BEFORE, -0.25),
        (first.alert, EARLIER, 4.75),
        (second.alert, JUST_BEFORE, None),
    ]


class FakePrometheus(Prometheus):
    """One alert's samples; its clock is a second ahead of ours."""

    def __init__(self, times: list[datetime]) -> None:
        self.times = times

    def clock_offset(self) -> tuple[float, float]:
        return 1.0, 0.0

    def samples(self, selector: str, *, start: datetime, end: datetime) -> list[Series]:
        taken = tuple((at.timestamp(), 1.0) for at in self.times if start <= at <= end)
        return [Series(labels={"alertname": "A", "pod": "exporter-1"}, samples=taken)]


def test_it_fired_at_prometheus_first_sample_by_our_clock() -> None:
    assert fired(FakePrometheus([after(4), after(9), after(14)]), since=AT) == {"A": after(3)}


def test_what_fired_already_is_left_out_and_its_next_time_is_not() -> None:
    before = [after(-7), after(-2), after(3)]
    assert fired(FakePrometheus(before), since=AT) == {}
    assert fired(FakePrometheus([*before, after(40), after(45)]), since=AT) == {"A": after(39)}


def pod(seconds: float, *, restarts: int, state: str = "running", reason: str | None = None) -> Event:
    container = {"name": "web", "restarts": restarts, "state": state, "reason": reason}
    return Event(
        at=after(seconds),
        mono=seconds,
        source="kubernetes",
        kind="pod",
        subject="pod/demo/web-1",
        data={"containers": [container]},
    )


def test_a_kill_is_known_by_the_state_or_by_the_count_whichever_comes_first() -> None:
    killed = pod(2, restarts=3, state="terminated", reason="OOMKilled")
    again = pod(2.5, restarts=4)
    assert shown([pod(-1, restarts=3), killed, again], subject="pod/demo/web-1", since=AT) == after(2)
    assert shown([pod(-1, restarts=3), again], subject="pod/demo/web-1", since=AT) == after(2.5)


def test_earlier_kills_and_those_of_other_pods_are_not_counted() -> None:
    before = [pod(-5, restarts=2), pod(-2, restarts=3), pod(1, restarts=3)]
    assert shown(before, subject="pod/demo/web-1", since=AT) is None
    assert shown([*before, pod(2, restarts=4)], subject="pod/demo/web-2", since=AT) is None


def test_windows_that_fill_are_told_apart_from_what_the_objective_is_for() -> None:
    def reading(kind: str, point_s: float) -> Reading:
        return Reading(
            known=JUST_BEFORE,
            kind=kind,
            alert=kind,
            true_s=5.0,
            earliest_s=1.0,
            point_s=point_s,
            latest_s=30.0,
            made_of="",
        )

    page = io.StringIO()
    show(Results(alerts=[reading("a gauge", 5.25), reading(FILLING, -4.0)]), Console(file=page))
    lines = page.getvalue().splitlines()
    summary = next(line for line in lines if line.startswith(f"│ {JUST_BEFORE}"))
    assert [cell.strip() for cell in summary.split("│")[2:6]] == ["1", "0", "0.25", "0.25"]
    assert any(f"({FILLING}: the range only)" in line and "9.00" in line for line in lines)
