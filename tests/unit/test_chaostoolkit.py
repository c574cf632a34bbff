"""The Chaos Toolkit extension: one session, the same guards and journal, probes that tell the truth."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aftershock import chaostoolkit
from aftershock.cluster.connection import Cluster, Endpoint, Monitoring
from aftershock.errors import RefusedError
from aftershock.faults.journal import Journal
from aftershock.faults.switch import REAPER_LEASE
from aftershock.testing.kube import FakeApi, node, pod
from aftershock.timeline import read_timeline

WORKER = "/api/v1/nodes/worker"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    fake = FakeApi()
    fake.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    fake.add("/api/v1/nodes", node("master", control_plane=True), node("worker"), node("worker2"))
    fake.renewing.add(REAPER_LEASE)
    fake.add_pods(
        pod("prometheus-0", namespace="monitoring", node="master", app="prometheus"),
        pod("web-0"),
        pod("web-1", node="worker2"),
    )
    web = {"metadata": {"name": "web"}, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}}}
    fake.add("/apis/apps/v1/namespaces/demo/deployments", web)
    monitoring = Monitoring(namespace="monitoring", prometheus=Endpoint(url="http://127.0.0.1:30090"))
    cluster = Cluster(
        context="kind-aftershock", provider="kind", kubeconfig="", api=fake, monitoring=monitoring
    )
    monkeypatch.setattr(chaostoolkit, "connect", lambda settings: cluster)
    monkeypatch.setenv("AFTERSHOCK_RUN_DIR", str(tmp_path / "run7"))
    monkeypatch.setenv("AFTERSHOCK_EXPERIMENT_TIMELINE", str(tmp_path / "timeline.jsonl"))
    chaostoolkit.session.cache_clear()
    yield fake
    if chaostoolkit.session.cache_info().currsize:
        chaostoolkit.session().injector.lease.release()
        chaostoolkit.session().injector.timeline.close()
    chaostoolkit.session.cache_clear()


class TestDrain:
    def test_enters_the_runs_journal_and_the_timeline(self, api: FakeApi, tmp_path: Path) -> None:
        facts = chaostoolkit.drain_worker(workload="web", node="worker")
        (record,) = Journal(tmp_path / "run7" / "journal.jsonl").latest()
        assert (record.run_id, record.fault_id, record.state) == ("run7", facts["fault_id"], "injected")
        assert facts["evicted"] == 1
        kinds = [event.kind for event in read_timeline(tmp_path / "timeline.jsonl")]
        assert kinds[0] == "planned"
        assert "landed" in kinds

    def test_the_guard_speaks_first(self, api: FakeApi, tmp_path: Path) -> None:
        api.patch("/api/v1/nodes/worker2", {"spec": {"unschedulable": True}})
        calls = len(api.calls)
        with pytest.raises(RefusedError, match="the last"):
            chaostoolkit.drain_worker(workload="web", node="worker")
        assert len(api.calls) == calls
        assert not (tmp_path / "run7" / "journal.jsonl").exists()

    def test_uncordon_opens_what_the_drain_closed_and_only_once(self, api: FakeApi) -> None:
        chaostoolkit.drain_worker(workload="web", node="worker")
        assert api.get(WORKER)["spec"]["unschedulable"] is True
        assert chaostoolkit.uncordon() == ["worker"]
        assert "unschedulable" not in api.get(WORKER)["spec"]
        assert chaostoolkit.uncordon() == []

    def test_uncordon_without_a_drain_does_nothing(self, api: FakeApi) -> None:
        assert chaostoolkit.uncordon() == []
        assert api.calls == []


class TestReplacements:
    def test_all_there(self, api: FakeApi) -> None:
        assert chaostoolkit.replacements_ready(workload="web", within_s=0.01) is True

    def test_one_is_missing(self, api: FakeApi) -> None:
        api.delete("/api/v1/namespaces/demo/pods/web-0")
        assert chaostoolkit.replacements_ready(workload="web", within_s=0.01) is False

    def test_one_is_not_ready(self, api: FakeApi) -> None:
        api.add_pods(pod("web-0", status={"conditions": [{"type": "Ready", "status": "False"}]}))
        assert chaostoolkit.replacements_ready(workload="web", within_s=0.01) is False

    def test_one_is_still_on_the_closed_node(self, api: FakeApi) -> None:
        api.patch(WORKER, {"spec": {"unschedulable": True}})
        assert chaostoolkit.replacements_ready(workload="web", within_s=0.01) is False


class TestService:
    @pytest.fixture
    def url(self) -> Iterator[str]:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(503 if self.path == "/down" else 200)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            yield f"http://127.0.0.1:{server.server_address[1]}"
            server.shutdown()
            thread.join()

    def test_returns_the_status(self, url: str) -> None:
        assert chaostoolkit.service_answers(url=f"{url}/") == 200
        assert chaostoolkit.service_answers(url=f"{url}/down") == 503

    def test_no_answer_is_0(self) -> None:
        assert chaostoolkit.service_answers(url="http://127.0.0.1:1/") == 0

    def test_asks_only_where_load_may_go(self) -> None:
        with pytest.raises(RefusedError):
            chaostoolkit.service_answers(url="http://example.invalid/")


def test_neither_chaos_toolkit_nor_locust_enter_this_process() -> None:
    code = (
        "import sys, aftershock.chaostoolkit, aftershock.experiments, aftershock.load.locust\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'chaoslib', 'locust', 'gevent'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
