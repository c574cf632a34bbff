"""The other two clocks of a recovery, beside the verdict."""

from __future__ import annotations

from typing import Any

from aftershock.judge.recovery import recovered_within, service_recovered_within
from tests.conformance.generator import URL, Story, healthy_web

WEB = "deployment/demo/web"


def outage(*, prometheus: dict[str, Any] | None = None) -> Story:
    """Seven seconds by Kubernetes, from 1.0 to 8.0."""
    story = healthy_web().injected(0).pod(1, "web-1", ready=False).pod(8, "web-1", restarts=1)
    if prometheus is not None:
        story.ready_replicas(25, **{"phase": 0.5, "down": [(1, 8)]} | prometheus)
    return story.end(30)


def lines(story: Story, clock: str, *, url: str | None = None) -> list[str]:
    verdict = recovered_within(story.timeline, workload=WEB, within_s=30, url=url)
    assert verdict.status == "met"
    return [line for line in verdict.evidence if line.startswith(f"{clock} clock")]


def test_each_clock_gives_its_figure_its_error_and_the_time_from_the_injection() -> None:
    story = outage(prometheus={"error_s": 0.01}).probes(-5, 30, down=[(1.2, 8.7)])
    assert lines(story, "Kubernetes'") == [
        (
            "Kubernetes' clock: 7.000 s ± 0.200 s; degraded 12:00:01.000 (2 of 3 ready), 1.000 s after the "
            "injection; healthy 12:00:08.000 (3 of 3 ready), 8.000 s after the injection"
        )
    ]
    assert lines(story, "client's", url=URL) == [
        (
            "client's clock: 7.502 s ± 0.104 s; degraded 12:00:01.200 (refused), 1.200 s after the "
            "injection; healthy 12:00:08.702 (answered 200), 8.702 s after the injection"
        )
    ]
    # Scraped at 5.5 for the first time in the outage, at 10.5 for the first time after it.
    assert lines(story, "Prometheus'") == [
        (
            "Prometheus' clock: 5.000 s ± 10.020 s; degraded 12:00:05.500 (2 of 3 ready), 5.500 s after the "
            "injection; healthy 12:00:10.500 (3 of 3 ready), 10.500 s after the injection"
        )
    ]


def test_prometheus_times_are_put_on_our_clock() -> None:
    (line,) = lines(outage(prometheus={"offset_s": 40.0}), "Prometheus'")
    assert "degraded 12:00:05.500" in line


def test_an_outage_between_two_scrapes_is_told_as_not_seen_and_how_rare_they_are() -> None:
    (line,) = lines(outage(prometheus={"down": [(1, 5)]}), "Prometheus'")
    assert line == "Prometheus' clock: no sample shows it; one every 5.0 s"


def test_scrapes_that_failed_widen_the_error() -> None:
    (line,) = lines(outage(prometheus={"lost": [(9, 14)]}), "Prometheus'")
    assert "10.000 s ± 15.0" in line


def test_a_scale_up_is_no_degradation_by_prometheus_either() -> None:
    (line,) = lines(outage(prometheus={"down": [], "wanted": [(3, 5)]}), "Prometheus'")
    assert "no sample shows it" in line


def test_what_prometheus_does_not_know_it_does_not_say() -> None:
    assert lines(outage(), "Prometheus'") == []
    (line,) = lines(outage(prometheus={"problem": "http://x does not answer"}), "Prometheus'")
    assert line == "Prometheus' clock: not known, http://x does not answer"
    (line,) = lines(outage(prometheus={"begins": 0}), "Prometheus'")
    assert "has no samples of deployment/demo/web around the injection" in line
    (line,) = lines(outage(prometheus={"ready": None}), "Prometheus'")
    assert "not a number" in line


def test_an_end_that_prometheus_has_only_once_is_not_confirmed() -> None:
    (line,) = lines(outage(prometheus={"ends": 11}), "Prometheus'")
    assert line.endswith("after the injection, not confirmed")
    (line,) = lines(outage(prometheus={"ends": 9}), "Prometheus'")
    assert line.endswith("not recovered in the record")


def test_the_client_that_sees_nothing_says_how_closely_it_looked() -> None:
    (line,) = lines(outage().probes(-5, 30), "client's", url=URL)
    assert line == f"client's clock: no failed probe of {URL}; never more than 0.050 s between two"


def test_the_client_that_failed_before_has_no_figure() -> None:
    (line,) = lines(outage().probes(-5, 30, down=[(-2, 4)]), "client's", url=URL)
    assert "failed already before the injection" in line


def test_a_services_own_verdict_is_by_the_clients_clock() -> None:
    story = Story().injected(0).probes(-5, 30, down=[(1, 3)]).end(30)
    verdict = service_recovered_within(story.timeline, url=URL, within_s=30)
    assert verdict.evidence[0].startswith("client's clock: 2.002 s ± 0.104 s; degraded 12:00:01.000")
