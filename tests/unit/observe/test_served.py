"""What pods say they answered."""

from __future__ import annotations

from aftershock.clock import rfc3339
from aftershock.errors import TransientError
from aftershock.observe.served import record_served, requests_in
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod
from aftershock.timeline import Timeline

PAGE = """Active connections: 1
server accepts handled requests
 {0} {0} {1}
Reading: 0 Writing: 1 Waiting: 0
"""


def test_status_page_is_read() -> None:
    assert requests_in(PAGE.format(40, 431)) == 431
    assert requests_in("<html>no status</html>") is None


def test_probes_and_our_own_request_are_taken_off() -> None:
    clock = FakeClock()
    api = FakeApi()
    probes = {"readinessProbe": {"httpGet": {}, "periodSeconds": 1}, "livenessProbe": {"httpGet": {}}}
    started = rfc3339(clock.now())
    busy = pod("busy", spec={"containers": [{"name": "main", **probes}]}, status={"startTime": started})
    idle = pod("idle", spec={"containers": [{"name": "main", **probes}]}, status={"startTime": started})
    api.add_pods(busy, idle, pod("mute"))
    base = "/api/v1/namespaces/demo/pods"
    api.logs[f"{base}/busy:8080/proxy/stub_status"] = PAGE.format(9, 1000)
    api.logs[f"{base}/idle:8080/proxy/stub_status"] = PAGE.format(9, 60)
    clock.sleep(60)
    timeline = Timeline(clock=clock)
    events = record_served(api, timeline, namespace="demo", selector="app=web", port=8080)
    found = {event.subject: event.data["requests"] for event in events}
    # 60 s: at most 61 readiness and 7 liveness probes.
    assert found == {"pod/demo/busy": 1000 - 68 - 1, "pod/demo/idle": 0}


def test_pod_that_cannot_be_asked_is_left_out() -> None:
    class Deaf(FakeApi):
        def text(self, path: str, *, timeout_s: float | None = None, **query: str) -> str:
            raise TransientError("dial tcp: refused")

    api = Deaf()
    api.add_pods(pod("a"))
    timeline = Timeline(clock=FakeClock())
    assert record_served(api, timeline, namespace="demo", selector="app=web", port=8080) == []
