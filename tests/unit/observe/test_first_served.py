"""The first answer of each new pod: when, how exactly, and no look of ours counted."""

from __future__ import annotations

from aftershock.observe.first_served import FirstServed
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod
from aftershock.timeline import Timeline

BASE = "/api/v1/namespaces/demo/pods"
PAGE = "server accepts handled requests\n {0} {0} {0}\n"


def sampler(api: FakeApi, clock: FakeClock) -> tuple[FirstServed, Timeline]:
    timeline = Timeline(clock=clock)
    return FirstServed(api, timeline, namespace="demo", selector="app=web", port=8080), timeline


def test_a_new_pod_is_asked_until_it_has_answered() -> None:
    clock, api = FakeClock(), FakeApi()
    api.add_pods(pod("new"))
    watch, timeline = sampler(api, clock)
    for total in (1, 2, 3, 90, 95):  # the first three are our own looks
        clock.sleep(0.5)
        api.logs[f"{BASE}/new:8080/proxy/stub_status"] = PAGE.format(total)
        watch.look_once()
    found = [(event.data["requests"], event.resolution_s) for event in timeline]
    assert found == [(0, 0.5), (0, 0.5), (0, 0.5), (86, 0.5)]


def test_pods_from_before_are_left_alone() -> None:
    clock, api = FakeClock(), FakeApi()
    api.add_pods(pod("old"))
    api.logs[f"{BASE}/old:8080/proxy/stub_status"] = PAGE.format(500)
    watch, timeline = sampler(api, clock)
    watch._done = {"pod/demo/old"}
    watch.look_once()
    assert not list(timeline)
