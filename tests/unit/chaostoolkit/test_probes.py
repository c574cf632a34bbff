"""Probes that tell the truth, also about what is not there."""

from __future__ import annotations

import http.server
import io
import threading
import urllib.request
from collections.abc import Iterator
from email.message import Message
from typing import Any
from urllib.response import addinfourl

import pytest

from aftershock import chaostoolkit
from aftershock.chaostoolkit import probes
from aftershock.errors import RefusedError
from aftershock.observe.prometheus import Sample
from aftershock.testing.kube import FakeApi, pod

WORKER = "/api/v1/nodes/worker"


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

    def test_how_long_it_takes(self, url: str) -> None:
        took = chaostoolkit.answer_time_s(url=f"{url}/")
        assert took is not None
        assert 0 < took < 5
        assert chaostoolkit.answer_time_s(url="http://127.0.0.1:1/") is None

    def test_a_service_is_asked_where_this_machine_reaches_it(
        self, api: FakeApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def answer(url: str, timeout: float) -> addinfourl:
            asked.append(url)
            return addinfourl(io.BytesIO(), Message(), url, 200)

        monkeypatch.setattr(urllib.request, "urlopen", answer)
        assert chaostoolkit.service_answers(url="http://web.demo.svc/page") == 200
        assert asked == ["http://127.0.0.1:30099/page"]
        with pytest.raises(RefusedError, match="may not go to"):
            chaostoolkit.service_answers(url="http://other.demo.svc/")

    def test_asks_only_where_load_may_go(self, api: FakeApi) -> None:
        with pytest.raises(RefusedError):
            chaostoolkit.service_answers(url="http://example.invalid/")


class TestWorkload:
    def test_as_specified(self, api: FakeApi) -> None:
        assert chaostoolkit.workload_ready(workload="web") is True
        assert chaostoolkit.workload_ready(workload="app=web", namespace="demo") is True

    def test_a_status_that_is_older_than_the_deletion(self, api: FakeApi) -> None:
        api.delete("/api/v1/namespaces/demo/pods/web-0")
        assert chaostoolkit.workload_ready(workload="web") is False

    def test_the_new_specification_is_not_there_yet(self, api: FakeApi) -> None:
        api.patch("/apis/apps/v1/namespaces/demo/deployments/web", {"status": {"updatedReplicas": 1}})
        assert chaostoolkit.workload_ready(workload="web") is False

    def test_no_pod_at_all(self, api: FakeApi) -> None:
        api.delete("/api/v1/namespaces/demo/pods/web-0")
        api.delete("/api/v1/namespaces/demo/pods/web-1")
        assert chaostoolkit.workload_ready(workload="web") is False
        assert chaostoolkit.replacements_ready(workload="web", within_s=0.01) is False

    def test_by_a_label_the_pods_of_all_its_deployments_count(self, api: FakeApi) -> None:
        other = {
            "metadata": {"name": "web-v2", "generation": 1},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": "web", "version": "2"}},
                "template": {"metadata": {"labels": {"app": "web", "version": "2"}}},
            },
        }
        api.add("/apis/apps/v1/namespaces/demo/deployments", other)
        assert chaostoolkit.replacements_ready(workload="app=web", within_s=0.01) is False
        api.add_pods(pod("web-2"))
        assert chaostoolkit.replacements_ready(workload="app=web", within_s=0.01) is True


class Asked:
    """A Prometheus with two alerts and the series of a test."""

    def __init__(self, *values: float) -> None:
        self.values = values

    def alerts(self) -> list[dict[str, Any]]:
        return [
            {"state": "firing", "labels": {"alertname": "Bad", "namespace": "demo"}},
            {"state": "pending", "labels": {"alertname": "Soon"}},
        ]

    def query(self, expr: str) -> list[Sample]:
        return [Sample(labels={}, value=value, at=None) for value in self.values]  # type: ignore[arg-type]


class TestPrometheus:
    def test_alerts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(probes, "_prometheus", Asked)
        assert chaostoolkit.alert_firing(alert="Bad") is True
        assert chaostoolkit.alert_firing(alert="Bad", namespace="demo") is True
        assert chaostoolkit.alert_firing(alert="Bad", namespace="other") is False
        assert chaostoolkit.alert_firing(alert="Soon") is False

    def test_one_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(probes, "_prometheus", lambda: Asked(0.25))
        assert chaostoolkit.metric(query="x") == 0.25

    def test_no_data_is_no_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(probes, "_prometheus", Asked)
        assert chaostoolkit.metric(query="x") is None

    def test_several_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(probes, "_prometheus", lambda: Asked(1, 2))
        with pytest.raises(RefusedError, match="more than one number"):
            chaostoolkit.metric(query="x")
