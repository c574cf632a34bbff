"""Numbers of things."""

from __future__ import annotations

import pytest

from aftershock.counting import counted


@pytest.mark.parametrize(("number", "text"), [(0, "0 live pods"), (1, "1 live pod"), (2, "2 live pods")])
def test_one_is_told_from_many(number: int, text: str) -> None:
    assert counted(number, "live pod") == text
