"""Tolerances: nothing seen is never good."""

from __future__ import annotations

import pytest

from aftershock.chaostoolkit import at_least, at_most, is_success


@pytest.mark.parametrize(("value", "good"), [(0.5, True), (0.6, False), (None, False)])
def test_at_most(value: float | None, good: bool) -> None:
    assert at_most(value=value, limit=0.5) is good


@pytest.mark.parametrize(("value", "good"), [(0.5, True), (0.4, False), (None, False)])
def test_at_least(value: float | None, good: bool) -> None:
    assert at_least(value=value, limit=0.5) is good


@pytest.mark.parametrize(
    ("value", "good"), [(200, True), (399, True), (400, False), (0, False), (None, False)]
)
def test_a_success_is_no_error(value: int | None, good: bool) -> None:
    assert is_success(value=value) is good
