"""The API as the component sees it: watches that break, the Lease, findings and the summary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from aftershock_components.autorecovery.findings import of_alert
from aftershock_components.autorecovery.kube import (
    ConflictError,
    ExpiredError,
    GoneError,
    Kube,
    KubeError,
    NotNowError,
    UnavailableError,
)
from aftershock_components.autorecovery.leading import LASTS_S, STEP_DOWN_S, Leading
from aftershock_components.autorecovery.objects import deployment_of, workload_of
from aftershock_components.autorecovery.playbooks import Exclusions
from aftershock_components.autorecovery.quantities import mebibytes, quantity
from aftershock_components.autorecovery.summary import summarize
from aftershock_components.autorecovery.watching import BETWEEN_S, Watching

from aftershock.testing import FakeClock
from aftershock.testing import kube as fake
from aftershock.testing.kube import FakeApi
from tests.unit.stack.components.autorecovery_world import LEASE, Json, Server, World, run

PODS = "/api/v1/pods"


class Stop(Exception):  # noqa: N818 - it is no error
    """Ends a loop that has no end."""


@pytest.fixture
def server() -> Server:
    api = FakeApi()
    api.add_pods(fake.pod("a"))
    return Server(api)


def event(kind: str, name: str, version: str) -> Json:
    found = fake.pod(name)
    found["metadata"]["resourceVersion"] = version
    return {"type": kind, "object": found}


def bookmark(version: str) -> Json:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}


GONE = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}


def watched(
    server: Server, *watches: list[Json] | Exception | int, sleeps: list[float] | None = None
) -> Watching:
    """Watch until the answers are used up. An answer is events, what breaks the connection, or a status."""
    answers: Iterator[Any] = iter(watches)

    def answer(request: httpx.Request) -> httpx.Response | None:
        if not request.url.params.get("watch"):
            return None
        given = next(answers, None)
        if given is None:
            raise Stop
        if isinstance(given, Exception):
            raise given
        if isinstance(given, int):
            return httpx.Response(given, json={"message": "no"})
        server.watches[PODS] = [given]
        return None

    server.breaks = answer
    seen: list[float] = [] if sleeps is None else sleeps

    async def sleep(seconds: float) -> None:
        if seconds != BETWEEN_S:
            seen.append(seconds)

    watching = Watching(server.kube(), PODS, sleep=sleep)
    with pytest.raises(Stop):
        run(watching.forever())
    return watching


def lists(server: Server) -> int:
    return len([1 for method, path, query in server.asked if path == PODS and "watch" not in query])


def test_a_watch_goes_on_from_where_the_server_ended_it(server: Server) -> None:
    watching = watched(server, [event("ADDED", "b", "5"), bookmark("9")], [event("DELETED", "a", "10")], [])
    assert set(watching.objects) == {"uid-b"}
    versions = [query["resourceVersion"] for _, _, query in server.asked if "watch" in query]
    assert versions == ["1", "9", "10", "10"]
    assert (lists(server), watching.breaks) == (1, 0)


def test_text_that_looks_like_the_end_of_a_line_is_none(server: Server) -> None:
    odd = event("ADDED", "b", "5")
    odd["object"]["metadata"]["annotations"] = {"note": "one\x85two\u2028three"}
    lines = json.dumps(odd, ensure_ascii=False) + "\n"
    sent = iter([httpx.Response(200, text=lines)])

    def answer(request: httpx.Request) -> httpx.Response | None:
        if not request.url.params.get("watch"):
            return None
        given = next(sent, None)
        if given is None:
            raise Stop
        return given

    server.breaks = answer
    watching = Watching(server.kube(), PODS)
    with pytest.raises(Stop):
        run(watching.forever())
    assert set(watching.objects) == {"uid-a", "uid-b"}
    assert watching.breaks == 0


def test_an_expired_watch_is_listed_anew_at_once(server: Server) -> None:
    sleeps: list[float] = []
    watching = watched(server, [GONE], 410, [], sleeps=sleeps)
    assert (lists(server), watching.breaks, sleeps) == (3, 2, [])
    assert set(watching.objects) == {"uid-a"}


def test_a_broken_connection_is_listed_anew_ever_less_often(server: Server) -> None:
    sleeps: list[float] = []
    broken = httpx.ReadTimeout("silent")
    watching = watched(server, broken, broken, 500, sleeps=sleeps)
    assert watching.breaks == 3
    assert sleeps == [1, 1, 1]  # a list that succeeds in between begins anew
    assert watching.synced


def test_what_was_deleted_while_nobody_watched_is_gone(server: Server) -> None:
    watches = 0

    def answer(request: httpx.Request) -> httpx.Response | None:
        nonlocal watches
        if not request.url.params.get("watch"):
            return None
        watches += 1
        if watches > 1:
            raise Stop
        del server.api.objects["/api/v1/namespaces/demo/pods/a"]
        raise httpx.ReadError("broke", request=request)

    server.breaks = answer

    async def sleep(seconds: float) -> None:
        pass

    watching = Watching(server.kube(), PODS, sleep=sleep)
    with pytest.raises(Stop):
        run(watching.forever())
    assert watching.objects == {}


def test_an_api_that_is_away_is_asked_ever_less_often(server: Server) -> None:
    sleeps: list[float] = []

    def away(request: httpx.Request) -> httpx.Response | None:
        if len(sleeps) == 6:
            raise Stop
        raise httpx.ConnectError("refused", request=request)

    server.breaks = away

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)

    watching = Watching(server.kube(), PODS, sleep=sleep)
    with pytest.raises(Stop):
        run(watching.forever())
    assert sleeps == [1, 2, 4, 8, 15, 15]
    assert not watching.synced


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, GoneError), (409, ConflictError), (410, ExpiredError), (429, NotNowError), (403, KubeError),
     (500, UnavailableError), (503, UnavailableError)],
)  # fmt: skip
def test_every_refusal_is_of_its_kind_and_says_why(status: int, kind: type[KubeError]) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json={"message": "because"}))
    kube = Kube(httpx.AsyncClient(transport=transport, base_url="http://api"), token=lambda: "t")
    with pytest.raises(kind, match="because") as caught:
        run(kube.get("/x"))
    assert type(caught.value) is kind


def test_an_answer_that_is_no_json_is_no_answer() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text="<html>"))
    kube = Kube(httpx.AsyncClient(transport=transport, base_url="http://api"))
    with pytest.raises(UnavailableError, match="no JSON"):
        run(kube.get("/x"))


def test_the_token_is_sent_as_it_is_at_that_moment() -> None:
    tokens, seen = iter(["first", "second"]), []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json={})

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://api")
    kube = Kube(client, token=lambda: next(tokens))
    run(kube.get("/x"))
    run(kube.get("/x"))
    assert seen == ["Bearer first", "Bearer second"]


@pytest.fixture
def world() -> World:
    return World()


def replica(world: World, name: str, clock: FakeClock) -> Leading:
    return Leading(world.server.kube(), LEASE, name, monotonic=clock.monotonic, now=clock.now)


def test_one_leads_and_the_other_takes_over_when_it_is_silent(world: World) -> None:
    clock = world.clock
    first, second = replica(world, "a", clock), replica(world, "b", clock)
    run(first.look())
    run(second.look())
    assert (bool(first), bool(second), second.holder) == (True, False, "a")
    clock.sleep(STEP_DOWN_S)
    assert not first  # it could not renew: it acts no more, before the other may
    clock.sleep(LASTS_S - STEP_DOWN_S)
    run(second.look())
    assert not second
    clock.sleep(0.1)
    run(second.look())
    assert second
    run(first.look())
    assert not first
    assert world.spec(LEASE)["leaseTransitions"] == 2


def test_who_renews_keeps_it_whatever_its_clock_says(world: World) -> None:
    ours, theirs = FakeClock(), FakeClock()
    theirs.elapsed = 1e6
    first, second = replica(world, "a", ours), replica(world, "b", theirs)
    for _ in range(20):
        run(first.look())
        run(second.look())
        ours.sleep(2)
        theirs.sleep(2)
    assert (bool(first), bool(second)) == (True, False)


def test_both_at_once_is_one(world: World) -> None:
    first, second = replica(world, "a", world.clock), replica(world, "b", world.clock)
    real = world.api.patch

    def quicker(path: str, body: Any, **more: Any) -> Any:
        world.api.patch = real  # type: ignore[method-assign]
        run_now = world.api.objects[LEASE]
        run_now["spec"] = {"holderIdentity": "b", "renewTime": "x"}
        run_now["metadata"]["resourceVersion"] = "other"
        return real(path, body, **more)

    world.api.patch = quicker  # type: ignore[method-assign]
    run(first.look())
    run(second.look())
    assert (bool(first), bool(second)) == (False, True)


def test_who_ends_gives_it_up_at_once(world: World) -> None:
    first, second = replica(world, "a", world.clock), replica(world, "b", world.clock)
    run(first.look())
    run(second.release())  # not theirs to give
    run(first.release())
    assert not first
    run(second.look())
    assert second


def test_without_an_answer_nobody_begins_to_lead(world: World) -> None:
    world.server.breaks = lambda request: httpx.Response(503)
    leading = replica(world, "a", world.clock)
    with pytest.raises(UnavailableError):
        run(leading.look())
    assert not leading


def test_a_pods_deployment_is_read_off_its_replica_set() -> None:
    mine = fake.pod("a", metadata={"labels": {"pod-template-hash": "7d9f"}})
    assert (deployment_of(mine), workload_of(mine)) == ("web", "deployment/demo/web")
    bare_set = fake.pod("a")
    assert (deployment_of(bare_set), workload_of(bare_set)) == ("", "replicaset/demo/web-7d9f")
    assert workload_of(fake.pod("a", owner=None)) == "pod/demo/a"


@pytest.mark.parametrize(
    "raw", [{}, {"labels": {}}, {"labels": {"alertname": "X"}, "startsAt": "soon"}, {"labels": 5}]
)
def test_an_alert_that_cannot_be_read_is_refused(raw: Json) -> None:
    with pytest.raises(ValueError, match="is expected"):
        of_alert(raw, rules=Exclusions())


def test_the_same_alert_later_is_another_incident() -> None:
    labels = {"alertname": "HighLatency", "namespace": "demo", "job": "web"}
    first, second = (
        of_alert({"labels": labels, "startsAt": f"2026-01-01T0{hour}:00:00Z"}, rules=Exclusions())
        for hour in (1, 2)
    )
    assert first.key != second.key
    assert first.object == second.object == "deployment/demo/web"


def test_quantities() -> None:
    read = [quantity(text) for text in ("250m", "2", "64Mi", "1500000n", "1G")]
    assert read == [0.25, 2, 67108864, 0.0015, 1e9]
    assert mebibytes(quantity("64Mi") + quantity("256Mi")) == "320Mi"
    with pytest.raises(ValueError, match="no quantity"):
        quantity("lots")


def of_job(name: str, phase: str, job: str = "backup") -> Json:
    return fake.pod(name, owner=f"Job/{job}", status={"phase": phase, "containerStatuses": []})


def waiting(name: str, reason: str, phase: str = "Running") -> Json:
    status = {"name": "main", "state": {"waiting": {"reason": reason}}}
    return fake.pod(name, status={"phase": phase, "containerStatuses": [status]})


def test_the_summary_counts_completed_jobs_as_no_errors() -> None:
    pods = [
        fake.pod("a"),
        of_job("b", "Succeeded"),
        of_job("c", "Failed"),  # its job was completed by another pod
        of_job("d", "Failed", job="other"),
        fake.pod("e", status={"phase": "Pending", "containerStatuses": []}),
        waiting("f", "ContainerCreating", phase="Pending"),
        waiting("g", "CrashLoopBackOff"),
        waiting("h", "ImagePullBackOff", phase="Pending"),
        fake.pod("i", status={"phase": "Unknown"}),
    ]
    found = summarize(pods)
    assert (found.total, found.running, found.completed, found.pending, found.error) == (9, 1, 2, 2, 4)
    assert found.success_ratio == pytest.approx(3 / 9)
    assert str(found) == ("total 9, running 1, error 4, pending 2, completed 2; success rate 33.3%")


def test_forty_of_forty_seven_are_eighty_five_percent() -> None:
    pods = [fake.pod(str(number)) for number in range(40)] + [
        waiting(f"x{n}", "CrashLoopBackOff") for n in range(7)
    ]
    assert summarize(pods).success_ratio == pytest.approx(0.851, abs=0.001)
    assert summarize([]).success_ratio == 1.0
