"""Probes: times, attempts and criteria as Litmus has them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from aftershock.litmus.probe import HttpProbe, probe_of
from aftershock.litmus.schema import Probe


def probe(criteria: str = "==", code: str | int = "200", **run: Any) -> HttpProbe:
    content = {
        "name": "p",
        "type": "httpProbe",
        "mode": "SOT",
        "httpProbe/inputs": {
            "url": "http://web/",
            "method": {"get": {"criteria": criteria, "responseCode": code}},
        },
        "runProperties": {"probeTimeout": 5, "interval": 2, **run},
    }
    return probe_of(msgspec.convert(content, Probe))


@pytest.mark.parametrize(
    ("value", "seconds"), [(5, 5.0), (0.5, 0.5), ("5", 5.0), ("5s", 5.0), ("500ms", 0.5), ("1m30s", 90.0)]
)
def test_a_number_is_of_seconds_and_a_text_has_its_unit(value: str | float, seconds: float) -> None:
    assert probe(probeTimeout=value).timeout_s == seconds


@pytest.mark.parametrize(
    ("given", "attempts"),
    [({}, 1), ({"retry": 3}, 3), ({"attempt": 2}, 2), ({"attempt": 2, "retry": 3}, 2), ({"retry": 0}, 1)],
)
def test_attempts(given: dict[str, int], attempts: int) -> None:
    assert probe(**given).attempts == attempts


def test_how_often_it_looks() -> None:
    assert probe(probePollingInterval="500ms").every_s == 0.5
    assert probe().every_s == 2.0
    assert probe(interval=0).every_s == 1.0


def test_the_first_look() -> None:
    assert probe().delay_s == 0
    assert probe(initialDelay="3s").delay_s == 3
    assert probe(initialDelaySeconds=4).delay_s == 4


@pytest.mark.parametrize(
    ("criteria", "code", "good", "bad"),
    [
        ("==", "200", 200, 201),
        ("==", 200, 200, 503),
        ("!=", "500", 200, 500),
        ("<", "400", 399, 400),
        ("<=", "400", 400, 401),
        (">", "199", 200, 199),
        (">=", "200", 200, 199),
        ("oneOf", "[200, 204]", 204, 201),
        ("oneOf", "200", 200, 204),
        ("between", "[200,299]", 250, 300),
    ],
)
def test_criteria(criteria: str, code: str | int, good: int, bad: int) -> None:
    assert probe(criteria, code).tolerates(good)
    assert not probe(criteria, code).tolerates(bad)
