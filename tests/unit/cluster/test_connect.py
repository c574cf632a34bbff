"""From settings to a cluster, or one clear line about why there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftershock.cluster.connect import KIND_CONTEXT, NODE_PORTS, connect, kubeconfig_api
from aftershock.cluster.connection import Endpoint
from aftershock.config import Settings
from aftershock.errors import EnvironmentUnusableError, RefusedError
from tests.unit.observe.server import serving


def kubeconfig(path: Path, *, url: str = "https://127.0.0.1:9", context: str = KIND_CONTEXT) -> Path:
    """Write one; port 9 is where nobody listens."""
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": {"token": "t0ken"}}],
                "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
                "current-context": context,
            }
        )
    )
    return path


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This user's state and kubeconfig: nothing yet."""
    monkeypatch.setenv("AFTERSHOCK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    # The client reads the variable when it is imported.
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config")
    )
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


class TestAllowed:
    @pytest.mark.parametrize("cluster", ["production", "kind", ""])
    def test_a_context_that_is_not_listed(self, state: Path, cluster: str) -> None:
        settings = Settings(cluster=cluster, allowed_contexts=("staging", "lab"))
        with pytest.raises(RefusedError, match="is not allowed") as caught:
            connect(settings)
        assert caught.value.expected == "one of staging, lab"
        assert "allowed_contexts" in caught.value.hint

    def test_no_context_at_all(self) -> None:
        with pytest.raises(RefusedError) as caught:
            connect(Settings(allowed_contexts=()))
        assert caught.value.expected == "one of (none)"

    def test_it_is_asked_before_anything_is_read(self, state: Path) -> None:
        (state / "kubeconfig").write_text("{{{")
        with pytest.raises(RefusedError):
            connect(Settings(allowed_contexts=("lab",)))


class TestKind:
    def test_no_cluster_was_made(self) -> None:
        with pytest.raises(EnvironmentUnusableError, match="no kind cluster") as caught:
            connect(Settings())
        assert "make gameday" in caught.value.hint

    @pytest.mark.parametrize("text", ["", "{{{", "[1]", "just words", "{}"])
    def test_a_kubeconfig_that_is_none(self, state: Path, text: str) -> None:
        (state / "kubeconfig").write_text(text)
        with pytest.raises(EnvironmentUnusableError, match="kubeconfig") as caught:
            connect(Settings())
        assert caught.value.hint

    def test_another_context_than_ours(self, state: Path) -> None:
        kubeconfig(state / "kubeconfig", context="kind-other")
        with pytest.raises(EnvironmentUnusableError, match="no usable context 'kind-aftershock'"):
            connect(Settings())

    def test_a_dead_api_server(self, state: Path) -> None:
        kubeconfig(state / "kubeconfig")
        with pytest.raises(EnvironmentUnusableError, match="the API server of kind-aftershock") as caught:
            connect(Settings())
        assert "refused" in caught.value.found
        assert "aftershock up" in caught.value.hint

    def test_one_that_is_not_ready(self, state: Path) -> None:
        with serving(lambda path, query: (500, {"message": "etcd failed"})) as server:
            kubeconfig(state / "kubeconfig", url=server.url)
            with pytest.raises(EnvironmentUnusableError, match="does not answer") as caught:
                connect(Settings())
        assert caught.value.found == "etcd failed"

    def test_one_that_answers(self, state: Path) -> None:
        with serving(lambda path, query: (200, b"ok")) as server:
            kubeconfig(state / "kubeconfig", url=server.url)
            cluster = connect(Settings())
            cluster.api.client.rest_client.pool_manager.clear()
        assert server.asked == [("/readyz", {})]
        assert (cluster.context, cluster.provider) == (KIND_CONTEXT, "kind")
        assert cluster.monitoring.prometheus == Endpoint(url="http://127.0.0.1:30090")
        # Load goes to what is in `services`: to workloads, never to the monitoring.
        assert dict(cluster.services) == {
            name: f"http://127.0.0.1:{port}"
            for name, port in NODE_PORTS.items()
            if not name.startswith("monitoring/")
        }


class TestContext:
    LAB = Settings(cluster="lab", allowed_contexts=("lab",))

    def test_no_kubeconfig(self) -> None:
        with pytest.raises(EnvironmentUnusableError, match="no usable context 'lab'") as caught:
            connect(self.LAB)
        assert "get-contexts" in caught.value.hint

    def test_no_such_context(self, tmp_path: Path) -> None:
        kubeconfig(tmp_path / "config", context="other")
        with pytest.raises(EnvironmentUnusableError, match="no usable context 'lab'"):
            connect(self.LAB)

    def test_a_dead_api_server(self, tmp_path: Path) -> None:
        kubeconfig(tmp_path / "config", context="lab")
        with pytest.raises(EnvironmentUnusableError, match="the API server of lab") as caught:
            connect(self.LAB)
        assert "--cluster" in caught.value.hint

    def test_its_own_monitoring_is_used(self, tmp_path: Path) -> None:
        service = {
            "metadata": {"name": "prom", "namespace": "watch"},
            "spec": {
                "clusterIP": "10.0.0.1",
                "ports": [{"port": 9090}],
                "selector": {"app.kubernetes.io/name": "prometheus"},
            },
        }

        def answer(path: str, query: object) -> tuple[int, dict[str, object]]:
            return (404, {}) if path.endswith("alertmanager-webhook") else (200, {"items": [service]})

        with serving(answer) as server:
            kubeconfig(tmp_path / "config", url=server.url, context="lab")
            cluster = connect(self.LAB)
            cluster.api.client.rest_client.pool_manager.clear()
        assert (cluster.context, cluster.provider, dict(cluster.services)) == ("lab", "kubeconfig", {})
        assert cluster.monitoring.prometheus.url.endswith("/namespaces/watch/services/prom:9090/proxy")


def test_making_a_client_asks_nothing(tmp_path: Path) -> None:
    api = kubeconfig_api(kubeconfig(tmp_path / "k"), KIND_CONTEXT)
    assert api.client.configuration.host == "https://127.0.0.1:9"
