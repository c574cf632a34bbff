from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from benchmarks.honest_times.chaos_run import Check, chaos_readings, checks_in, experiment
from benchmarks.honest_times.driven_pods import DrivenPod, Interval
from benchmarks.honest_times.measuring import Driven
from benchmarks.honest_times.trials import Outage, Schedule, Trial
from tests.conformance.generator import at

POD = DrivenPod(name="driven-0", pod="driven-0-x", url="http://127.0.0.1:1/", control="http://127.0.0.1:2")


def driven(*spans: tuple[float, float]) -> Driven:
    trials = [
        Trial(kind="2 s", outages=(Outage(after_s=begin, for_s=end - begin, how="refused"),))
        for begin, end in spans
    ]
    true = tuple(Interval(begin=at(begin), end=at(end)) for begin, end in spans)
    return Driven(pod=POD, schedule=Schedule(trials=tuple(trials)), true=true)


def checks(until: float, *, every: float, down: list[tuple[float, float]]) -> list[Check]:
    times = [number * every for number in range(int(until / every))]
    return [Check(at=at(t), met=not any(begin <= t < end for begin, end in down)) for t in times]


def test_from_the_first_check_that_failed_to_the_first_that_was_met_after() -> None:
    spans = [(5.5, 7.5), (17.25, 18.1)]

    readings = chaos_readings(
        driven(*spans), checks(40, every=1.0, down=spans), condition="idle", method="chaos"
    )

    assert [reading.true_s for reading in readings] == pytest.approx([2.0, 0.85])
    assert [reading.measured_s for reading in readings] == [2.0, 1.0]
    assert [reading.resolution_s for reading in readings] == [None, None]


def test_an_outage_between_two_checks_is_missed() -> None:
    spans = [(5.2, 5.8)]

    (reading,) = chaos_readings(
        driven(*spans), checks(40, every=1.0, down=spans), condition="idle", method="chaos"
    )

    assert reading.measured_s is None


def test_a_journal_s_checks_have_their_own_times() -> None:
    def state(seconds: float, met: bool) -> dict[str, Any]:
        return {
            "steady_state_met": met,
            "probes": [{"start": at(seconds).isoformat(), "end": at(seconds + 1).isoformat()}],
        }

    journal = {"steady_states": {"before": None, "during": [state(1.5, True), state(2.5, False)]}}

    assert checks_in(journal) == [
        Check(at=at(0) + timedelta(seconds=1.5), met=True),
        Check(at=at(0) + timedelta(seconds=2.5), met=False),
    ]


def test_its_hypothesis_asks_what_our_probe_asks() -> None:
    made = experiment(POD, lasting_s=12.34)

    (probe,) = made["steady-state-hypothesis"]["probes"]
    assert probe["provider"] == {"type": "http", "url": POD.url, "timeout": 1}
    assert probe["tolerance"] == 200
    assert made["method"][0]["pauses"] == {"after": 12.3}
