"""The replica as it serves: the webhook, who leads, the metrics, and the commands inside the cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from aftershock_components.autorecovery import __main__ as command
from aftershock_components.autorecovery.app import create_autorecovery
from aftershock_components.autorecovery.making import application, make_replica
from aftershock_components.autorecovery.replica import DRY_RUN, Replica
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from tests.unit.stack.components.autorecovery_world import (
    DEPLOYMENTS,
    INCIDENTS,
    LEASE,
    PLAYBOOKS,
    SWITCH,
    World,
)

Json = dict[str, Any]
Talk = Callable[[httpx.AsyncClient, Replica], Coroutine[Any, Any, Any]]


@pytest.fixture
def world() -> World:
    return World()


def notification(*, status: str = "firing", name: str = "HighLatency") -> Json:
    labels = {"alertname": name, "namespace": "demo", "job": "web"}
    began = "2026-01-01T00:00:00.000Z"
    alert = {"status": status, "labels": labels, "startsAt": began, "fingerprint": "f"}
    return {"version": "4", "status": status, "alerts": [alert]}


def replica_of(world: World, name: str = "a/10.0.0.1") -> tuple[Replica, CollectorRegistry]:
    registry = CollectorRegistry()
    made = make_replica(world.server.kube(), world.books, registry, identity=name, namespace="autorecovery")
    return made, registry


def talk(world: World, talking: Talk, *, leads: bool = True, other: Any = None) -> Any:
    """Serve a replica that has looked at the cluster once, and talk to it."""

    async def whole() -> Any:
        made, _ = replica_of(world)
        if leads:
            await made.ask_once()
        for watch in made.watches:
            await watch.look()
        transport = httpx.MockTransport(other or (lambda request: httpx.Response(500)))
        async with httpx.AsyncClient(transport=transport) as others:
            app = create_autorecovery(made, others)
            app.state.ready = True
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
                return await talking(client, made)

    return asyncio.run(whole())


def test_a_notification_is_written_down_before_it_is_answered(world: World) -> None:
    async def talking(client: httpx.AsyncClient, made: Replica) -> Any:
        return (await client.post("/alert", json=notification())).json()

    assert talk(world, talking) == {"firing": 1, "resolved": 0}
    state = json.loads(world.api.get(INCIDENTS)["data"]["state"])
    assert [(one["playbook"], one["firing"]) for one in state["incidents"]] == [("high-latency", True)]


def test_its_end_is_too(world: World) -> None:
    async def talking(client: httpx.AsyncClient, made: Replica) -> Any:
        await client.post("/alert", json=notification())
        await made.look_once()
        await client.post("/alert", json=notification(status="resolved"))
        return (await client.get("/incidents")).json()

    shown = talk(world, talking)
    assert shown["leads"] is True
    [incident] = shown["incidents"]
    assert (incident["playbook"], incident["phase"], incident["outcome"]) == (
        "high-latency",
        "acted",
        "acted",
    )
    assert world.spec(f"{DEPLOYMENTS}/web")["replicas"] == 5
    assert json.loads(world.api.get(INCIDENTS)["data"]["state"])["incidents"][0]["firing"] is False


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"alerts": 5}', b'{"alerts": [{"status": "firing"}]}'])
def test_what_is_no_notification_is_refused(world: World, body: bytes) -> None:
    async def talking(client: httpx.AsyncClient, made: Replica) -> httpx.Response:
        return await client.post("/alert", content=body)

    answer = talk(world, talking)
    assert answer.status_code == 400
    assert "is expected" in answer.json()["error"] or "Expecting" in answer.json()["error"]


def test_what_cannot_be_written_down_is_to_be_sent_again(world: World) -> None:
    async def talking(client: httpx.AsyncClient, made: Replica) -> httpx.Response:
        world.server.breaks = lambda request: httpx.Response(503)
        return await client.post("/alert", json=notification())

    assert talk(world, talking).status_code == 503


def test_who_does_not_lead_hands_it_to_who_does(world: World) -> None:
    world.api.patch(LEASE, {"spec": {"holderIdentity": "b/10.0.0.2", "renewTime": "x"}})
    asked: list[httpx.Request] = []

    def other(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"firing": 1, "resolved": 0})

    async def talking(client: httpx.AsyncClient, made: Replica) -> httpx.Response:
        return await client.post("/alert", json=notification())

    answer = talk(world, talking, other=other)
    assert (answer.status_code, answer.json()["firing"]) == (200, 1)
    assert [str(request.url) for request in asked] == ["http://10.0.0.2:8080/alert"]
    assert json.loads(asked[0].content) == notification()
    assert "data" not in world.api.get(INCIDENTS)


def test_while_nobody_leads_it_is_to_be_sent_again(world: World) -> None:
    def refuses(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("gone", request=request)

    async def talking(client: httpx.AsyncClient, made: Replica) -> list[int]:
        nobody = await client.post("/alert", json=notification())
        made.leading.holder = "b/10.0.0.2"
        dead = await client.post("/alert", json=notification())
        again = await client.post("/alert", json=notification(), headers={"X-Forwarded-By": "b"})
        return [nobody.status_code, dead.status_code, again.status_code]

    assert talk(world, talking, leads=False, other=refuses) == [503, 503, 503]


def test_the_summary_is_served(world: World) -> None:
    world.pod("web-7d9f-a")
    world.crashing("web-7d9f-b", restarts=1)

    async def talking(client: httpx.AsyncClient, made: Replica) -> Any:
        return (await client.get("/summary")).json()

    found = talk(world, talking)
    assert found == {"running": 1, "completed": 0, "pending": 0, "error": 1, "total": 2, "success_rate": 0.5}


def test_it_is_ready_once_it_has_seen_the_cluster(world: World) -> None:
    async def whole() -> list[int]:
        made, _ = replica_of(world)
        app = create_autorecovery(made, httpx.AsyncClient())
        app.state.ready = True
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
            codes = [(await client.get("/ready")).status_code, (await client.get("/summary")).status_code]
            for watch in made.watches:
                await watch.look()
            return [*codes, (await client.get("/ready")).status_code]

    assert asyncio.run(whole()) == [503, 503, 200]


def test_the_metrics_are_born_at_zero_and_count(world: World) -> None:
    world.oom()

    async def whole() -> str:
        made, registry = replica_of(world)
        # The world's own clock stands still; what the replica does is timed by the real one.
        made.seeing.now = made.engine.now = world.clock.now
        await made.ask_once()
        for watch in made.watches:
            await watch.look()
        await made.look_once()
        app: Starlette = application(made, registry)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
            return (await client.get("/metrics")).text

    lines = asyncio.run(whole()).splitlines()
    assert 'autorecovery_actions_total{outcome="acted",playbook="out-of-memory"} 1.0' in lines
    assert 'autorecovery_actions_total{outcome="gave-up",playbook="memory-pressure"} 0.0' in lines
    assert "autorecovery_leader 1.0" in lines
    assert "autorecovery_problem 0.0" in lines
    assert 'autorecovery_pods{state="running"} 1.0' in lines
    assert "autorecovery_pods_success_ratio 1.0" in lines


def test_who_does_not_lead_does_not_look(world: World) -> None:
    world.api.patch(LEASE, {"spec": {"holderIdentity": "b/10.0.0.2", "renewTime": "x"}})
    world.oom()

    async def whole() -> None:
        made, _ = replica_of(world)
        made.seeing.now = made.engine.now = world.clock.now
        await made.ask_once()
        for watch in made.watches:
            await watch.look()
        world.api.calls.clear()
        await made.look_once()

    asyncio.run(whole())
    assert world.api.calls == []


def test_a_look_that_fails_is_said_once_and_done_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    async def whole() -> list[str]:
        made, _ = replica_of(world)
        await made.ask_once()
        for watch in made.watches:
            await watch.look()
        world.server.breaks = lambda request: httpx.Response(503, json={"message": "away"})
        await made.look_once()
        await made.look_once()
        problem = made.problem
        world.server.breaks = lambda request: None
        await made.look_once()
        return [problem, made.problem]

    before, after = asyncio.run(whole())
    assert "away" in before
    assert after == ""
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == ["may-act", "leads", "problem"]


def test_it_is_let_and_stopped_without_a_restart(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What it would have done while it was not let is not done later."""
    pods = "/api/v1/namespaces/demo/pods"
    world.api.patch(SWITCH, {"metadata": {"annotations": {DRY_RUN: "true"}}})
    world.oom("web-7d9f-a")

    async def whole() -> list[bool]:
        made, _ = replica_of(world)
        made.seeing.now = made.engine.now = world.clock.now
        there = []
        for let in ("true", "false", "false", "true"):
            world.api.patch(SWITCH, {"metadata": {"annotations": {DRY_RUN: let}}})
            await made.ask_once()
            for watch in made.watches:
                await watch.look()
            await made.look_once()
            there.append(f"{pods}/web-7d9f-a" in world.api.objects)
            if len(there) == 2:
                world.clock.sleep(60)
                world.oom("web-7d9f-b")
        return [*there, f"{pods}/web-7d9f-b" in world.api.objects]

    assert asyncio.run(whole()) == [True, True, True, True, False]
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == ["leads", "dry-run", "may-act", "acted", "dry-run"]


def test_before_the_switch_was_read_it_changes_nothing(world: World) -> None:
    made, _ = replica_of(world)
    assert made.engine.dry_run


def test_it_runs_and_gives_the_lease_up_at_its_end(world: World) -> None:
    """The tasks as they run: it takes the Lease, lists, looks, and acts; then it is asked to end."""
    world.oom()

    async def whole() -> str:
        made, registry = replica_of(world)
        made.seeing.now = made.engine.now = world.clock.now
        app = application(made, registry)
        async with app.router.lifespan_context(app):
            for _ in range(200):
                if made.engine.incidents.acts(since=world.clock.start):
                    break
                await asyncio.sleep(0.02)
            return made.leading.holder

    assert asyncio.run(whole()) == "a/10.0.0.1"
    assert "/api/v1/namespaces/demo/pods/web-7d9f-a" not in world.api.objects
    assert world.spec(LEASE)["holderIdentity"] == ""


def test_run_says_what_would_be_done_and_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTORECOVERY_PLAYBOOKS", str(PLAYBOOKS))
    monkeypatch.setattr(command, "kube_from_inside", world.server.kube)
    world.crashing()
    world.pressed()
    command.main(["run", "--dry-run"])
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("crash-loop: pod/demo/web-7d9f-a: restart pod") for line in lines)
    assert any(line.startswith("memory-pressure: node/w1: cordon and drain") for line in lines)
    command.main(["run", "high-latency", "--dry-run", "--alert", "namespace=demo", "job=web"])
    assert "scale deployment web from 3 to 5" in capsys.readouterr().out
    command.main(["run", "high-memory-saturation", "--dry-run"])
    assert "nothing would be done" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="LABEL=VALUE"):
        command.main(["run", "high-latency", "--dry-run", "--alert", "demo"])
    command.main(["summary"])
    assert "total 1, running 0, error 1" in capsys.readouterr().out
    assert world.api.calls == []
