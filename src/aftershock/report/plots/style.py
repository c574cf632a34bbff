"""The colours of the pictures: one set of names, for light and dark, shared with the page they stand in.

A colour never says anything alone: what it means also stands as a word, a shape or a dash.
"""

from __future__ import annotations

__all__ = ["COLOURS", "PLOT_CSS", "themed"]

COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#11151b"),
    "ink": ("#1b2430", "#e4e8ee"),
    "muted": ("#5c6877", "#98a4b3"),
    "grid": ("#e4e8ed", "#262d37"),
    "fault": ("#b2560e", "#f0924a"),
    "good": ("#23774a", "#58b987"),
    "bad": ("#b3261e", "#f2736b"),
    "doubt": ("#8a6100", "#e0b13c"),
    "line": ("#1f5fa8", "#6ea8ee"),
    "second": ("#7a4fa3", "#b993e0"),
    "third": ("#0f766e", "#4fc1b5"),
}
"""By name: on light, on dark. Text in any of them on `paper` has a contrast of 4.5 or more."""

PLOT_CSS = """
.as-plot { font: 12px ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.as-plot text { fill: var(--ink); }
.as-plot .muted { fill: var(--muted); }
.as-plot .head { font-weight: 600; }
.as-plot .small { font-size: 11px; }
.as-plot .paper { fill: var(--paper); }
.as-plot .grid { stroke: var(--grid); stroke-width: 1; }
.as-plot .axis { stroke: var(--muted); stroke-width: 1; }
.as-plot .curve { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
.as-plot .dashed { stroke-dasharray: 4 3; }
.as-plot .band { fill: var(--fault); fill-opacity: .10; }
.as-plot .hurt { fill: var(--bad); fill-opacity: .13; }
.as-plot .pale { fill-opacity: .28; }
.as-plot .area { fill-opacity: .13; stroke: none; }
""" + "\n".join(
    f".as-plot .s-{name} {{ stroke: var(--{name}); }} .as-plot .f-{name} {{ fill: var(--{name}); }} "
    f".as-plot text.f-{name} {{ fill: var(--{name}); }}"
    for name in COLOURS
)


def themed(selector: str) -> str:
    """Return the rules that give the colours their values below `selector`, light and dark."""
    light = " ".join(f"--{name}: {pair[0]};" for name, pair in COLOURS.items())
    dark = " ".join(f"--{name}: {pair[1]};" for name, pair in COLOURS.items())
    return (
        f"{selector} {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ {selector} {{ {dark} }} }}\n"
    )
