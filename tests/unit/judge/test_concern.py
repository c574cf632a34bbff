"""Whose alert it is."""

from __future__ import annotations

import pytest

from aftershock.judge.concern import admits
from tests.conformance.generator import Story


def pods() -> Story:
    """web-1 and shop-1 on one node, shop-2 on another; web-2 comes later."""
    story = Story().deployment(-4, 1).deployment(-4, 2, name="shop")
    story.pod(-4, "web-1", change="LISTED", node="worker")
    story.pod(-4, "shop-1", workload="shop", change="LISTED", node="worker")
    story.pod(-4, "shop-2", workload="shop", change="LISTED", node="worker2")
    return story.pod(5, "web-2", change="ADDED", node="worker2")


@pytest.mark.parametrize(
    ("labels", "admitted"),
    [
        ({"namespace": "demo", "pod": "web-1"}, True),
        ({"namespace": "demo", "pod": "web-2"}, True),  # of the same owner
        ({"namespace": "demo", "pod": "shop-1"}, False),
        ({"namespace": "prod", "pod": "web-1"}, False),
        ({"namespace": "demo", "job": "shop"}, True),  # names no pod: left open
        ({"namespace": "prod", "job": "web"}, False),
        ({"node": "worker"}, True),  # the target's
        ({"node": "worker3"}, False),
        ({}, True),
    ],
)
def test_a_fault_of_a_pod(labels: dict[str, str], admitted: bool) -> None:
    story = pods().injected(0, "pod/demo/web-1")
    assert admits(list(story.timeline))(labels) is admitted


@pytest.mark.parametrize(
    ("labels", "admitted"),
    [
        ({"node": "worker"}, True),
        ({"node": "worker2"}, False),
        ({"namespace": "demo", "pod": "web-1"}, True),  # it was on the node
        ({"namespace": "demo", "pod": "web-2"}, True),  # it took its place
        ({"namespace": "demo", "pod": "other-1"}, False),
        ({"namespace": "monitoring", "pod": "grafana-1"}, True),  # nobody watched there
    ],
)
def test_a_fault_of_a_node(labels: dict[str, str], admitted: bool) -> None:
    story = pods().pod(-4, "other-1", workload="other", change="LISTED", node="worker2")
    story.deployment(-4, 1, name="other").injected(0, "node/worker")
    assert admits(list(story.timeline))(labels) is admitted


@pytest.mark.parametrize(
    ("labels", "admitted"),
    [
        ({"namespace": "demo", "pod": "shop-2"}, True),
        ({"namespace": "demo", "pod": "web-1"}, False),
        ({"namespace": "demo", "job": "shop"}, True),
        ({"namespace": "demo", "job": "web"}, False),
        ({"namespace": "prod", "job": "shop"}, False),
        ({"node": "worker"}, False),
    ],
)
def test_a_workload_by_name(labels: dict[str, str], admitted: bool) -> None:
    story = pods().injected(0, "pod/demo/web-1")
    assert admits(list(story.timeline), of="shop")(labels) is admitted


def test_without_a_fault_every_alert_counts() -> None:
    assert admits(list(pods().timeline))({"namespace": "prod", "pod": "x"})
