"""The primitives of a picture: scales, ticks, lines in steps, text. Every text passes through `redact`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from aftershock.report.plots.style import PLOT_CSS, themed
from aftershock.report.secrets import redact

__all__ = ["Scale", "area", "document", "line", "rect", "shortened", "steps", "text", "time_ticks", "top_of"]

_TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_CHARACTER = 6.4  # pixels that a character of the 12-pixel text takes on average


@dataclass(frozen=True)
class Scale:
    """From values to pixels; what is outside is drawn at the edge."""

    low: float
    high: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        """Return where `value` is."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.0
        return self.first + (self.last - self.first) * min(max(share, 0.0), 1.0)


def time_ticks(low: float, high: float, *, most: int = 9) -> list[int]:
    """Return whole seconds for an axis, 0 among them where it is in the range."""
    step = next((step for step in _TIMES if (high - low) / step <= most), 7200)
    first = -int(-low // step) if low < 0 else -(-int(low) // step)
    return [step * number for number in range(first, int(high // step) + 1) if step * number >= low]


def top_of(values: Iterable[float]) -> float:
    """Return a round number that no value is above: 1, 2 or 5 times a power of ten; 1 for nothing."""
    most = max(values, default=0.0)
    if most <= 0:
        return 1.0
    power = 10.0 ** (len(str(int(most))) - 1) if most >= 1 else 0.1
    return next(factor * power for factor in (1, 2, 3, 5, 8, 10, 20) if most <= factor * power)


def document(body: Iterable[str], *, width: int, height: float, title: str, about: str, alone: bool) -> str:
    """Return the picture. `alone` gives it its own colours and background; else it takes the page's."""
    style = f"<style>{escape(themed('.as-plot'))}{escape(PLOT_CSS)}</style>" if alone else ""
    label = quoteattr(redact(f"{title}. {about}"))
    named = f'class="as-plot" role="img" aria-label={label}'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {named} viewBox="0 0 {width} {height:.0f}">',
            f"<title>{escape(redact(title))}</title>",
            f"<desc>{escape(redact(about))}</desc>",
            style,
            f'<rect class="paper" width="{width}" height="{height:.0f}"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def text(x: float, y: float, words: str, classes: str = "", *, anchor: str = "start") -> str:
    """Return a line of text; (x, y) is the left (or `anchor`) end of its base line."""
    named = f' class="{classes}"' if classes else ""
    side = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}{side}>{escape(redact(words))}</text>'


def shortened(words: str, pixels: float) -> str:
    """Return as much of `words` as fits into so many pixels."""
    room = max(int(pixels / _CHARACTER), 2)
    return words if len(words) <= room else f"{words[: room - 1]}…"


def rect(x: float, y: float, width: float, height: float, classes: str, *, tip: str = "") -> str:
    """Return a box, at least so wide that it is seen; `tip` shows when the mouse is over it."""
    inner = f"<title>{escape(redact(tip))}</title>" if tip else ""
    return (
        f'<rect class="{classes}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 2):.1f}" '
        f'height="{height:.1f}" rx="1.5">{inner}</rect>'
    )


def line(x1: float, y1: float, x2: float, y2: float, classes: str) -> str:
    """Return a straight line."""
    return f'<line class="{classes}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def steps(points: Sequence[tuple[float, float]], *, until: float, classes: str) -> str:
    """Return a line that holds each value until the next, the last one until `until`."""
    return f'<path class="curve {classes}" d="{_path(points, until)}"/>' if points else ""


def area(points: Sequence[tuple[float, float]], *, until: float, floor: float, classes: str) -> str:
    """Return the area between such a line and `floor`."""
    if not points:
        return ""
    return f'<path class="area {classes}" d="{_path(points, until)}V{floor:.1f}H{points[0][0]:.1f}Z"/>'


def _path(points: Sequence[tuple[float, float]], until: float) -> str:
    x, y = points[0]
    parts = [f"M{x:.1f} {y:.1f}"]
    for x, following in points[1:]:
        parts.append(f"H{x:.1f}" + (f"V{following:.1f}" if following != y else ""))
        y = following
    return "".join([*parts, f"H{until:.1f}"])
