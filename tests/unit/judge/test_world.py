"""The replay: namesakes, owners, selectors."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.judge.world import Owners, World, replay, selects
from tests.conformance.generator import Story, healthy_web


def last_world(story: Story) -> World:
    *_, (_, world) = replay(story.timeline)
    return world


def test_deleted_and_gone_objects_leave() -> None:
    story = healthy_web(2).pod(1, "web-1", change="DELETED").pod(2, "web-2", change="GONE")
    assert list(last_world(story).all("pod")) == []


def test_late_goodbye_does_not_take_the_namesake_along() -> None:
    story = (
        Story()
        .pod(0, "db-0", uid="old")
        .pod(1, "db-0", uid="new")
        .pod(2, "db-0", uid="old", change="DELETED")
    )
    (pod,) = last_world(story).all("pod")
    assert pod["uid"] == "new"


def test_owner_is_found_through_a_replica_set_that_is_seen_later() -> None:
    story = Story().pod(0, "web-1").deployment(1, 1)
    (pod,) = last_world(story).all("pod")
    assert Owners(story.timeline).workload(pod) == "deployment/demo/web"
    assert Owners([]).workload(pod) == "replicaset/demo/web-rs"


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["db", "web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, True),
        ({}, True),
        (None, False),
    ],
)
def test_selectors(selector: dict[str, Any] | None, matches: bool) -> None:
    assert selects(selector, {"app": "web", "tier": "front"}) is matches
