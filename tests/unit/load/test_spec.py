"""What a load may be: the words for it, and what is refused."""

from __future__ import annotations

import pytest

from aftershock.errors import ConfigError
from aftershock.load.spec import Demand, parse_demand


@pytest.mark.parametrize(
    ("text", "demand"),
    [
        ("200 requests/s", Demand(arrivals=200)),
        ("0.5 requests/s", Demand(arrivals=0.5)),
        ("100 users", Demand(users=100)),
        ("1 user", Demand(users=1)),
        ("100 users at 2 requests/s each", Demand(users=100, rate_per_user=2)),
        ("a ramp to 200 requests/s", Demand(arrivals=200, shape="ramp")),
        ("a spike of 50 users at 0.5 requests/s each", Demand(users=50, rate_per_user=0.5, shape="spike")),
        ("a soak at 10 users", Demand(users=10, shape="soak")),
    ],
)
def test_demands(text: str, demand: Demand) -> None:
    assert parse_demand(text) == demand


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a zigzag to 200 requests/s", "unknown load shape 'zigzag'"),
        ("0 requests/s", "out of range"),
        ("-5 requests/s", "out of range"),
        ("50000 requests/s", "out of range"),
        ("0 users", "0 users are out of range"),
        ("20000 users", "out of range"),
        ("1.5 users", "not whole"),
        ("5 users at 0 requests/s each", "0 requests/s of each user are out of range"),
        ("200 requests/s at 2 requests/s each", "is no load"),
        ("many requests/s", "is no load"),
        ("200 requests", "is no load"),
    ],
)
def test_what_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        parse_demand(text)
    assert caught.value.expected


def test_how_much_that_is() -> None:
    assert Demand(arrivals=200, shape="ramp").asked(60) == 6000
    assert Demand(users=100, rate_per_user=2).asked(60) == 12000
    assert str(Demand(arrivals=200, shape="ramp")) == "200 requests/s, as a ramp"
    assert str(Demand(users=20, rate_per_user=2)) == "20 users, 2 requests/s each (40/s)"
