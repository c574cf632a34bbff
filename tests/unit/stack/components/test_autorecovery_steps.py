"""What each playbook does to the cluster, what it refuses to do, and its way back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from aftershock_components.autorecovery.reading import read_playbooks
from aftershock_components.autorecovery.steps.protocol import BEFORE

from aftershock.testing import kube as fake
from aftershock.testing.kube import merge
from tests.unit.stack.components.autorecovery_world import (
    BUDGETS,
    DEPLOYMENTS,
    HPAS,
    LOGS,
    NODE_METRICS,
    PLAYBOOKS,
    POD_METRICS,
    World,
)

WEB = f"{DEPLOYMENTS}/web"
POD = "/api/v1/namespaces/demo/pods/web-7d9f-a"
REVIEWS = "/apis/apps/v1/namespaces/bookinfo/deployments/reviews-{}"


@pytest.fixture
def world() -> World:
    return World()


def often(world: World, name: str = "web-7d9f-a", **more: Any) -> None:
    world.pod(name, restarts=6, reason="Error", **more)


def test_five_restarts_are_not_more_than_five(world: World) -> None:
    world.pod("web-7d9f-a", restarts=5, reason="Error")
    assert world.look() == []


@pytest.mark.parametrize(("replicas", "to"), [(3, 5), (8, 10), (9, 10)])
def test_a_deployment_gets_two_more_up_to_ten(world: World, replicas: int, to: int) -> None:
    world.deployment("web", replicas=replicas)
    often(world)
    assert world.look() == [f"PATCH {WEB}"]
    assert world.spec(WEB)["replicas"] == to
    assert world.events() == ["AutoRecovered web"]


def test_beyond_ten_the_pod_is_restarted(world: World) -> None:
    world.deployment("web", replicas=10)
    often(world)
    assert world.look() == [f"POST {POD}/eviction"]
    assert world.spec(WEB)["replicas"] == 10


def test_where_an_hpa_owns_the_replicas_its_least_is_raised(world: World) -> None:
    """The deployment has 4 at this moment, by the HPA's own choice: 6 are two more than that."""
    world.deployment("web", replicas=4)
    world.hpa(least=3, most=10)
    often(world)
    assert world.look() == [f"PATCH {HPAS}/web"]
    assert world.spec(f"{HPAS}/web")["minReplicas"] == 6
    assert world.spec(WEB)["replicas"] == 4


def test_no_further_than_the_hpa_goes(world: World) -> None:
    world.deployment("web", replicas=5)
    world.hpa(most=5)
    often(world)
    assert world.look() == [f"POST {POD}/eviction"]
    assert world.spec(f"{HPAS}/web")["minReplicas"] == 3


def test_an_hpa_of_another_deployment_is_nobodys_here(world: World) -> None:
    world.hpa(name="other")
    often(world)
    assert world.look() == [f"PATCH {WEB}"]


def test_while_the_hpa_scales_it_is_let(world: World) -> None:
    world.hpa()
    world.api.objects[WEB]["spec"]["replicas"] = 6  # three are on their way
    often(world)
    assert world.look() == []
    world.settle("web")
    assert world.look(after_s=2) == [f"PATCH {HPAS}/web"]
    assert world.spec(f"{HPAS}/web")["minReplicas"] == 8


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"spec": {"paused": True}}, "paused"),
        ({"status": {"updatedReplicas": 1}}, "1 of 3 replicas"),
        ({"status": {"replicas": 4}}, "of 4"),
        ({"status": {"conditions": [{"type": "Progressing", "reason": "ReplicaSetUpdated"}]}}, "not over"),
        ({"status": {"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}}, "not"),
    ],
)  # fmt: skip
def test_every_kind_of_rollout_is_waited_for(world: World, change: dict[str, Any], why: str) -> None:
    world.api.objects[WEB] = merge(world.api.objects[WEB], change)
    often(world)
    assert world.look() == []
    assert why in world.incident().why


def test_what_is_scaled_to_zero_stays_there(world: World) -> None:
    world.deployment("web", replicas=0)
    world.hear(world.alert("HighLatency", namespace="demo", job="web"))
    assert world.look() == []
    assert world.counted("high-latency", "nothing") == 1


def test_a_pod_without_a_deployment_is_restarted_and_one_without_anybody_left(world: World) -> None:
    often(
        world,
        "db-0",
        metadata={"ownerReferences": [{"kind": "StatefulSet", "name": "db", "controller": True}]},
    )
    often(world, "alone", metadata={"ownerReferences": []})
    assert world.look() == ["POST /api/v1/namespaces/demo/pods/db-0/eviction"]
    assert world.counted("many-restarts", "nothing") == 1
    assert "AutoRecoveryNothingToDo alone" in world.events()


def test_somebody_elses_change_between_plan_and_act_is_seen(world: World) -> None:
    """Scaled to 4 by hand at that very moment: two more than that, not what was planned."""
    often(world)
    real = world.api.patch

    def meanwhile(path: str, body: Any, **more: Any) -> Any:
        if path == WEB and world.api.objects[WEB]["spec"]["replicas"] == 3:
            world.api.objects[WEB]["metadata"]["resourceVersion"] = "changed"
            world.api.objects[WEB]["spec"]["replicas"] = 4
            world.settle("web")
        return real(path, body, **more)

    world.api.patch = meanwhile  # type: ignore[method-assign]
    world.look()
    assert world.spec(WEB)["replicas"] == 4
    world.look(after_s=2)
    assert world.spec(WEB)["replicas"] == 6
    assert world.counted("many-restarts", "acted") == 1


def test_a_crash_loop_leaves_logs_and_a_budget_and_a_new_pod(world: World) -> None:
    world.crashing()
    assert world.look() == [f"POST {BUDGETS}", f"POST {POD}/eviction"]
    assert world.api.get(LOGS)["data"] == {"demo.web-7d9f-a.main.5": "the last words\n"}
    budget = world.spec(f"{BUDGETS}/autorecovery-web")
    assert budget["selector"] == {"matchLabels": {"app": "web"}}
    assert budget["maxUnavailable"] == 1
    assert POD not in world.api.objects
    assert (world.counted("crash-loop", "prepared"), world.counted("crash-loop", "acted")) == (2, 1)
    assert world.events() == [
        "AutoRecoveryPrepared web-7d9f-a",
        "AutoRecoveryPrepared web",
        "AutoRecovered web-7d9f-a",
    ]


def test_four_restarts_are_no_crash_loop_yet(world: World) -> None:
    world.crashing(restarts=4)
    assert world.look() == []


def test_a_budget_that_is_there_is_left_and_asked(world: World) -> None:
    spec = {"minAvailable": 0, "selector": {"matchLabels": {"app": "web"}}}
    world.api.add(BUDGETS, {"metadata": {"name": "web"}, "spec": spec})
    world.crashing()
    assert world.look() == [f"POST {POD}/eviction"]


def test_logs_that_are_not_there_keep_nobody_from_going_on(world: World) -> None:
    world.crashing()
    world.api.logs.clear()
    assert f"POST {POD}/eviction" in world.look()
    assert "data" not in world.api.get(LOGS)


def test_logs_are_cut_and_the_oldest_go(world: World) -> None:
    for number in range(25):
        name = f"w{number}-7d9f-a"
        world.deployment(f"w{number}")
        owner = {"kind": "ReplicaSet", "name": f"w{number}-7d9f", "controller": True}
        world.crashing(name, metadata={"ownerReferences": [owner]})
        world.api.logs[f"/api/v1/namespaces/demo/pods/{name}/log"] = "x" * 20000 + str(number)
        world.look(after_s=60)
    kept = world.api.get(LOGS)["data"]
    assert sorted(kept) == sorted(f"demo.w{number}-7d9f-a.main.5" for number in range(5, 25))
    assert {len(text) for text in kept.values()} == {16384}
    assert kept["demo.w24-7d9f-a.main.5"].endswith("24")


def test_high_latency_scales_to_five_by_the_alerts_labels(world: World) -> None:
    world.hear(world.alert("HighLatency", namespace="demo", job="web"))
    assert world.look() == [f"PATCH {WEB}"]
    assert world.spec(WEB)["replicas"] == 5


def test_high_latency_raises_the_hpas_least(world: World) -> None:
    world.hpa()
    world.hear(world.alert("HighLatency", namespace="demo", job="web"))
    assert world.look() == [f"PATCH {HPAS}/web"]
    assert world.spec(f"{HPAS}/web")["minReplicas"] == 5


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"namespace": "demo", "job": "web2"}, "web2 is expected; found: none"),
        ({"namespace": "demo", "job": "twins"}, "found: twin-a, twin-b"),
        ({"job": "web"}, "is of no deployment"),
    ],
)
def test_an_alert_that_names_no_one_deployment_is_no_action(
    world: World, labels: dict[str, str], why: str
) -> None:
    for name in ("twin-a", "twin-b"):
        world.deployment(name, spec={"template": {"metadata": {"labels": {"app": "twins"}}}})
    world.hear(world.alert("HighLatency", **labels))
    assert world.look() == []
    assert why in world.incident().why
    assert world.counted("high-latency", "nothing") == 1


def test_five_replicas_are_enough_already(world: World) -> None:
    world.deployment("web", replicas=6)
    world.hear(world.alert("HighLatency", namespace="demo", job="web"))
    assert world.look() == []
    assert "has 6 replicas already" in world.incident().why


LARGE = {"name": "main", "resources": {"limits": {"memory": "2Gi"}}}


def saturated(world: World, use: str) -> None:
    world.pod("web-7d9f-a")
    world.uses("web-7d9f-a", use)
    world.hear(world.alert("HighMemorySaturation", node="w1"))


def test_the_deployment_nearest_to_its_limit_gets_more_memory(world: World) -> None:
    world.deployment("idle")
    owner = {"kind": "ReplicaSet", "name": "idle-7d9f", "controller": True}
    world.pod("idle-7d9f-a", metadata={"ownerReferences": [owner]})
    world.uses("idle-7d9f-a", "52Mi")
    saturated(world, "60Mi")
    assert world.look() == [f"PATCH {WEB}"]
    [container] = world.spec(WEB)["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "320Mi"
    assert world.look(after_s=60) == []


def test_a_request_that_was_the_limit_stays_it(world: World) -> None:
    resources = {"limits": {"memory": "64Mi", "cpu": "1"}, "requests": {"memory": "64Mi"}}
    containers = [{"name": "main", "resources": resources}, {"name": "side"}]
    world.api.objects[WEB]["spec"]["template"]["spec"]["containers"] = containers
    saturated(world, "60Mi")
    world.look()
    main, side = world.spec(WEB)["template"]["spec"]["containers"]
    assert main["resources"] == {"limits": {"memory": "320Mi", "cpu": "1"}, "requests": {"memory": "320Mi"}}
    assert side == {"name": "side"}


@pytest.mark.parametrize(
    ("use", "change", "why"),
    [
        ("30Mi", {}, "web uses 47%"),
        ("60Mi", {"metadata": {"annotations": {"autorecovery.aftershock.dev/opt-out": "true"}}}, "opt-out"),
        ("60Mi", {"spec": {"template": {"spec": {"containers": [LARGE]}}}}, "2Gi is the most"),
    ],
)  # fmt: skip
def test_no_more_memory_where_it_would_not_help(
    world: World, use: str, change: dict[str, Any], why: str
) -> None:
    world.api.objects[WEB] = merge(world.api.objects[WEB], change)
    saturated(world, use)
    assert world.look() == []
    assert why in world.incident().why


def test_a_vertical_autoscaler_is_not_fought(world: World) -> None:
    path = "/apis/autoscaling.k8s.io/v1/namespaces/demo/verticalpodautoscalers"
    vpa = {
        "spec": {"targetRef": {"kind": "Deployment", "name": "web"}, "updatePolicy": {"updateMode": "Auto"}}
    }
    world.api.objects[path] = {"metadata": {}, "items": [vpa]}
    saturated(world, "60Mi")
    assert world.look() == []
    assert "vertical autoscaler" in world.incident().why


def test_a_node_out_of_memory_is_cordoned_drained_and_given_back(world: World) -> None:
    world.pod("web-7d9f-a")
    world.pod(
        "agent-x", metadata={"ownerReferences": [{"kind": "DaemonSet", "name": "agent", "controller": True}]}
    )
    world.pod("job-x", status={"phase": "Succeeded"})
    world.pod("alone", metadata={"ownerReferences": []})
    world.pod("static", metadata={"annotations": {"kubernetes.io/config.mirror": "x"}})
    world.pod("carrier", metadata={"namespace": "aftershock"})
    world.pod("elsewhere-7d9f-a", spec={"nodeName": "w2"})
    world.pressed("w1")
    assert world.look() == ["PATCH /api/v1/nodes/w1", f"POST {POD}/eviction"]
    assert world.spec("/api/v1/nodes/w1")["unschedulable"] is True
    assert world.look(after_s=2) == []
    assert world.incident().outcome == "acted"
    left = {name.rpartition("/")[2] for name in world.api.objects if "/pods/" in name}
    assert left == {"agent-x", "job-x", "alone", "static", "carrier", "elsewhere-7d9f-a"}
    # It stays cordoned for as long as there is pressure, and a minute longer.
    assert world.look(after_s=300) == []
    world.api.objects["/api/v1/nodes/w1"]["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    assert world.look(after_s=50) == []
    assert world.look(after_s=15) == ["PATCH /api/v1/nodes/w1"]
    assert "unschedulable" not in world.spec("/api/v1/nodes/w1")
    assert world.counted("memory-pressure", "returned") == 1


def test_a_drain_waits_for_budgets_gives_up_and_still_gives_the_node_back(world: World) -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    world.api.add(BUDGETS, {"metadata": {"name": "web"}, "spec": spec})
    world.pod("web-7d9f-a")
    world.pressed("w1")
    for _ in range(160):
        world.look(after_s=2)
    assert POD in world.api.objects
    assert world.incident().outcome == "gave-up"
    assert "its budget does not allow it now" in world.incident().why
    world.api.objects["/api/v1/nodes/w1"]["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    world.look(after_s=61)
    assert "unschedulable" not in world.spec("/api/v1/nodes/w1")


def test_a_drain_goes_on_where_its_predecessor_died(world: World) -> None:
    world.pod("web-7d9f-a")
    world.pod("web-7d9f-b")
    world.pressed("w1")
    world.look()
    world.restart()
    world.pod("web-7d9f-c")
    assert world.look(after_s=2) == ["POST /api/v1/namespaces/demo/pods/web-7d9f-c/eviction"]
    assert world.counted("memory-pressure", "acted") == 0
    world.look(after_s=2)
    assert world.counted("memory-pressure", "acted") == 1


def test_a_drain_that_is_stopped_is_taken_back_when_the_pressure_is_over(world: World) -> None:
    world.pod("web-7d9f-a", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    world.pressed("w1")
    world.look()
    world.engine.dry_run = True
    world.pod("web-7d9f-b")
    assert world.look(after_s=2) == []
    assert world.incident().why == "it is a dry run by now"
    world.api.objects["/api/v1/nodes/w1"]["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    assert world.look(after_s=61) == ["PATCH /api/v1/nodes/w1"]
    assert "unschedulable" not in world.spec("/api/v1/nodes/w1")


@pytest.mark.parametrize(
    ("node", "change", "why"),
    [
        ("cp", {}, "of the control plane"),
        ("w1", {"spec": {"unschedulable": True}}, "cordoned already"),
        ("w1", {"metadata": {"annotations": {"autorecovery.aftershock.dev/opt-out": "true"}}}, ""),
    ],
)
def test_nodes_that_are_not_drained(world: World, node: str, change: dict[str, Any], why: str) -> None:
    path = f"/api/v1/nodes/{node}"
    world.api.objects[path] = merge(world.api.objects[path], change)
    world.pressed(node)
    assert world.look() == []
    assert not why or why in world.incident().why


def test_the_last_worker_is_not_drained(world: World) -> None:
    world.api.objects["/api/v1/nodes/w2"]["spec"]["unschedulable"] = True
    world.pressed("w1")
    assert world.look() == []
    assert "the last one that takes pods" in world.incident().why


def test_what_a_node_said_before_it_fell_silent_is_no_trouble_now(world: World) -> None:
    world.pressed("w1")
    world.api.objects["/api/v1/nodes/w1"]["status"]["conditions"][0]["status"] = "Unknown"
    assert world.look() == []


def test_a_cordon_that_somebody_took_off_is_not_put_back_on(world: World) -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    world.api.add(BUDGETS, {"metadata": {"name": "web"}, "spec": spec})
    world.pod("web-7d9f-a")
    world.pressed("w1")
    world.look()
    del world.api.objects["/api/v1/nodes/w1"]["spec"]["unschedulable"]
    assert world.look(after_s=2) == []
    assert "somebody has uncordoned" in world.incident().why


def busy_world(world: World) -> None:
    for version, replicas in (("v2", 1), ("v3", 2)):
        world.deployment(f"reviews-{version}", namespace="bookinfo", replicas=replicas)


def rush(world: World, seconds: int) -> list[str]:
    """Be busy for so long; return what was changed."""
    made = []
    for _ in range(seconds // 2):
        world.busy("1900m")
        made += world.look(after_s=2)
    return made


def test_a_busy_control_plane_is_relieved_and_gets_all_back_when_it_is_calm(world: World) -> None:
    busy_world(world)
    assert rush(world, 20) == []
    assert rush(world, 4) == [f"PATCH {REVIEWS.format('v2')}", f"PATCH {REVIEWS.format('v3')}"]
    for version, before in (("v2", "1"), ("v3", "2")):
        found = world.api.get(REVIEWS.format(version))
        assert (found["spec"]["replicas"], found["metadata"]["annotations"][BEFORE]) == (0, before)
    assert rush(world, 120) == []
    world.restart()
    world.busy("100m")
    assert world.look(after_s=30) == []
    world.busy("100m")
    assert len(world.look(after_s=40)) == 2
    assert world.spec(REVIEWS.format("v3"))["replicas"] == 2
    assert BEFORE not in world.api.get(REVIEWS.format("v3"))["metadata"]["annotations"]
    assert world.counted("control-plane-cpu", "returned") == 1


def test_the_next_rush_is_another_incident(world: World) -> None:
    busy_world(world)
    rush(world, 30)
    world.busy("100m")
    world.look(after_s=10)
    world.look(after_s=70)
    for version in ("v2", "v3"):
        world.settle(f"reviews-{version}", namespace="bookinfo")
    world.clock.sleep(120)
    assert len(rush(world, 40)) == 2
    assert world.counted("control-plane-cpu", "acted") == 2


def test_what_somebody_scaled_up_meanwhile_is_left_to_them(world: World) -> None:
    busy_world(world)
    rush(world, 30)
    world.api.objects[REVIEWS.format("v2")]["spec"]["replicas"] = 4
    world.busy("100m")
    world.look(after_s=10)
    world.look(after_s=70)
    assert world.spec(REVIEWS.format("v2"))["replicas"] == 4
    assert BEFORE not in world.api.get(REVIEWS.format("v2"))["metadata"]["annotations"]


def test_a_busy_worker_and_an_old_reading_are_no_trouble(world: World) -> None:
    busy_world(world)
    world.api.objects["/api/v1/nodes/w1"]["status"]["allocatable"] = {"cpu": "2"}
    for _ in range(20):
        world.busy("1900m", name="w1")
        assert world.look(after_s=2) == []
    world.busy("1900m")
    for _ in range(60):
        world.look(after_s=2)
    assert world.spec(REVIEWS.format("v2"))["replicas"] in {0, 1}
    assert world.seeing.loads == []


def test_ninety_percent_is_not_more_than_ninety(world: World) -> None:
    busy_world(world)
    for _ in range(30):
        world.busy("1800m")
        assert world.look(after_s=2) == []


def test_without_the_metrics_api_nothing_is_known_of_the_cpu(world: World) -> None:

    def missing(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(404, json={}) if request.url.path == NODE_METRICS else None

    world.server.breaks = missing
    world.oom()
    assert world.look() == [f"POST {POD}/eviction"]
    assert "404" in world.seeing.problem


def test_low_priority_deployments_with_an_hpa_or_none_left_are_named(world: World) -> None:
    text = PLAYBOOKS.read_text().replace("bookinfo/reviews-v2", "demo/web")
    world = World(books=read_playbooks(text))
    world.hpa()
    assert rush(world, 40) == []
    assert "demo/web: an HPA owns its replicas" in world.incident().why
    assert "bookinfo/reviews-v3: there is none" in world.incident().why


def test_pods_of_other_nodes_are_not_counted_for_memory(world: World) -> None:
    world.api.add_pods(fake.pod("far", node="w2"))
    world.api.objects[POD_METRICS]["items"] = []
    world.hear(world.alert("HighMemorySaturation", node="w1"))
    assert world.look() == []
    assert "none has a limit" in world.incident().why
