from __future__ import annotations

import pytest

from aftershock.history.facts import title_of


@pytest.mark.parametrize(
    ("name", "example", "title"),
    [
        ("It recovers", (), "It recovers"),
        ("web recovers", (("service", "web"),), "web recovers"),
        ("web recovers", (("service", "web"), ("limit", "1m")), "web recovers [1m]"),
        ("Every service recovers", (("service", "web"), ("limit", "1m")), "Every service recovers [web, 1m]"),
    ],
)
def test_a_title_has_every_value_of_the_example(
    name: str, example: tuple[tuple[str, str], ...], title: str
) -> None:
    assert title_of(name, example) == title
