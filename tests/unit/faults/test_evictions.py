"""Evictions: asked for by UID, at once and then seldom, and what the API's answers mean."""

from __future__ import annotations

import pytest

from aftershock.cluster.targets import Target
from aftershock.errors import ApiError, TransientError
from aftershock.faults.evictions import RETRY_S, NodeEvictions, ask_eviction, evict, of_uid
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node, pod

WEB = Target.of("pod", pod("a"))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api() -> FakeApi:
    api = FakeApi()
    api.add("/api/v1/nodes", node("worker"))
    api.add_pods(pod("a"), pod("b", node="worker2"))
    return api


def evictions(api: FakeApi, clock: FakeClock) -> NodeEvictions:
    return NodeEvictions(api, Target.of("node", node("worker")), clock=clock, grace_s=None)


def budget(api: FakeApi, at_least: int) -> None:
    path = "/apis/policy/v1/namespaces/demo/poddisruptionbudgets"
    spec = {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": at_least}
    api.add(path, {"metadata": {"name": "web"}, "spec": spec})


def test_only_the_pod_of_that_uid_and_by_its_own_grace_unless_told() -> None:
    assert of_uid(WEB, None) == {"preconditions": {"uid": "uid-a"}}
    assert of_uid(WEB, 0) == {"preconditions": {"uid": "uid-a"}, "gracePeriodSeconds": 0}


def test_what_the_api_says(api: FakeApi) -> None:
    budget(api, 2)
    with pytest.raises(TransientError, match="429"):
        evict(api, WEB, None)
    budget(api, 1)
    assert evict(api, WEB, None) == "accepted"
    assert evict(api, WEB, None) == "gone"


def test_one_that_is_only_asked_about(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, object, dict[str, str]]] = []
    monkeypatch.setattr(api, "post", lambda path, body, **query: asked.append((path, body, query)))
    ask_eviction(api, WEB, {"dryRun": ["All"]}, dryRun="All")
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "a", "namespace": "demo"},
        "deleteOptions": {"dryRun": ["All"]},
    }
    assert asked == [("/api/v1/namespaces/demo/pods/a/eviction", body, {"dryRun": "All"})]


def test_what_another_pod_has_the_name_of_is_gone(api: FakeApi) -> None:
    api.add_pods(pod("a", metadata={"uid": "another"}))
    assert evict(api, WEB, None) == "gone"
    assert api.find(WEB.path) is not None


def test_an_error_is_no_refusal(api: FakeApi, clock: FakeClock) -> None:
    def forbidden(path: str, body: object, **query: str) -> dict[str, object]:
        raise ApiError("403 Forbidden", status=403)

    api.post = forbidden  # type: ignore[method-assign]  # as an API without that right answers
    with pytest.raises(ApiError, match="403"):
        dict(evictions(api, clock).states({WEB: ""}))


def test_one_that_was_refused_is_left_alone_for_a_while(api: FakeApi, clock: FakeClock) -> None:
    budget(api, 2)
    asked = evictions(api, clock)
    known = dict(asked.states({WEB: ""}))
    assert known[WEB].startswith("refused: Cannot evict pod")
    for _ in range(4):
        known = dict(asked.states(known))
    assert len(api.calls) == 1
    clock.sleep(RETRY_S)
    budget(api, 1)
    assert dict(asked.states(known)) == {WEB: "accepted"}


def test_one_that_ends_is_not_asked_for_and_one_elsewhere_is_gone(api: FakeApi, clock: FakeClock) -> None:
    api.add_pods(pod("a", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
    elsewhere = Target.of("pod", pod("b"))
    assert dict(evictions(api, clock).states({WEB: "", elsewhere: ""})) == {
        WEB: "accepted",
        elsewhere: "gone",
    }
    assert api.calls == []


def test_what_was_seen_is_told_before_anything_is_asked(api: FakeApi, clock: FakeClock) -> None:
    ended = Target.of("pod", pod("b"))
    told = evictions(api, clock).states({WEB: "", ended: "accepted"})
    assert next(told) == (ended, "gone")
    assert api.calls == []
    assert next(told) == (WEB, "accepted")
