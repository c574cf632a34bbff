"""The guard: every rule, and someone who tries to get past it."""

from __future__ import annotations

import pytest

from aftershock.cluster.connection import Cluster, Endpoint, Monitoring
from aftershock.cluster.guard import Guard
from aftershock.cluster.targets import Target
from aftershock.config import Settings
from aftershock.errors import RefusedError
from aftershock.testing.kube import FakeApi, node, pod

OPEN = {"aftershock.dev/allow": "true"}
BOLD = Settings(allow_protected=True)


def pod_target(name: str, namespace: str = "demo", uid: str = "") -> Target:
    return Target(kind="pod", name=name, uid=uid or f"uid-{name}", namespace=namespace)


def node_target(name: str) -> Target:
    return Target(kind="node", name=name, uid=f"uid-{name}")


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    for name, labels in (
        ("demo", OPEN),
        ("shop", {}),
        ("sly", {"aftershock.dev/allow": "True"}),
        ("kube-system", {}),
        ("watch", OPEN),
        ("aftershock", OPEN),
    ):
        fake.add("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    fake.add("/api/v1/nodes", node("master", control_plane=True), node("worker"), node("worker2"))
    fake.add_pods(
        pod("prometheus-0", namespace="watch", node="master", metadata={"labels": {"app": "prometheus"}})
    )
    fake.add_pods(*(pod(f"web-{number}") for number in range(4)))
    return fake


def guard(
    api: FakeApi,
    *,
    context: str = "kind-aftershock",
    settings: Settings | None = None,
    protected: bool = False,
    whole: bool = False,
) -> Guard:
    monitoring = Monitoring(namespace="watch", prometheus=Endpoint(url="http://127.0.0.1:30090"))
    cluster = Cluster(context=context, provider="kind", kubeconfig="", api=api, monitoring=monitoring)
    return Guard(cluster=cluster, settings=settings or Settings(), protected=protected, whole=whole)


def refusal(guard: Guard, *targets: Target) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        guard.check(targets)
    assert caught.value.expected
    assert caught.value.found
    return caught.value


def test_a_pod_of_a_namespace_that_opted_in_may_be_touched(api: FakeApi) -> None:
    guard(api).check([pod_target("web-0")])


def test_no_target_at_all_is_refused(api: FakeApi) -> None:
    assert "nothing to touch" in refusal(guard(api)).message


@pytest.mark.parametrize("context", ["production", "kind-aftershock2", "", "KIND-AFTERSHOCK"])
def test_a_context_that_is_not_listed_exactly(api: FakeApi, context: str) -> None:
    assert "context" in refusal(guard(api, context=context), pod_target("web-0")).message


class TestIdentity:
    def test_a_namesake_with_another_uid(self, api: FakeApi) -> None:
        assert "not what was planned" in refusal(guard(api), pod_target("web-0", uid="uid-old")).message

    def test_a_target_that_is_gone(self, api: FakeApi) -> None:
        assert refusal(guard(api), pod_target("web-9")).found == "it is gone"

    def test_a_pod_that_claims_to_live_in_an_open_namespace(self, api: FakeApi) -> None:
        api.add_pods(pod("secret", namespace="shop"))
        assert refusal(guard(api), pod_target("secret", namespace="demo")).found == "it is gone"

    def test_a_pod_that_names_no_namespace(self, api: FakeApi) -> None:
        assert refusal(guard(api), pod_target("web-0", namespace="")).found == "it is gone"


class TestNamespace:
    @pytest.mark.parametrize("namespace", ["shop", "sly"])
    def test_one_that_has_not_opted_in_with_just_that_label(self, api: FakeApi, namespace: str) -> None:
        api.add_pods(pod("p", namespace=namespace))
        assert "has not opted in" in refusal(guard(api), pod_target("p", namespace=namespace)).message

    @pytest.mark.parametrize("namespace", ["shop", "sly"])
    def test_a_protected_scenario_does_not_open_it_either(self, api: FakeApi, namespace: str) -> None:
        api.add_pods(pod("p", namespace=namespace))
        bold = guard(api, settings=BOLD, protected=True)
        assert "has not opted in" in refusal(bold, pod_target("p", namespace=namespace)).message

    @pytest.mark.parametrize("namespace", ["kube-system", "watch", "aftershock"])
    def test_a_protected_one_even_if_it_has_the_label(self, api: FakeApi, namespace: str) -> None:
        api.add_pods(pod("p", namespace=namespace))
        assert "is protected" in refusal(guard(api), pod_target("p", namespace=namespace)).message

    @pytest.mark.parametrize(("settings", "tagged"), [(BOLD, False), (Settings(), True)])
    def test_the_setting_or_the_tag_alone_open_nothing(
        self, api: FakeApi, settings: Settings, tagged: bool
    ) -> None:
        api.add_pods(pod("p", namespace="kube-system"))
        timid = guard(api, settings=settings, protected=tagged)
        assert "is protected" in refusal(timid, pod_target("p", namespace="kube-system")).message

    def test_both_together_open_it(self, api: FakeApi) -> None:
        api.add_pods(pod("p", namespace="kube-system"))
        guard(api, settings=BOLD, protected=True).check([pod_target("p", namespace="kube-system")])

    def test_one_bad_target_among_good_ones(self, api: FakeApi) -> None:
        api.add_pods(pod("p", namespace="shop"))
        refusal(guard(api), pod_target("web-0"), pod_target("p", namespace="shop"))


class TestNode:
    def test_a_worker_may_be_touched(self, api: FakeApi) -> None:
        guard(api).check([node_target("worker")])

    def test_the_control_plane(self, api: FakeApi) -> None:
        api.add("/api/v1/nodes", node("master2", control_plane=True))
        assert "control-plane" in refusal(guard(api), node_target("master2")).message

    def test_the_control_plane_by_its_old_label(self, api: FakeApi) -> None:
        api.add("/api/v1/nodes", node("old", metadata={"labels": {"node-role.kubernetes.io/master": ""}}))
        assert "control-plane" in refusal(guard(api), node_target("old")).message

    @pytest.mark.parametrize(
        "other",
        [
            node("worker2", spec={"unschedulable": True}),
            node("worker2", status={"conditions": [{"type": "Ready", "status": "Unknown"}]}),
            node("worker2", spec={"taints": [{"key": "maintenance", "effect": "NoExecute"}]}),
        ],
        ids=["cordoned", "not ready", "tainted"],
    )
    def test_the_last_one_that_pods_can_go_to(self, api: FakeApi, other: dict[str, object]) -> None:
        api.add("/api/v1/nodes", other)
        assert "the last" in refusal(guard(api), node_target("worker")).message

    def test_both_workers_at_once(self, api: FakeApi) -> None:
        assert "the last" in refusal(guard(api), node_target("worker"), node_target("worker2")).message

    def test_the_one_that_hosts_prometheus_even_when_everything_is_opened(self, api: FakeApi) -> None:
        bold = guard(api, settings=BOLD, protected=True)
        assert "hosts pod/watch/prometheus-0" in refusal(bold, node_target("master")).message

    def test_the_one_that_hosts_the_reaper(self, api: FakeApi) -> None:
        labels = {"app.kubernetes.io/name": "aftershock-reaper"}
        api.add_pods(pod("reaper", namespace="aftershock", metadata={"labels": labels}))
        assert "hosts pod/aftershock/reaper" in refusal(guard(api), node_target("worker")).message

    def test_any_when_nobody_knows_where_prometheus_runs(self, api: FakeApi) -> None:
        api.delete("/api/v1/namespaces/watch/pods/prometheus-0")
        assert "cannot tell" in refusal(guard(api), node_target("worker")).message


class TestShare:
    def test_up_to_the_share(self, api: FakeApi) -> None:
        guard(api).check([pod_target("web-0"), pod_target("web-1")])

    def test_more_than_the_share(self, api: FakeApi) -> None:
        error = refusal(guard(api), *(pod_target(f"web-{number}") for number in range(3)))
        assert error.message.startswith("3 of 4 pods of demo/web")
        assert error.expected.startswith("at most 2")

    def test_one_pod_is_always_allowed(self, api: FakeApi) -> None:
        guard(api, settings=Settings(max_share=0.01)).check([pod_target("web-0")])

    def test_a_share_is_counted_in_decimals(self, api: FakeApi) -> None:
        api.add_pods(*(pod(f"ten-{number}", app="ten") for number in range(10)))
        tight = guard(api, settings=Settings(max_share=0.3))
        tight.check([pod_target(f"ten-{number}") for number in range(3)])
        refusal(tight, *(pod_target(f"ten-{number}") for number in range(4)))

    def test_pods_on_their_way_out_do_not_make_the_workload_larger(self, api: FakeApi) -> None:
        for number in (2, 3):
            api.add_pods(pod(f"web-{number}", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
        refusal(guard(api), pod_target("web-0"), pod_target("web-1"))

    def test_one_workload_in_several_deployments_is_still_one(self, api: FakeApi) -> None:
        api.add_pods(*(pod(f"r{n}", app="reviews", owner=f"ReplicaSet/reviews-v{n}-abc") for n in range(3)))
        refusal(guard(api), pod_target("r0"), pod_target("r1"))


class TestController:
    """What makes pods counts as all of them."""

    @pytest.fixture(params=["deployment", "statefulset"])
    def web(self, api: FakeApi, request: pytest.FixtureRequest) -> Target:
        kind: str = request.param
        self.add(api, kind, "web", {"app": "web"})
        return Target(kind=kind, name="web", uid="uid-web", namespace="demo")

    @staticmethod
    def add(api: FakeApi, kind: str, name: str, labels: dict[str, str], namespace: str = "demo") -> None:
        meta = {"name": name, "namespace": namespace, "uid": f"uid-{name}"}
        spec = {"replicas": 4, "selector": {"matchLabels": labels}}
        api.add(f"/apis/apps/v1/namespaces/{namespace}/{kind}s", {"metadata": meta, "spec": spec})

    def test_all_its_pods_are_too_many(self, api: FakeApi, web: Target) -> None:
        error = refusal(guard(api), web)
        assert error.message.startswith("4 of 4 pods of demo/web")
        assert "@whole" in error.hint

    def test_what_disturbs_no_pod_has_no_share(self, api: FakeApi, web: Target) -> None:
        guard(api).check([web], disturbs=False)

    def test_it_may_still_be_out_of_bounds(self, api: FakeApi) -> None:
        self.add(api, "deployment", "dns", {"app": "dns"}, "shop")
        target = Target(kind="deployment", name="dns", uid="uid-dns", namespace="shop")
        with pytest.raises(RefusedError, match="has not opted in"):
            guard(api).check([target], disturbs=False)

    def test_a_scenario_tagged_so_may_take_the_whole(self, api: FakeApi, web: Target) -> None:
        guard(api, whole=True).check([web])

    def test_one_pod_is_always_allowed(self, api: FakeApi, web: Target) -> None:
        for number in range(1, 4):
            api.delete(f"/api/v1/namespaces/demo/pods/web-{number}")
        guard(api).check([web])

    def test_one_of_several_deployments_of_a_workload_is_its_share(self, api: FakeApi) -> None:
        for number in range(3):
            labels = {"app": "reviews", "version": f"v{number}"}
            api.add_pods(pod(f"r{number}", metadata={"labels": labels}))
            self.add(api, "deployment", f"reviews-v{number}", labels)
        one, two = (
            Target(kind="deployment", name=f"reviews-v{n}", uid=f"uid-reviews-v{n}", namespace="demo")
            for n in range(2)
        )
        guard(api).check([one])
        assert refusal(guard(api), one, two).message.startswith("2 of 3 pods of demo/reviews")

    def test_its_pods_named_beside_it_count_once(self, api: FakeApi, web: Target) -> None:
        assert refusal(guard(api), web, pod_target("web-0")).found == "4 of 4"

    def test_a_node_beside_it_does_not_make_a_drain_of_it(self, api: FakeApi, web: Target) -> None:
        TestDrainShare.budget(api, {"matchLabels": {"app": "web"}})
        refusal(guard(api), node_target("worker"), web)

    def test_a_selector_of_another_label_does_not_hide_the_pods(self, api: FakeApi) -> None:
        for number in range(4):
            api.add_pods(pod(f"web-{number}", metadata={"labels": {"app": "web", "tier": "front"}}))
        self.add(api, "deployment", "front", {"tier": "front"})
        target = Target(kind="deployment", name="front", uid="uid-front", namespace="demo")
        assert refusal(guard(api), target).found == "4 of 4"

    def test_a_daemonset_is_all_its_pods_too(self, api: FakeApi) -> None:
        self.add(api, "daemonset", "web", {"app": "web"})
        refusal(guard(api), Target(kind="daemonset", name="web", uid="uid-web", namespace="demo"))

    def test_the_tag_opens_nothing_else(self, api: FakeApi, web: Target) -> None:
        bold = guard(api, whole=True)
        for namespace, said in (("shop", "has not opted in"), ("kube-system", "is protected")):
            self.add(api, "deployment", "dns", {"app": "dns"}, namespace)
            target = Target(kind="deployment", name="dns", uid="uid-dns", namespace=namespace)
            assert said in refusal(bold, target).message
        assert "the last" in refusal(bold, node_target("worker"), node_target("worker2")).message
        renamed = Target(kind=web.kind, name="web", uid="uid-old", namespace="demo")
        assert "not what was planned" in refusal(bold, renamed).message

    def test_tags_of_a_scenario(self, api: FakeApi) -> None:
        cluster = guard(api).cluster
        made = Guard.of(cluster, BOLD, {"whole", "recovery"})
        assert (made.whole, made.protected) == (True, False)
        assert made.opened_namespaces() == []
        assert Guard.of(cluster, BOLD, {"protected"}).opened_namespaces() == ["kube-system", "watch"]
        assert Guard.of(cluster, Settings(), {"protected"}).opened_namespaces() == []


class TestDrainShare:
    targets = (node_target("worker"), *(pod_target(f"web-{number}") for number in range(4)))

    def test_all_replicas_on_the_node_and_no_budget(self, api: FakeApi) -> None:
        error = refusal(guard(api), *self.targets)
        assert error.message.startswith("4 of 4 pods of demo/web")
        assert "PodDisruptionBudget" in error.hint

    def test_with_a_budget_the_eviction_api_sets_the_pace(self, api: FakeApi) -> None:
        self.budget(api, {"matchLabels": {"app": "web"}})
        guard(api).check(self.targets)

    def test_a_budget_of_another_workload_does_not_help(self, api: FakeApi) -> None:
        self.budget(api, {"matchLabels": {"app": "other"}})
        refusal(guard(api), *self.targets)

    def test_a_budget_without_a_selector_covers_nothing(self, api: FakeApi) -> None:
        self.budget(api, None)
        refusal(guard(api), *self.targets)

    def test_a_budget_does_not_cover_pods_of_other_nodes(self, api: FakeApi) -> None:
        self.budget(api, {"matchLabels": {"app": "web"}})
        others = [pod_target(f"web-{number}") for number in range(4)]
        refusal(guard(api), node_target("worker2"), *others)

    @staticmethod
    def budget(api: FakeApi, selector: object) -> None:
        body = {"metadata": {"name": "b"}, "spec": {"selector": selector, "minAvailable": 2}}
        api.add("/apis/policy/v1/namespaces/demo/poddisruptionbudgets", body)
