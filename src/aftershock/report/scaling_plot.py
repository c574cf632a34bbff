"""A scale-up as a picture: replicas and usage over time, and below them where the time went. SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

from aftershock.judge.record import end_of
from aftershock.judge.scaling_record import ScalingRecord, read_scaling
from aftershock.judge.scaling_stages import Stage, scaling_stages
from aftershock.timeline import Event

__all__ = ["scaling_plot", "write_scaling_plot"]

_WIDTH, _LEFT, _RIGHT = 900, 190, 40
_TOP, _COURSE, _BAR, _GAP = 40, 160, 20, 50
_COLOURS = {"wanted": "#1f5fa8", "ready": "#3a9a5b", "level": "#c26a1b", "bar": "#1f5fa8"}


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
    look: ScalingRecord, stages: Sequence[Stage], *, since: datetime, until: datetime, name: str
) -> str:
    """Return the SVG; times are seconds from `since`."""
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
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}">',
            '<g font-family="sans-serif" font-size="12">',
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            _text(_LEFT, 20, f"{name}: replicas, and {look.spec.metrics[0].title} against its target"),
            *body,
            "</g>",
            "</svg>",
            "",
        ]
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
        yield _steps(times, values, span=span, top=top, colour=_COLOURS[word])
    target_y = _y(metric.target, highest)
    yield (
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{target_y:.1f}" y2="{target_y:.1f}" '
        f'stroke="{_COLOURS["level"]}" stroke-dasharray="4 4"/>'
    )
    words = [
        ("wanted", f"replicas wanted, up to {max(wanted)}"),
        ("ready", f"replicas Ready, up to {max(ready)}"),
        ("level", f"{metric.title}, up to {metric.shown(max(levels))}"),
    ]
    for number, (word, text) in enumerate(words):
        yield _text(10, _TOP + 20 + 18 * number, text, colour=_COLOURS[word])
    yield _text(10, _TOP + 20 + 18 * len(words), f"(dashed: target {metric.shown(metric.target)})")


def _steps(times: Sequence[float], values: Sequence[int], *, span: float, top: float, colour: str) -> str:
    """Return values over time as a line in steps."""
    points: list[str] = []
    for number, (time, value) in enumerate(zip(times, values, strict=True)):
        if number:
            points.append(f"{_x(time, span):.1f},{_y(values[number - 1], top):.1f}")
        points.append(f"{_x(time, span):.1f},{_y(value, top):.1f}")
    points.append(f"{_x(span, span):.1f},{_y(values[-1], top):.1f}")
    return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(points)}"/>'


def _waterfall(stages: Sequence[Stage]) -> Iterator[str]:
    total = sum(stage.took_s for stage in stages) or 1.0
    begun = 0.0
    for number, stage in enumerate(stages):
        y = _TOP + _COURSE + _GAP + (_BAR + 4) * number
        left, right = _x(begun, total), _x(begun + stage.took_s, total)
        yield (
            f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 1.5):.1f}" height="{_BAR}" '
            f'fill="{_COLOURS["bar"]}"/>'
        )
        yield _text(10, y + 14, stage.name)
        near_end = right > _WIDTH - 130
        yield _text(
            left - 4 if near_end else right + 4, y + 14,
            f"{stage.took_s:.2f} s ± {stage.when.resolution_s:.2f} s", anchor="end" if near_end else "start",
        )  # fmt: skip
        begun += stage.took_s


def _seconds(span: float, y: float, word: str) -> Iterator[str]:
    """Return a time axis."""
    step = next((s for s in (1, 2, 5, 10, 20, 30, 60, 120) if span / s <= 10), 300)  # noqa: PLR2004 - marks
    yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#888888"/>'
    for number in range(int(span / step) + 1):
        yield _text(_x(number * step, span), y + 15, f"{number * step} s", anchor="middle")
    yield _text(10, y + 15, word)


def _x(time: float, span: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(time / span, 1.0)


def _y(value: float, top: float) -> float:
    return _TOP + _COURSE * (1 - value / top) if top else _TOP + _COURSE


def _text(x: float, y: float, text: str, *, colour: str = "#222222", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
