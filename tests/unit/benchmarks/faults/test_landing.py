from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aftershock.timeline import Event
from benchmarks.faults.landing import landing_in

AT = datetime(2026, 11, 2, tzinfo=UTC)


def told(kind: str, mono: float | None) -> Event:
    return Event(at=AT, mono=mono, source="harness", kind=kind, subject="pod/demo/a")


def test_the_parts_are_read_from_the_first_event_of_each_kind() -> None:
    events = [
        told("planned", 11.0),
        told("injecting", 12.0),
        told("injecting", 12.5),  # of the second target
        told("carrier", None),
        told("injected", 14.0),
        told("landed", 17.0),
        told("undone", 20.0),
    ]
    landing = landing_in(events, title="x", called=10.0)
    assert (landing.before_s, landing.act_s, landing.proof_s) == (2.0, 2.0, 3.0)
    assert landing.landed_s == 7.0


def test_what_did_not_land_has_no_time() -> None:
    with pytest.raises(KeyError, match="landed"):
        landing_in([told("injecting", 1.0), told("injected", 2.0), told("failed", 3.0)], title="x", called=0)
