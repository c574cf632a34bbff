"""A scenario as one picture: fault, alerts, Ready pods, errors and latency above one time axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from aftershock.clock import format_duration
from aftershock.judge.record import clock_time
from aftershock.report.plots.answers import Answers, stretches
from aftershock.report.plots.course import AlertBar, Course, FaultBar, Recovery
from aftershock.report.plots.sizes import Sizes
from aftershock.report.plots.svg import (
    Scale,
    area,
    document,
    line,
    rect,
    shortened,
    steps,
    text,
    time_ticks,
    top_of,
)
from aftershock.report.plots.words import in_words, milliseconds, signed

__all__ = ["timeline_plot"]

_WIDTH, _LEFT, _RIGHT = 980, 172, 48
_ROW, _BAR = 19, 12
_SMALL, _CHART = 30, 52
_MOST_FAULTS, _MOST_ALERTS, _MOST_SIZES, _MOST_ANSWERS = 5, 9, 6, 3
_LATENCIES = (("p50_ms", "s-line", "p50"), ("p95_ms", "s-second dashed", "p95"))


def timeline_plot(course: Course, *, name: str, alone: bool = True) -> str:
    """Return the SVG of `course`; `name` is the scenario's. `alone` is as `svg.document` has it."""
    drawing = _Drawing(course)
    body = drawing.draw()
    return document(
        body, width=_WIDTH, height=drawing.y, title=name, about=" ".join(in_words(course)), alone=alone
    )


class _Drawing:
    """Draws from the top downwards; `y` is where the next row begins."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.y = 8.0
        self.low, self.high = course.seconds(course.start), course.seconds(course.end)
        self.x = Scale(self.low, self.high, _LEFT, _WIDTH - _RIGHT)

    def draw(self) -> list[str]:
        """Return everything, what lies behind first."""
        course = self.course
        self.y += 14
        head = [text(12, self.y, self._headline(), "muted small")]
        self.y += 10
        top = self.y
        front = [*self._faults(course.faults), *self._alerts(course.alerts), *self._sizes(course.sizes)]
        front += self._all_answers(course.answers)
        behind = [*self._ticks(top), *self._bands(top)]
        axis = [*self._axis(), *self._legend()]
        return [*head, *behind, *front, *axis]

    def _at(self, at: datetime) -> float:
        return self.x(self.course.seconds(at))

    def _headline(self) -> str:
        course = self.course
        if course.origin is None:
            return f"{course.start:%Y-%m-%d}, from {clock_time(course.start)} UTC; no fault, no load"
        what = "the fault" if course.by_fault else "the load's first second"
        return f"{course.origin:%Y-%m-%d}, {what} at {clock_time(course.origin)} UTC; times count from it"

    def _bands(self, top: float) -> Iterator[str]:
        for fault in self.course.faults:
            if fault.setting:
                continue
            left = self._at(fault.start)
            if fault.lasts:
                right = self._at(fault.undone or self.course.end)
                yield rect(left, top, right - left, self.y - top, "band")
            yield line(left, top, left, self.y, "s-fault")

    def _ticks(self, top: float) -> Iterator[str]:
        for tick in time_ticks(self.low, self.high):
            yield line(self.x(tick), top, self.x(tick), self.y, "grid")

    def _label(self, words: str, note: str = "", *, height: float = _ROW, classes: str = "") -> Iterator[str]:
        middle = self.y + height / 2 + (-1 if note else 4)
        yield text(12, middle, shortened(words, _LEFT - 18), classes)
        if note:
            yield text(12, middle + 13, shortened(note, _LEFT - 18), "muted small")

    def _more(self, left_out: int, what: str) -> Iterator[str]:
        if left_out > 0:
            named = what if left_out > 1 else what.removesuffix("s")
            yield text(12, self.y + 12, f"and {left_out} more {named}", "muted small")
            self.y += _ROW

    def _gap(self) -> None:
        self.y += 7

    def _faults(self, faults: Sequence[FaultBar]) -> Iterator[str]:
        for fault in faults[:_MOST_FAULTS]:
            yield from self._label(fault.fault, classes="f-fault head")
            left = self._at(fault.start)
            over = fault.undone if fault.lasts else fault.landed
            right = self._at(over or self.course.end)
            tip = f"{fault.fault}: {fault.blast_radius or fault.subject}"
            pale = " pale" if fault.setting else ""
            yield rect(left, self.y + 3, right - left, _BAR, f"f-fault{pale}", tip=tip)
            took = format_duration(round((over - fault.start).total_seconds(), 1)) if over else ""
            words = {True: f"in effect for {took}", False: f"landed after {took}"}[fault.lasts]
            yield from self._beside(left, right, words if over else "no proof that it landed, or was undone")
            self.y += _ROW
        yield from self._more(len(faults) - _MOST_FAULTS, "faults")
        self._gap()

    def _beside(
        self, left: float, right: float, words: str, classes: str = "muted small", *, on: str = "f-paper"
    ) -> Iterator[str]:
        """Write `words` after the bar, else before it, else on it, in the colour `on`."""
        room = 6.0 * len(words)
        base = self.y + _BAR
        if right + room + 6 <= _WIDTH:
            yield text(right + 5, base, words, classes)
        elif left - room - 6 >= _LEFT:
            yield text(left - 5, base, words, classes, anchor="end")
        else:
            yield text(right - 6, base, words, f"{on} small", anchor="end")

    def _alerts(self, bars: Sequence[AlertBar]) -> Iterator[str]:
        shown = sorted(bars, key=lambda bar: (bar.spans[0].start, bar.alert))
        for bar in shown[:_MOST_ALERTS]:
            fires = any(span.state == "firing" for span in bar.spans)
            colour = "f-doubt" if bar.expected or bar.doubtful or not fires else "f-bad"
            yield from self._label(bar.alert, classes="head" if fires else "muted")
            for state, pale in (("pending", " pale"), ("firing", "")):
                for left, right, tip in self._stretches(bar, state):
                    yield rect(left, self.y + 3, right - left, _BAR, f"{colour}{pale}", tip=tip)
            words, classes = self._of_alert(bar, fires=fires), "f-bad small" if colour == "f-bad" else ""
            last = max(self._at(span.stop or self.course.end) for span in bar.spans)
            on = "f-ink" if bar.spans[-1].state == "pending" else "f-paper"
            yield from self._beside(
                self._at(bar.spans[0].start), last, words, classes or "muted small", on=on
            )
            self.y += _ROW
        yield from self._more(len(bars) - _MOST_ALERTS, "alerts")
        if bars:
            self._gap()

    def _stretches(self, bar: AlertBar, state: str) -> Iterator[tuple[float, float, str]]:
        """Yield where alerts of that name were in `state`, several at once as one."""
        spans = [span for span in bar.spans if span.state == state]
        edges = [(self._at(span.start), self._at(span.stop or self.course.end), str(span)) for span in spans]
        open_one: tuple[float, float, str] | None = None
        for left, right, tip in sorted(edges):
            if open_one and left <= open_one[1]:
                open_one = (open_one[0], max(right, open_one[1]), f"{open_one[2]}\n{tip}")
                continue
            if open_one:
                yield open_one
            open_one = (left, right, tip)
        if open_one:
            yield open_one

    def _of_alert(self, bar: AlertBar, *, fires: bool) -> str:
        if not fires:
            return "pending only"
        first = next(span for span in bar.spans if span.state == "firing")
        after = self.course.seconds(first.start)
        when = f"fired {signed(after)}" if self.course.origin else "fired"
        if bar.doubtful:
            return f"{when}, of which scenario is not known"
        return when if bar.expected else f"{when}, not expected"

    def _sizes(self, sizes: Sequence[Sizes]) -> Iterator[str]:
        for one in sizes[:_MOST_SIZES]:
            yield from self._size(one)
        yield from self._more(len(sizes) - _MOST_SIZES, "workloads")
        if sizes:
            self._gap()

    def _size(self, one: Sizes) -> Iterator[str]:
        most = max([1, *(max(point.ready, point.wanted or 0) for point in one.points)])
        last = one.points[-1]
        of = f" of {last.wanted}" if last.wanted is not None else ""
        height = _SMALL + (16 if most > 4 else 0)  # noqa: PLR2004 - more steps need more room
        name = one.workload.rpartition("/")[2]
        yield from self._label(name, f"Ready: {last.ready}{of}", height=height)
        y = Scale(0, most, self.y + height, self.y + 3)
        yield line(_LEFT, self.y + height, _WIDTH - _RIGHT, self.y + height, "grid")
        recoveries = [found for found in self.course.recoveries if found.workload == one.workload]
        for recovery in recoveries[:1]:
            yield from self._recovery(recovery, height)
        ready = [(self._at(point.at), y(point.ready)) for point in one.points]
        wanted = [(self._at(point.at), y(point.wanted)) for point in one.points if point.wanted is not None]
        edge = self._at(self.course.end)
        yield area(ready, until=edge, floor=y(0), classes="f-third")
        yield steps(wanted, until=edge, classes="s-muted dashed")
        yield steps(ready, until=edge, classes="s-third")
        yield text(_WIDTH - _RIGHT + 5, self.y + 9, f"{most}", "muted small")
        self.y += height + 9

    def _recovery(self, recovery: Recovery, height: float) -> Iterator[str]:
        colour = {"met": "f-good", "violated": "f-bad"}.get(recovery.status, "f-doubt")
        for number, episode in enumerate(recovery.episodes):
            left = self._at(episode.begin.when.at)
            right = self._at(episode.end.when.at if episode.end else self.course.end)
            yield rect(left, self.y + 2, right - left, height - 2, "hurt", tip=episode.begin.note)
            if number:
                continue
            words = recovery.words if episode.end else "not recovered in the record"
            self.y += 9  # below the line of what is Ready
            yield from self._beside(left, right, words, f"{colour} small head", on=colour)
            self.y -= 9

    def _all_answers(self, found: Sequence[Answers]) -> Iterator[str]:
        for one in found[:_MOST_ANSWERS]:
            yield from self._errors(one)
            yield from self._latency(one)
            self._gap()
        yield from self._more(len(found) - _MOST_ANSWERS, "clients")

    def _errors(self, one: Answers) -> Iterator[str]:
        name = one.subject.removeprefix("load/").removeprefix("http://")
        share = f"{100 * one.failed / one.asked:.3g} %" if one.asked else "none"
        most = max((bucket.failed_share for bucket in one.buckets), default=0.0)
        yield from self._label(name, f"{share} of {one.asked} failed", height=_SMALL)
        highest = top_of([100 * most]) if most else 1.0
        y = Scale(0, highest, self.y + _SMALL, self.y + 4)
        yield line(_LEFT, self.y + _SMALL, _WIDTH - _RIGHT, self.y + _SMALL, "grid")
        for stretch in stretches([(b.at, 100 * b.failed_share) for b in one.buckets], one.every_s):
            points = [(self._at(at), y(value)) for at, value in stretch]
            edge = self._at(stretch[-1][0] + timedelta(seconds=one.every_s))
            yield area(points, until=edge, floor=y(0), classes="f-bad")
            yield steps(points, until=edge, classes="s-bad" if most else "s-good")
        if most:
            yield text(_WIDTH - _RIGHT + 5, self.y + 10, f"{highest:g} %", "muted small")
        self.y += _SMALL + 7

    def _latency(self, one: Answers) -> Iterator[str]:
        values = [bucket.p95_ms for bucket in one.buckets if bucket.p95_ms is not None]
        if not values:
            return
        highest = top_of(values)
        yield from self._label("latency", f"p95 up to {milliseconds(max(values))}", height=_CHART)
        y = Scale(0, highest, self.y + _CHART, self.y + 4)
        for level in (0.0, highest / 2, highest):
            yield line(_LEFT, y(level), _WIDTH - _RIGHT, y(level), "grid")
            if level:
                yield text(_WIDTH - _RIGHT + 5, y(level) + 4, milliseconds(level), "muted small")
        for field, classes, _ in _LATENCIES:
            found = [(b.at, value) for b in one.buckets if (value := getattr(b, field)) is not None]
            for stretch in stretches(found, one.every_s):
                points = [(self._at(at), y(value)) for at, value in stretch]
                edge = self._at(stretch[-1][0] + timedelta(seconds=one.every_s))
                yield steps(points, until=edge, classes=classes)
        self.y += _CHART + 7

    def _axis(self) -> Iterator[str]:
        yield line(_LEFT, self.y, _WIDTH - _RIGHT, self.y, "axis")
        origin = self.course.origin or self.course.start
        for tick in time_ticks(self.low, self.high):
            x = self.x(tick)
            yield text(x, self.y + 15, signed(tick), "small", anchor="middle")
            at = origin + timedelta(seconds=tick)
            yield text(x, self.y + 29, f"{at:%H:%M:%S}", "muted small", anchor="middle")
        yield text(12, self.y + 15, "from the fault" if self.course.by_fault else "from the load", "small")
        yield text(12, self.y + 29, "UTC", "muted small")
        self.y += 38

    def _legend(self) -> Iterator[str]:
        items = [("band", "fault in effect")]
        if self.course.alerts:
            items += [("f-doubt pale", "pending"), ("f-doubt", "firing, expected"), ("f-bad", "not expected")]
        if self.course.recoveries:
            items.append(("hurt", "degraded"))
        if self.course.sizes:
            items.append(("s-muted dashed", "wanted"))
        if self.course.answers:
            items += [("s-line", "p50"), ("s-second dashed", "p95")]
        x = _LEFT * 1.0
        for classes, words in items:
            if classes.startswith("s-"):
                yield line(x, self.y + 7, x + 14, self.y + 7, classes)
            else:
                yield rect(x, self.y + 2, 14, 10, classes)
            yield text(x + 19, self.y + 11, words, "muted small")
            x += 34 + 6.2 * len(words)
        self.y += 22
