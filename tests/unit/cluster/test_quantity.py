"""Quantities, read and written."""

from __future__ import annotations

import pytest

from aftershock.cluster.quantity import canonical, number


@pytest.mark.parametrize(
    ("value", "text"),
    [(30, "30"), (0.5, "500m"), (1000, "1k"), (1500, "1500"), (2_000_000, "2M"), (0.0015, "2m"), (0, "0")],
)
def test_a_quantity_is_written_as_the_api_writes_it(value: float, text: str) -> None:
    assert canonical(value) == text
    assert number(text) == pytest.approx(value, abs=0.001)
