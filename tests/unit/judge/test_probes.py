from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.probes import outage_changes
from aftershock.timeline import Event
from tests.conformance.generator import URL, at


def probe(when: float, *, ms: float, **data: Any) -> Event:
    return Event(
        at=at(when),
        mono=1000.0 + when,
        source="client",
        kind="probe",
        subject=URL,
        data={"ms": ms, **data},
        resolution_s=0.05,
    )


def change(event: Event) -> tuple[float, float, bool]:
    """What the probe shows: seconds of the story, largest error, whether it is up."""
    (found,) = outage_changes([event], url=URL, since=at(0), until=at(60))
    return (found.when.at - at(0)).total_seconds(), found.when.resolution_s, found.healthy


def test_it_is_up_when_the_answer_is_there_and_has_been_since_the_probe_before_at_most() -> None:
    assert change(probe(5, ms=40, ok=True, status=200)) == (pytest.approx(5.04), pytest.approx(0.09), True)


@pytest.mark.parametrize("said", [{"status": 503}, {"error": "refused"}, {"error": "reset"}])
def test_a_no_that_took_long_may_have_become_one_on_the_way(said: dict[str, Any]) -> None:
    """A server that was held up, and went down before it came to the request."""
    assert change(probe(5, ms=355, ok=False, **said)) == (5.0, pytest.approx(0.405), False)


def test_a_silence_is_the_outage_from_when_it_was_asked() -> None:
    assert change(probe(5, ms=1000, ok=False, error="timeout")) == (5.0, pytest.approx(0.05), False)
