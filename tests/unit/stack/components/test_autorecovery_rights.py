"""Least privilege: every call that the component makes is allowed, and nothing that it does not make."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import yaml
from aftershock_components.autorecovery.making import make_replica
from aftershock_components.autorecovery.reading import read_playbooks
from prometheus_client import CollectorRegistry

from tests.unit.stack.components.autorecovery_world import (
    DEPLOYMENTS,
    PLAYBOOKS,
    World,
)

Json = dict[str, Any]
Call = tuple[str, str, str, str]
"""Verb, API group, resource (with its subresource), and the name where the namespace is the component's."""

PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[a-z]+))?"
)


def call(method: str, path: str, query: dict[str, str]) -> Call:
    """Return what the API asks its rules about a request."""
    found = PATH.fullmatch(path)
    assert found, path
    verb = {"GET": "get" if found["name"] else "list", "POST": "create"}.get(method, method.lower())
    verb = "watch" if query.get("watch") else verb
    resource = f"{found['resource']}/{found['sub']}" if found["sub"] else found["resource"]
    own = found["namespace"] == "autorecovery" and resource in {"configmaps", "leases"}
    return verb, found["group"] or "", resource, (found["name"] or "") if own else ""


def reviews(world: World) -> None:
    for version in ("v2", "v3"):
        world.deployment(f"reviews-{version}", namespace="bookinfo", replicas=1)


def crash_loop(world: World) -> None:
    world.crashing()
    world.look()


def scale(world: World) -> None:
    world.pod("web-7d9f-a", restarts=6, reason="Error")
    world.look()


def scale_hpa(world: World) -> None:
    world.hpa()
    slow = world.alert("HighLatency", namespace="demo", job="web")
    world.hear(slow)
    world.look()
    world.hear(resolved=(slow,))
    world.look(after_s=1801)


def memory(world: World) -> None:
    world.pod("web-7d9f-a")
    world.uses("web-7d9f-a", "60Mi")
    world.hear(world.alert("HighMemorySaturation", node="w1"))
    world.look()


def drain(world: World) -> None:
    world.pod("web-7d9f-a")
    world.pressed()
    world.look()
    world.look(after_s=2)
    world.api.objects["/api/v1/nodes/w1"]["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    world.look(after_s=61)


def relieve(world: World) -> None:
    reviews(world)
    for _ in range(13):
        world.busy()
        world.look(after_s=2)
    world.look(after_s=130)
    assert world.counted("control-plane-cpu", "returned") == 1


def live(world: World) -> None:
    """Run as a replica: it lists, watches, asks for the Lease and gives it up."""

    async def whole() -> None:
        made = make_replica(
            world.server.kube(), world.books, CollectorRegistry(), identity="a/1", namespace="autorecovery"
        )
        for watch in made.watches:
            await watch.follow(await watch.look())
        await made.ask_once()
        await made.look_once()
        await made.leading.release()

    asyncio.run(whole())


COURSES: tuple[Callable[[World], None], ...] = (crash_loop, scale, scale_hpa, memory, drain, relieve, live)


@pytest.fixture(scope="module")
def asked() -> set[Call]:
    found: set[Call] = set()
    for course in COURSES:
        world = World()
        course(world)
        found |= {call(*request) for request in world.server.asked}
    return found


def manifests() -> list[Json]:
    return list(yaml.safe_load_all((PLAYBOOKS.parent / "rights.yaml").read_text()))


def allowed() -> Iterator[tuple[str, Call]]:
    """Yield each single right: of which kind of role, and what it allows."""
    for item in manifests():
        for rule in item.get("rules", ()):
            names = rule.get("resourceNames", [""])
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    yield from (
                        (item["kind"], (verb, group, resource, name))
                        for verb in rule["verbs"]
                        for name in names
                    )


def test_just_what_is_called_is_allowed(asked: set[Call]) -> None:
    assert {right for _, right in allowed()} == asked


def test_all_playbooks_were_among_what_was_tried() -> None:
    acted: set[str] = set()
    for course in COURSES:
        world = World()
        course(world)
        acted |= {book.name for book in world.books.playbooks if world.counted(book.name, "acted")}
    books = read_playbooks(PLAYBOOKS.read_text())
    # Of the two for containers without memory the steps are those of others.
    assert {book.name for book in books.playbooks} - acted == {"out-of-memory", "out-of-memory-again"}


def test_what_it_must_not_be_able_to_do_it_is_not() -> None:
    rights = [right for _, right in allowed()]
    verbs = {verb for verb, *_ in rights}
    assert verbs == {"get", "list", "watch", "patch", "create"}  # it deletes and replaces nothing
    resources = {resource for _, _, resource, _ in rights}
    assert not resources & {
        "secrets",
        "serviceaccounts",
        "roles",
        "rolebindings",
        "clusterroles",
        "pods/exec",
    }
    assert "*" not in {word for right in rights for word in right}
    for kind, (verb, _, resource, name) in allowed():
        if resource in {"configmaps", "leases"}:
            assert (kind, bool(name)) == ("Role", True), (verb, resource)


def test_the_roles_are_bound_to_the_component_alone() -> None:
    bindings = [item for item in manifests() if item["kind"].endswith("Binding")]
    roles = {(item["kind"], item["metadata"]["name"]) for item in manifests() if "rules" in item}
    assert {(item["roleRef"]["kind"], item["roleRef"]["name"]) for item in bindings} == roles
    for item in bindings:
        assert item["subjects"] == [
            {"kind": "ServiceAccount", "name": "autorecovery", "namespace": "autorecovery"}
        ]


def test_without_a_right_the_playbook_fails_and_the_others_go_on() -> None:
    world = World()

    def forbids(request: httpx.Request) -> httpx.Response | None:
        forbidden = request.method == "PATCH" and request.url.path == f"{DEPLOYMENTS}/web"
        return httpx.Response(403, json={"message": "forbidden"}) if forbidden else None

    world.server.breaks = forbids
    scale(world)
    world.pressed()
    assert "PATCH /api/v1/nodes/w1" in world.look(after_s=2)
    assert world.counted("many-restarts", "failed") == 1
