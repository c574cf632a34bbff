"""One incident, one action: limits, order, restarts in the middle, and an API that is away."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest
from aftershock_components.autorecovery.kube import ConflictError, UnavailableError
from aftershock_components.autorecovery.reading import read_playbooks

from tests.unit.stack.components.autorecovery_world import (
    DEPLOYMENTS,
    INCIDENTS,
    PLAYBOOKS,
    World,
    run,
)

WEB = f"{DEPLOYMENTS}/web"
EVICTION = "POST /api/v1/namespaces/demo/pods/{}/eviction"


@pytest.fixture
def world() -> World:
    return World()


def test_a_crash_loop_that_its_budget_keeps_gets_company_at_the_next_restart(world: World) -> None:
    """The kubelet's sixth restart comes 160 s after the crash, later than the eviction is given up."""
    budgets = "/apis/policy/v1/namespaces/demo/poddisruptionbudgets"
    spec = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    world.api.add(budgets, {"metadata": {"name": "web", "namespace": "demo"}, "spec": spec})
    world.crashing()
    for _ in range(62):
        assert f"PATCH {WEB}" not in world.look(after_s=2)
    assert world.counted("crash-loop", "gave-up") == 1
    pod = world.api.objects["/api/v1/namespaces/demo/pods/web-7d9f-a"]
    world.clock.sleep(36)
    # It runs again: its end is too long ago, and then it is new.
    (status,) = pod["status"]["containerStatuses"]
    status |= {"restartCount": 6, "state": {"running": {}}}
    assert world.look() == []
    world.crashing(restarts=6)
    assert world.look(after_s=2) == [f"PATCH {WEB}"]
    assert world.spec(WEB)["replicas"] == 5
    assert world.counted("many-restarts", "acted") == 1


def test_an_oom_killed_pod_is_restarted_once_and_said_so(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.oom("web-7d9f-a")
    world.pod("web-7d9f-b")
    assert world.look() == [EVICTION.format("web-7d9f-a")]
    assert world.look(after_s=2) == []
    assert world.events() == ["AutoRecovered web-7d9f-a"]
    assert world.counted("out-of-memory", "acted") == 1
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["event"], line["playbook"], line["about"]) == (
        "acted",
        "out-of-memory",
        "pod/demo/web-7d9f-a",
    )


def test_the_same_termination_is_one_incident_however_often_it_is_seen(world: World) -> None:
    """The eviction is accepted, but the pod takes its time: its status still says OOMKilled."""
    world.oom()
    kept = world.api.objects["/api/v1/namespaces/demo/pods/web-7d9f-a"]
    world.look()
    world.api.add_pods(kept)
    for _ in range(20):
        assert world.look(after_s=2) == []
    assert world.counted("out-of-memory", "acted") == 1


def test_an_old_termination_is_no_trouble(world: World) -> None:
    world.oom()
    world.clock.sleep(120)
    assert world.look() == []
    assert world.incidents.state.incidents == []


def test_out_of_memory_again_is_answered_by_company(world: World) -> None:
    world.oom("web-7d9f-a")
    world.look()
    world.clock.sleep(60)
    world.oom("web-7d9f-b")
    assert world.look() == [f"PATCH {WEB}"]
    assert world.spec(WEB)["replicas"] == 5
    assert world.counted("out-of-memory-again", "acted") == 1


def test_actions_on_one_workload_back_off(world: World) -> None:
    """30 s after the first action, 60 s after the second, 120 s after the third."""
    text = PLAYBOOKS.read_text().replace('condition = {again_within = "10m"}', "dry_run = false")
    world = World(books=read_playbooks(text.replace('name = "out-of-memory-again"', 'name = "company"')))
    acted: list[float] = []
    for number in range(240):
        world.oom(f"web-7d9f-{number}")
        if world.look(after_s=2):
            acted.append(world.clock.monotonic())
        for name in [p["metadata"]["name"] for p in world.api.items("/api/v1/namespaces/demo/pods")]:
            del world.api.objects[f"/api/v1/namespaces/demo/pods/{name}"]
        world.settle("web")
    pauses = [later - earlier for earlier, later in pairwise(acted)]
    assert pauses == [30, 60, 120, 240]


def test_a_playbook_acts_only_so_often(world: World) -> None:
    text = PLAYBOOKS.read_text().replace("actions = 20", "actions = 2")
    world = World(books=read_playbooks(text))
    for name in "abc":
        world.deployment(f"web{name}")
        world.oom(
            f"web{name}-7d9f-0",
            metadata={
                "ownerReferences": [{"kind": "ReplicaSet", "name": f"web{name}-7d9f", "controller": True}]
            },
        )
    assert len(world.look()) == 2
    assert "acted 2 times within 10m" in world.incident().why
    # Then the trouble is over by itself: nothing is done about it later.
    assert world.look(after_s=601) == []


def test_more_trouble_of_one_pod_is_one_action(world: World) -> None:
    """Out of memory, often restarted, and in a crash loop: the first playbook in the file answers all."""
    world.pod("web-7d9f-a", restarts=6, reason="OOMKilled", waiting="CrashLoopBackOff")
    kept = dict(world.api.objects["/api/v1/namespaces/demo/pods/web-7d9f-a"])
    changed = world.look()
    assert [line for line in changed if "eviction" in line] == [EVICTION.format("web-7d9f-a")]
    world.api.add_pods(kept)
    for _ in range(60):
        assert world.look(after_s=2) == []
    assert world.spec(WEB)["replicas"] == 3
    assert world.counted("crash-loop", "acted") > 0
    assert world.counted("many-restarts", "acted") == world.counted("out-of-memory", "acted") == 0


def test_two_crashing_pods_of_one_workload_are_both_restarted_one_after_the_other(world: World) -> None:
    world.crashing("web-7d9f-a")
    world.crashing("web-7d9f-b")
    assert EVICTION.format("web-7d9f-a") in world.look()
    assert world.look(after_s=2) == []
    assert EVICTION.format("web-7d9f-b") in world.look(after_s=60)


def test_trouble_that_ends_before_its_turn_is_left_alone_and_taken_up_when_it_is_back(world: World) -> None:
    world.oom("web-7d9f-a")
    world.look()
    world.crashing("web-7d9f-b")
    assert world.look(after_s=2) == []  # too soon after the other
    status = world.api.objects["/api/v1/namespaces/demo/pods/web-7d9f-b"]["status"]["containerStatuses"][0]
    status["state"], waiting = {"running": {}}, status["state"]
    world.look(after_s=2)
    assert world.incident().outcome == "over"
    status["state"] = waiting
    assert EVICTION.format("web-7d9f-b") in world.look(after_s=90)


def test_a_rollout_is_waited_for_and_given_up(world: World) -> None:
    """What was written is kept and a budget made; but the pod is its author's business."""
    world.api.objects[WEB]["metadata"]["generation"] = 2
    world.crashing()
    assert world.look() == ["POST /apis/policy/v1/namespaces/demo/poddisruptionbudgets"]
    for _ in range(70):
        assert world.look(after_s=2) == []
    assert world.counted("crash-loop", "gave-up") == 1
    assert "AutoRecoveryGaveUp web-7d9f-a" in world.events()
    assert world.incident().phase == "closed"


def test_a_rollout_that_ends_is_followed_by_the_action(world: World) -> None:
    world.api.objects[WEB]["metadata"]["generation"] = 2
    world.oom()
    assert world.look() == []
    assert "specification is not taken up" in world.incident().why
    world.api.objects[WEB]["status"]["observedGeneration"] = 2
    assert world.look(after_s=2) == [EVICTION.format("web-7d9f-a")]


def test_a_budget_is_asked_and_waited_for(world: World) -> None:
    budget = {
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    world.api.add("/apis/policy/v1/namespaces/demo/poddisruptionbudgets", budget)
    world.oom()
    for _ in range(3):
        world.look(after_s=2)
        assert "/api/v1/namespaces/demo/pods/web-7d9f-a" in world.api.objects
    assert "disruption budget" in world.incident().why
    world.pod("web-7d9f-b")
    world.look(after_s=2)
    assert "/api/v1/namespaces/demo/pods/web-7d9f-a" not in world.api.objects
    assert world.counted("out-of-memory", "acted") == 1


@pytest.mark.parametrize("how", ["the answer is lost", "before"])
@pytest.mark.parametrize("number", range(1, 9))
def test_dying_at_any_moment_ends_in_one_action(world: World, number: int, how: str) -> None:
    """Whichever write was the last: whoever takes over ends with two replicas more, and no more than that."""
    world.pod("web-7d9f-a", restarts=6, reason="Error")
    count = 0

    def breaks(request: httpx.Request) -> httpx.Response | None:
        nonlocal count
        if request.method not in {"PATCH", "POST"} or "/events" in request.url.path:
            return None
        count += 1
        if count != number:
            return None
        if how != "before":
            body = json.loads(request.content)
            world.api.patch(request.url.path, body)
        raise httpx.ReadError("the connection broke", request=request)

    world.server.breaks = breaks
    for _ in range(20):
        try:
            world.look(after_s=2)
        except (UnavailableError, ConflictError):
            world.restart()
    assert world.spec(WEB)["replicas"] == 5
    assert world.incident().outcome == "acted"


def test_an_eviction_whose_answer_is_lost_is_not_repeated_on_the_next_pod_of_the_name(world: World) -> None:
    world.oom("web-7d9f-a")

    def breaks(request: httpx.Request) -> httpx.Response | None:
        if "eviction" in request.url.path:
            world.server.breaks = lambda _: None
            world.server.answer(request)
            raise httpx.ReadError("the connection broke", request=request)
        return None

    world.server.breaks = breaks
    with pytest.raises(UnavailableError):
        world.look()
    world.pod("web-7d9f-a", metadata={"uid": "another"})
    world.restart()
    world.look(after_s=2)
    assert world.api.objects["/api/v1/namespaces/demo/pods/web-7d9f-a"]["metadata"]["uid"] == "another"
    assert world.incident().outcome == "acted"


def test_a_replica_that_was_overtaken_does_nothing(world: World) -> None:
    """It still believes to lead; the other one has read the state since."""
    world.look()
    other = world.engine
    incidents = world.incidents
    world.restart()
    world.look()
    world.oom()
    world.see()
    findings = run(world.seeing.findings())
    world.api.calls.clear()
    with pytest.raises(ConflictError):
        run(other.look(findings, leads=lambda: True))
    assert world.changes() == []
    assert not incidents.loaded


def test_an_api_that_is_away_for_a_minute_costs_nothing_but_the_minute(world: World) -> None:
    world.look()
    world.oom()

    def away(request: httpx.Request) -> httpx.Response | None:
        raise httpx.ConnectError("refused", request=request)

    world.see()
    findings = run(world.seeing.findings())
    world.server.breaks = away
    for _ in range(30):
        world.clock.sleep(2)
        with pytest.raises(UnavailableError):
            run(world.engine.look(findings, leads=lambda: True))
    world.server.breaks = lambda _: None
    assert world.look(after_s=1) == [EVICTION.format("web-7d9f-a")]
    assert world.counted("out-of-memory", "acted") == 1


def test_a_right_that_is_missing_ends_the_incident_with_a_word(world: World) -> None:
    def forbids(request: httpx.Request) -> httpx.Response | None:
        if "eviction" in request.url.path:
            return httpx.Response(403, json={"message": "may not evict"})
        return None

    world.server.breaks = forbids
    world.oom()
    world.look()
    assert world.incident().outcome == "failed"
    assert "may not evict" in world.incident().why
    assert world.counted("out-of-memory", "failed") == 1
    assert world.look(after_s=2) == []


def test_who_leads_no_more_stops_in_the_middle(world: World) -> None:
    world.crashing()
    leads = iter([True, True, False, False, False])
    world.see()
    findings = run(world.seeing.findings())
    run(world.engine.look(findings, leads=lambda: next(leads)))
    assert not [line for line in world.changes() if "eviction" in line]


def test_a_dry_run_changes_nothing_and_says_once_what_it_would_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(dry_run=True)
    world.crashing("web-7d9f-a")
    world.pressed("w1")
    world.hear(world.alert("HighLatency", namespace="demo", job="web"))
    for _ in range(5):
        assert world.look(after_s=2) == []
    assert world.events() == []
    says = [json.loads(line)["says"] for line in capsys.readouterr().out.splitlines()]
    for words in ("restart pod web-7d9f-a", "from 3 to 5", "drain node w1", "make a budget"):
        assert len([line for line in says if words in line]) == 1, words
    assert world.counted("high-latency", "dry-run") == 1


def test_one_playbook_alone_can_be_a_dry_run(world: World) -> None:
    text = PLAYBOOKS.read_text().replace(
        'name = "out-of-memory"\n', 'name = "out-of-memory"\ndry_run = true\n'
    )
    world = World(books=read_playbooks(text))
    world.oom()
    assert world.look() == []
    assert world.counted("out-of-memory", "dry-run") == 1


def test_an_alert_is_kept_through_a_restart_and_acted_upon_once(world: World) -> None:
    slow = world.alert("HighLatency", namespace="demo", job="web")
    world.hear(slow)
    world.restart()
    assert world.look() == [f"PATCH {WEB}"]
    assert world.spec(WEB)["replicas"] == 5
    world.hear(slow)  # it is repeated while it fires
    world.settle("web")
    assert world.look(after_s=60) == []


def test_what_was_done_for_an_alert_is_taken_back_when_it_is_long_over(world: World) -> None:
    slow = world.alert("HighLatency", namespace="demo", job="web")
    world.hear(slow)
    world.look()
    world.settle("web")
    world.clock.sleep(3000)
    assert world.look() == []  # it still fires
    world.hear(resolved=(slow,))
    assert world.look(after_s=1790) == []
    assert world.look(after_s=20) == [f"PATCH {WEB}"]
    assert world.spec(WEB)["replicas"] == 3
    assert world.counted("high-latency", "returned") == 1


def test_what_somebody_has_changed_since_is_not_taken_back(world: World) -> None:
    slow = world.alert("HighLatency", namespace="demo", job="web")
    world.hear(slow)
    world.look()
    world.api.objects[WEB]["spec"]["replicas"] = 7
    world.hear(resolved=(slow,))
    assert world.look(after_s=1801) == []
    assert world.spec(WEB)["replicas"] == 7
    assert world.incident().phase == "closed"


def test_an_alert_nobody_speaks_of_any_more_is_over(world: World) -> None:
    world.hear(world.alert("HighLatency", namespace="demo", job="web"))
    world.look()
    world.look(after_s=timedelta(hours=3, seconds=1).total_seconds())
    assert not world.incident().firing


def test_other_alerts_are_nobodys_business(world: World) -> None:
    world.hear(world.alert("HighTraffic", namespace="demo", job="web"))
    assert world.incidents.state.incidents == []
    assert world.look() == []


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"namespace": "monitoring"}},
        {"metadata": {"namespace": "kube-system"}},
        {"metadata": {"name": "web-heartbeat-7d9f-a"}},
        {"metadata": {"name": "node-exporter-x"}},
        {"metadata": {"labels": {"aftershock.dev/fault": "f1"}}},
        {"metadata": {"annotations": {"autorecovery.aftershock.dev/opt-out": "true"}}},
    ],
)
def test_what_is_excluded_is_left_alone_and_that_is_said_once(
    world: World, change: dict[str, dict[str, str]]
) -> None:
    meta = change["metadata"]
    world.oom(str(meta.get("name", "web-7d9f-a")), **change)
    for _ in range(3):
        assert world.look(after_s=2) == []
    assert world.counted("out-of-memory", "excluded") == 1
    assert world.incidents.state.incidents == []
    assert world.events() == []


def test_a_deployment_that_opted_out_speaks_for_its_pods(world: World) -> None:
    world.api.objects[WEB]["metadata"]["annotations"] = {"autorecovery.aftershock.dev/opt-out": "true"}
    world.oom()
    world.pod("web-7d9f-b", restarts=9, reason="Error")
    assert world.look() == []
    assert world.counted("many-restarts", "excluded") == 1
    assert world.look(after_s=90) == []


def test_what_is_long_over_is_forgotten_and_the_rest_kept(world: World) -> None:
    world.oom()
    world.look()
    assert len(world.incidents.state.incidents) == 1
    world.look(after_s=3700)
    world.look(after_s=2)
    assert world.incidents.state.incidents == []
    assert world.incidents.state.acts == []
    assert json.loads(world.api.get(INCIDENTS)["data"]["state"])["incidents"] == []


def test_a_playbook_that_is_taken_out_leaves_no_incident_waiting(world: World) -> None:
    world.api.objects[WEB]["metadata"]["generation"] = 2
    world.oom()
    world.look()
    world.books = read_playbooks(
        PLAYBOOKS.read_text().replace('name = "out-of-memory"\n', 'name = "other"\n')
    )
    world.restart()
    assert world.look(after_s=2) == []
    assert world.incident().phase == "closed"
