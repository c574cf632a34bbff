"""Targets: names become pods and nodes with UIDs, and a seed makes a choice again."""

from __future__ import annotations

import dataclasses

import pytest

from aftershock.cluster.targets import (
    Amount,
    Target,
    choose_node,
    choose_pods,
    find_workload,
    label_selector,
    node_with_most_pods,
    open_namespaces,
)
from aftershock.errors import RefusedError
from aftershock.testing.kube import FakeApi, node, pod


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    for name, labels in (("demo", {"aftershock.dev/allow": "true"}), ("other", {})):
        fake.add("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    fake.add("/api/v1/nodes", node("worker"), node("worker2"))
    return fake


def names(choice: object) -> list[str]:
    return [target.name for target in choice.targets]  # type: ignore[attr-defined]  # a Choice


class TestFindWorkload:
    def test_takes_the_selector_of_the_deployment_of_that_name(self, api: FakeApi) -> None:
        selector = {"matchLabels": {"app": "front"}}
        api.add(
            "/apis/apps/v1/namespaces/demo/deployments",
            {"metadata": {"name": "web"}, "spec": {"selector": selector}},
        )
        api.add_pods(pod("a", app="front"), pod("b", app="web"))
        found = find_workload(api, "web")
        assert found.selector == "app=front"
        assert [entry["metadata"]["name"] for entry in found.pods] == ["a"]

    def test_falls_back_to_the_label_app_which_several_deployments_may_share(self, api: FakeApi) -> None:
        api.add_pods(pod("v1", app="reviews"), pod("v2", app="reviews"), pod("x", app="ratings"))
        assert [entry["metadata"]["name"] for entry in find_workload(api, "reviews").pods] == ["v1", "v2"]

    def test_takes_a_label_selector_as_it_is(self, api: FakeApi) -> None:
        api.add_pods(pod("a", metadata={"labels": {"tier": "back"}}), pod("b"))
        assert len(find_workload(api, "tier=back").pods) == 1

    def test_pods_on_their_way_out_or_finished_are_no_targets(self, api: FakeApi) -> None:
        api.add_pods(
            pod("a"),
            pod("b", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
            pod("c", status={"phase": "Failed"}),
        )
        assert [entry["metadata"]["name"] for entry in find_workload(api, "web").pods] == ["a"]

    def test_searches_only_namespaces_that_opted_in(self, api: FakeApi) -> None:
        api.add_pods(pod("a", namespace="other"))
        assert open_namespaces(api) == ["demo"]
        with pytest.raises(RefusedError, match="no workload 'web'"):
            find_workload(api, "web")

    def test_a_name_in_two_namespaces_must_be_told_apart(self, api: FakeApi) -> None:
        api.add(
            "/api/v1/namespaces", {"metadata": {"name": "shop", "labels": {"aftershock.dev/allow": "true"}}}
        )
        api.add_pods(pod("a"), pod("b", namespace="shop"))
        with pytest.raises(RefusedError, match="more than one namespace") as caught:
            find_workload(api, "web")
        assert caught.value.found == "demo/web, shop/web"
        assert find_workload(api, "web", namespace="shop").namespace == "shop"
        assert find_workload(api, "shop/web").namespace == "shop"


class TestChoose:
    def test_the_same_seed_makes_the_same_choice_and_is_printed(self, api: FakeApi) -> None:
        api.add_pods(*(pod(f"web-{number}") for number in range(20)))
        workload = find_workload(api, "web")
        first = choose_pods(workload, count=3, seed=7)
        assert names(first) == names(choose_pods(workload, count=3, seed=7))
        assert any(names(choose_pods(workload, count=3, seed=seed)) != names(first) for seed in range(5))
        assert "3 of 20 pods of demo/web; seed 7" in str(first)

    def test_without_a_seed_one_is_made_that_repeats_the_choice(self, api: FakeApi) -> None:
        api.add_pods(*(pod(f"web-{number}") for number in range(20)))
        workload = find_workload(api, "web")
        first = choose_pods(workload)
        assert choose_pods(workload, seed=first.seed) == first

    def test_targets_are_pinned_by_uid(self, api: FakeApi) -> None:
        api.add_pods(pod("a"))
        (target,) = choose_pods(find_workload(api, "web")).targets
        assert target == Target(kind="pod", name="a", uid="uid-a", namespace="demo")
        assert str(target) == "pod/demo/a"
        assert target.path == "/api/v1/namespaces/demo/pods/a"

    @pytest.mark.parametrize("count", [0, 3])
    def test_more_or_fewer_than_there_are_is_refused(self, api: FakeApi, count: int) -> None:
        api.add_pods(pod("a"), pod("b"))
        with pytest.raises(RefusedError, match="from 1 to 2"):
            choose_pods(find_workload(api, "web"), count=count)

    @pytest.mark.parametrize(
        ("share", "total", "of"),
        [(0.3, 10, 3), (0.3, 9, 2), (0.3, 3, 1), (0.01, 5, 1), (1.0, 4, 4), (0.29, 100, 29), (0.5, 1, 1)],
    )
    def test_a_share_is_rounded_down_but_is_at_least_one(self, share: float, total: int, of: int) -> None:
        assert Amount(share=share).of(total) == of

    def test_amounts_are_written_as_they_are_said(self) -> None:
        assert [str(Amount(count=2)), str(Amount(share=0.3))] == ["2", "30 % of the"]

    def test_a_share_of_the_pods(self, api: FakeApi) -> None:
        api.add_pods(*(pod(f"web-{number}") for number in range(10)))
        workload = find_workload(api, "web")
        choice = choose_pods(workload, share=0.3, seed=7)
        assert choice == choose_pods(workload, count=3, seed=7)
        assert "3 of 10 pods of demo/web; seed 7" in str(choice)

    def test_no_share_of_nothing(self, api: FakeApi) -> None:
        api.add_pods(pod("a"))
        workload = dataclasses.replace(find_workload(api, "web"), pods=())
        with pytest.raises(RefusedError, match="cannot take 1 pod of"):
            choose_pods(workload, share=1.0)

    def test_a_worker_is_what_is_no_control_plane(self, api: FakeApi) -> None:
        api.add("/api/v1/nodes", node("master", control_plane=True))
        chosen = {seed: choose_node(api, role="worker", seed=seed) for seed in range(10)}
        assert {names(choice)[0] for choice in chosen.values()} == {"worker", "worker2"}
        assert choose_node(api, role="worker", seed=3) == chosen[3]
        assert str(chosen[3]).endswith("(1 of 2 worker nodes; seed 3)")

    def test_other_roles_are_the_clusters_labels(self, api: FakeApi) -> None:
        api.add("/api/v1/nodes", node("edge", metadata={"labels": {"node-role.kubernetes.io/ingress": ""}}))
        assert names(choose_node(api, role="ingress")) == ["edge"]

    def test_a_node_by_its_name_and_by_what_it_holds(self, api: FakeApi) -> None:
        api.add_pods(pod("a", node="worker2"))
        assert names(choose_node(api, node="worker")) == ["worker"]
        assert names(choose_node(api, workload="web", namespace="demo")) == ["worker2"]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ({"node": "worker9"}, "no nodes called worker9"),
            ({"role": "ingress"}, "no ingress nodes"),
            ({}, "which node"),
        ],
    )
    def test_a_node_that_is_not_there(self, api: FakeApi, words: dict[str, str], said: str) -> None:
        with pytest.raises(RefusedError, match=said):
            choose_node(api, **words)

    def test_the_node_that_holds_most(self, api: FakeApi) -> None:
        api.add_pods(pod("a", node="worker2"), pod("b", node="worker2"), pod("c", node="worker"))
        choice = node_with_most_pods(api, find_workload(api, "web"), seed=1)
        assert choice.targets == (Target(kind="node", name="worker2", uid="uid-worker2"),)

    def test_among_equal_nodes_the_seed_decides(self, api: FakeApi) -> None:
        api.add_pods(pod("a", node="worker2"), pod("b", node="worker"))
        workload = find_workload(api, "web")
        chosen = {seed: names(node_with_most_pods(api, workload, seed=seed))[0] for seed in range(10)}
        assert set(chosen.values()) == {"worker", "worker2"}
        assert names(node_with_most_pods(api, workload, seed=3)) == [chosen[3]]

    def test_pending_pods_have_no_node(self, api: FakeApi) -> None:
        api.add_pods(pod("a", spec={"nodeName": None}))
        with pytest.raises(RefusedError, match="on a node"):
            node_with_most_pods(api, find_workload(api, "web"))


def test_selectors_with_expressions_are_written_as_the_api_reads_them() -> None:
    rules = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    assert (
        label_selector({"matchLabels": {"app": "x"}, "matchExpressions": rules}) == "app=x,tier in (a,b),!old"
    )
