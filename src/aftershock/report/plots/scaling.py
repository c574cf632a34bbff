"""A scale-up as a picture: replicas and usage over time, and below them where the time went. SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from aftershock.judge.record import end_of
from aftershock.judge.scaling_record import ScalingRecord, read_scaling
from aftershock.judge.scaling_stages import Stage, scaling_stages
from aftershock.report.plots.svg import document, line, rect, shortened, steps, text, time_ticks
from aftershock.timeline import Event

__all__ = ["scaling_plot", "write_scaling_plot"]

_WIDTH, _LEFT, _RIGHT = 900, 190, 40
_TOP, _COURSE, _BAR, _GAP = 40, 160, 20, 50
_COLOURS = {"wanted": "muted", "ready": "third", "level": "fault", "bar": "line"}


def write_scaling_plot(
    path: Path, events: Sequence[Event], *, hpa: str, service: str, since: datetime
) -> Path | None:
    """Write the picture of `hpa` from `since` on to `path`; nothing where the record does not show it."""
    look = read_scaling(events, hpa, since=since, until=since, tolerance=0.1)
    end = end_of(events)
    if isinstance(look, str) or end is None or end.at <= since:
        return None
    found = scaling_stages(events, hpa=hpa, service=service, since=since)
    stages = [] if isinstance(found, str) else found
    path.write_text(scaling_plot(look, stages, since=since, until=end.at, name=hpa), encoding="utf-8")
    return path


def scaling_plot(
    look: ScalingRecord,
    stages: Sequence[Stage],
    *,
    since: datetime,
    until: datetime,
    name: str,
    alone: bool = True,
) -> str:
    """Return the SVG; times are seconds from `since`. `alone` is as `svg.document` has it."""
    span_s = (until - since).total_seconds()
    height = _TOP + _COURSE + _GAP + (_BAR + 4) * len(stages) + 30
    body = [
        *_course(look, since, until),
        *_waterfall(stages),
        *_seconds(span_s, _TOP + _COURSE, "since load"),
    ]
    if stages:
        total = sum(stage.took_s for stage in stages)
        body += _seconds(total, height - 30, "to its last pod's answer")
    title = f"{name}: replicas, and {look.spec.metrics[0].title} against its target"
    about = " ".join(f"{stage.name} took {stage.took_s:.2f} s." for stage in stages) or "No scale-up."
    return document(
        [text(10, 22, title, "head"), *body],
        width=_WIDTH,
        height=height,
        title=title,
        about=about,
        alone=alone,
    )


def _course(look: ScalingRecord, since: datetime, until: datetime) -> Iterator[str]:
    metric = look.spec.metrics[0]
    shown = look.during(since, until)
    levels = [snapshot.level(metric) or 0 for snapshot in shown]
    most = max([look.spec.maximum, *(snapshot.replicas for snapshot in shown)])
    highest = max([metric.target, *levels])
    times = [max(0.0, (snapshot.when.at - since).total_seconds()) for snapshot in shown]
    span = (until - since).total_seconds()
    ready = [sum(1 for pod in snapshot.pods if pod.ready and not pod.deleting) for snapshot in shown]
    wanted = [snapshot.replicas for snapshot in shown]
    for values, top, word in (
        (wanted, most, "wanted"),
        (ready, most, "ready"),
        (levels, highest, "level"),
    ):
        points = [(_x(time, span), _y(value, top)) for time, value in zip(times, values, strict=True)]
        yield steps(points, until=_x(span, span), classes=f"s-{_COLOURS[word]}")
    target_y = _y(metric.target, highest)
    yield line(_LEFT, target_y, _WIDTH - _RIGHT, target_y, f"s-{_COLOURS['level']} dashed")
    words = [
        ("wanted", f"replicas wanted, up to {max(wanted)}"),
        ("ready", f"replicas Ready, up to {max(ready)}"),
        ("level", f"{metric.title}, up to {metric.shown(max(levels))}"),
    ]
    for number, (word, label) in enumerate(words):
        yield text(10, _TOP + 20 + 18 * number, shortened(label, _LEFT - 12), f"f-{_COLOURS[word]}")
    yield text(10, _TOP + 20 + 18 * len(words), f"(dashed: target {metric.shown(metric.target)})", "muted")


def _waterfall(stages: Sequence[Stage]) -> Iterator[str]:
    total = sum(stage.took_s for stage in stages) or 1.0
    begun = 0.0
    for number, stage in enumerate(stages):
        y = _TOP + _COURSE + _GAP + (_BAR + 4) * number
        left, right = _x(begun, total), _x(begun + stage.took_s, total)
        yield rect(left, y, right - left, _BAR, f"f-{_COLOURS['bar']}")
        yield text(10, y + 14, stage.name)
        near_end = right > _WIDTH - 130
        yield text(
            left - 4 if near_end else right + 4, y + 14,
            f"{stage.took_s:.2f} s ± {stage.when.resolution_s:.2f} s", anchor="end" if near_end else "start",
        )  # fmt: skip
        begun += stage.took_s


def _seconds(span: float, y: float, word: str) -> Iterator[str]:
    """Return a time axis."""
    yield line(_LEFT, y, _WIDTH - _RIGHT, y, "axis")
    for tick in time_ticks(0, span):
        yield text(_x(tick, span), y + 15, f"{tick} s", "muted small", anchor="middle")
    yield text(10, y + 15, word, "muted small")


def _x(time: float, span: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(time / span, 1.0)


def _y(value: float, top: float) -> float:
    return _TOP + _COURSE * (1 - value / top) if top else _TOP + _COURSE
