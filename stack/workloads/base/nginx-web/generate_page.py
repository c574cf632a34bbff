# ruff: noqa: INP001 - a script beside what it makes, no package
"""Writes pages/index.html: a price list long enough that compressing it is real work.

The same page every time. Run it in this folder after a change: `python generate_page.py`.
"""

from __future__ import annotations

import random
from pathlib import Path

ROWS = 640
_MATERIALS = ("amber", "brass", "cedar", "copper", "flint", "ivory", "linen", "oak", "slate", "wool")
_THINGS = ("basket", "bench", "bowl", "chair", "clock", "frame", "kettle", "lamp", "mirror", "shelf")
_PHRASES = (
    "made to order",
    "two weeks until delivery",
    "while stock lasts",
    "a favourite of our customers",
    "from the workshop next door",
    "in seven colours",
    "repaired free of charge for ten years",
    "the last of their kind",
)


def make_page() -> str:
    """Return the page; about 80 KB."""
    source = random.Random(7)  # noqa: S311 - invented wares, no secret
    rows = "\n".join(
        f"<tr><td>{number:05d}-{source.randrange(16**6):06x}</td>"
        f"<td>{source.choice(_MATERIALS)} {source.choice(_THINGS)}</td>"
        f"<td>{source.randint(2, 900)}.{source.randint(0, 99):02d}</td>"
        f"<td>{source.choice(_PHRASES)}, {source.choice(_PHRASES)}</td></tr>"
        for number in range(1, ROWS + 1)
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Price list</title></head>\n'
        "<body><h1>Price list</h1>\n"
        "<table><thead><tr><th>Number</th><th>Item</th><th>Price</th><th>Remarks</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></body></html>\n"
    )


if __name__ == "__main__":
    Path(__file__).with_name("pages").joinpath("index.html").write_text(make_page(), encoding="utf-8")
