"""The books, what readers wrote, and how they rated them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["BOOKS", "RATINGS", "REVIEWS"]

BOOKS: Mapping[int, Mapping[str, Any]] = {
    0: {
        "title": "The Keeper of Small Lamps",
        "author": "M. Hollis",
        "year": 1911,
        "pages": 214,
        "language": "English",
        "binding": "paperback",
    },
    1: {
        "title": "Tides and Other Accounts",
        "author": "J. Varga",
        "year": 1938,
        "pages": 342,
        "language": "English",
        "binding": "hardcover",
    },
}

REVIEWS: Mapping[int, Mapping[str, str]] = {
    0: {
        "first reader": "I lent it to three people and had to buy it four times.",
        "second reader": "The lighthouse chapters are worth the rest.",
    },
    1: {
        "first reader": "Slow, exact, and better each time.",
        "second reader": "I skipped the tables and regretted it.",
    },
}

RATINGS: Mapping[int, Mapping[str, int]] = {
    0: {"first reader": 5, "second reader": 4},
    1: {"first reader": 5, "second reader": 3},
}
