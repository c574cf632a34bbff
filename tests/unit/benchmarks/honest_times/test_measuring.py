"""From a record of which the truth is known to readings: the judges' own, one for each outage."""

from __future__ import annotations

from datetime import datetime

import pytest

from benchmarks.honest_times.driven_pods import DrivenPod, Interval
from benchmarks.honest_times.lags import probe_lags, watch_lags
from benchmarks.honest_times.measuring import Driven, client_readings, kubernetes_readings, windows
from benchmarks.honest_times.trials import Outage, Schedule, Trial
from benchmarks.honest_times.truth import ReadyPatch
from tests.conformance.generator import URL, Story, at, healthy_web

POD = DrivenPod(name="web", pod="web-1", url=URL, control="")


def driven(*outages: tuple[float, float]) -> Driven:
    """A pod that was down from … to … in seconds of the story."""
    trials = [
        Trial(kind="2 s", outages=(Outage(after_s=begin, for_s=end - begin, how="refused"),))
        for begin, end in outages
    ]
    true = tuple(Interval(begin=at(begin), end=at(end)) for begin, end in outages)
    return Driven(pod=POD, schedule=Schedule(trials=tuple(trials)), true=true)


def patches(*changes: tuple[float, bool]) -> list[ReadyPatch]:
    return [ReadyPatch(pod="web-1", at=at(seconds), ready=up) for seconds, up in changes]


def test_each_outage_has_its_own_window() -> None:
    first, second = windows(driven((5, 7), (17, 19)))

    assert (first.since, first.until) == (at(4), at(16))
    assert (second.since, second.until) == (at(16), at(28))


def test_the_client_s_clock_gives_a_figure_for_each() -> None:
    down = [(5.02, 7.02), (17.02, 20.02)]
    story = healthy_web().probes(0, 40, down=down).end(40)

    readings = client_readings(driven(*down), list(story.timeline), condition="idle")

    assert [reading.true_s for reading in readings] == pytest.approx([2.0, 3.0])
    assert [reading.measured_s for reading in readings] == pytest.approx([2.0, 3.0], abs=0.1)
    assert all(reading.resolution_s and reading.resolution_s < 0.2 for reading in readings)


def test_an_outage_that_no_probe_met_is_missed_not_refused() -> None:
    story = healthy_web().probes(0, 40).end(40)

    (reading,) = client_readings(driven((5.01, 5.02)), list(story.timeline), condition="idle")

    assert (reading.measured_s, reading.refused) == (None, "")


def test_where_the_record_does_not_tell_it_says_so() -> None:
    story = healthy_web().end(40)

    (reading,) = client_readings(driven((5, 7)), list(story.timeline), condition="idle")

    assert reading.measured_s is None
    assert "no probe" in reading.refused


def unready_pod(*spans: tuple[float, float]) -> Story:
    story = healthy_web()
    for begin, end in spans:
        story.pod(begin, "web-1", ready=False).pod(end, "web-1")
    return story.end(40)


def test_kubernetes_clock_is_held_against_the_audit_log() -> None:
    story = unready_pod((5.5, 7.9), (17.4, 19.2))
    audit = patches((5.49, False), (7.85, True), (17.39, False), (19.1, True))

    readings = kubernetes_readings(driven((5, 7), (17, 19)), list(story.timeline), audit, condition="idle")

    assert [reading.true_s for reading in readings] == pytest.approx([2.36, 1.71])
    assert [reading.measured_s for reading in readings] == pytest.approx([2.4, 1.8])


def test_what_the_readiness_probe_did_not_notice_has_no_truth() -> None:
    story = unready_pod((17.4, 19.2))

    first, second = kubernetes_readings(
        driven((5, 5.3), (17, 19)),
        list(story.timeline),
        patches((17.39, False), (19.1, True)),
        condition="idle",
    )

    assert (first.true_s, first.measured_s, first.refused) == (None, None, "")
    assert second.measured_s == pytest.approx(1.8)


def test_lags_are_from_cause_to_effect() -> None:
    one = driven((5, 7), (17, 17.5))
    audit = patches((5.5, False), (7.25, True))

    assert probe_lags(one, audit) == pytest.approx([0.5, 0.25])
    assert watch_lags(one, audit, list(unready_pod((5.51, 7.245)).timeline)) == pytest.approx([0.01, -0.005])


def test_times_of_the_story_are_utc() -> None:
    assert isinstance(at(0), datetime)
    assert at(0).tzinfo is not None
