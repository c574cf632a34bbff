"""The roles of the harness: they grant what the preflight asks for, each right of it, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aftershock.cluster.own import OWN_NAMESPACE
from aftershock.cluster.rights import RIGHTS, Right
from aftershock.faults import marks
from aftershock.observe.resources import RESOURCES

ROOT = Path(__file__).parents[3]


def roles() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "stack/reaper/base/harness.yaml").read_text()))


def granted() -> Iterator[Right]:
    for role in roles():
        namespace = OWN_NAMESPACE if role["kind"] == "Role" else ""
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        yield Right(verb=verb, resource=resource, group=group, namespace=namespace)


def test_just_what_is_asked_for_is_granted() -> None:
    found = list(granted())
    assert len(found) == len(set(found))
    assert set(found) == set(RIGHTS)


def test_nothing_is_asked_for_twice() -> None:
    everywhere = {(right.verb, right.resource, right.group) for right in RIGHTS if not right.namespace}
    own = {(right.verb, right.resource, right.group) for right in RIGHTS if right.namespace}
    assert len(everywhere) + len(own) == len(RIGHTS)
    assert not everywhere & own


@pytest.mark.parametrize("kind", RESOURCES)
def test_what_is_watched_may_be_listed_and_watched(kind: str) -> None:
    parts = RESOURCES[kind].path.strip("/").split("/")
    group = parts[1] if parts[0] == "apis" else ""
    assert {
        Right(verb="list", resource=parts[-1], group=group),
        Right(verb="watch", resource=parts[-1], group=group),
    } <= set(RIGHTS)


@pytest.mark.parametrize("kind", marks.KINDS)
def test_what_may_be_touched_may_be_found_and_marked(kind: str) -> None:
    verbs = {right.verb for right in RIGHTS if right.resource == f"{kind}s" and not right.namespace}
    assert {"get", "list", "patch"} <= verbs


def test_what_it_must_not_be_able_to_do_it_is_not() -> None:
    words = {word for right in RIGHTS for word in (right.verb, right.resource, right.group)}
    assert "*" not in words
    forbidden = {"secrets", "serviceaccounts", "serviceaccounts/token", "pods/exec", "pods/attach", "roles",
                 "rolebindings", "clusterroles", "clusterrolebindings"}  # fmt: skip
    assert not forbidden & words
    assert not {"escalate", "bind", "impersonate", "deletecollection"} & words
    # Deleted outside our own namespace are pods, and budgets that somebody made during a run.
    deleted = {right.resource for right in RIGHTS if right.verb == "delete" and not right.namespace}
    assert deleted == {"pods", "poddisruptionbudgets"}
    created = {right.resource for right in RIGHTS if right.verb == "create" and not right.namespace}
    assert created == {"pods/eviction"}
