"""Recovery times as bars: without auto-recovery above, with it below; a thin line to the 95th percentile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from benchmarks.autorecovery.report import OBJECTIVE_S, Sum

__all__ = ["draw"]

_WIDTH, _LEFT, _RIGHT, _ROW = 720, 240, 60, 28
_STYLE = (
    "text{fill:#222} .spread{stroke:#222} "
    "@media (prefers-color-scheme:dark){text{fill:#ddd} .spread{stroke:#ddd}}"
)
_COLORS = {False: "#8a8f98", True: "#2f6fde"}


def draw(sums: Sequence[Sum]) -> str:
    """Return an SVG of the medians, with the objective as a dashed line."""
    known = [value for one in sums for value in (one.median_s, one.p95_s) if not math.isnan(value)]
    longest = max([*known, OBJECTIVE_S])
    height = _ROW * (len(sums) + 1) + 20
    frame = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
    parts = [
        f'<svg {frame} font-family="sans-serif" font-size="12">',
        f"<style>{_STYLE}</style>",
        *(_bar(one, row, longest) for row, one in enumerate(sums)),
        _objective(longest, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(seconds: float, longest: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / longest


def _bar(one: Sum, row: int, longest: float) -> str:
    top = 10 + row * _ROW
    label = escape(f"{one.kind}, {'with' if one.with_it else 'without'} (n={one.count})")
    text = f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{label}</text>'
    if math.isnan(one.median_s):
        return f'{text}<text x="{_LEFT + 4}" y="{top + 14}">none recovered</text>'
    width, color = _x(one.median_s, longest) - _LEFT, _COLORS[one.with_it]
    end = _x(one.p95_s, longest)
    return (
        f'{text}<rect x="{_LEFT}" y="{top + 2}" width="{width:.1f}" height="16" fill="{color}"/>'
        f'<line x1="{_LEFT}" x2="{end:.1f}" y1="{top + 10}" y2="{top + 10}" class="spread"/>'
        f'<text x="{end + 4:.1f}" y="{top + 14}">{one.median_s:.1f} s</text>'
    )


def _objective(longest: float, height: int) -> str:
    at = _x(OBJECTIVE_S, longest)
    return (
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="4" y2="{height - 18}" stroke="#c22" stroke-dasharray="4 3"/>'
        f'<text x="{at:.1f}" y="{height - 4}" text-anchor="middle">objective {OBJECTIVE_S:g} s</text>'
    )
