"""Load in the cluster: where it goes, and the image that drives it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aftershock.config import Settings
from aftershock.errors import ConfigError, EnvironmentUnusableError
from aftershock.scene import swarming
from aftershock.scene.stage import Stage
from aftershock.scene.swarming import inside_url, worker_image
from aftershock.testing.kube import FakeApi

SERVICE = {"metadata": {"name": "web"}, "spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 8080}]}}


def api(*, ready: bool | None = True) -> FakeApi:
    """Return an API with the service demo/web and, unless `ready` is None, an endpoint of it."""
    found = FakeApi()
    found.add("/api/v1/namespaces/demo/services", SERVICE)
    endpoints = [] if ready is None else [{"conditions": {"ready": ready}}]
    piece = {
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": endpoints,
    }
    found.add("/apis/discovery.k8s.io/v1/namespaces/demo/endpointslices", piece)
    return found


def test_a_service_is_loaded_at_its_address_in_the_cluster() -> None:
    assert inside_url(api(), "demo/web") == "http://10.96.0.9:8080/"


@pytest.mark.parametrize("ready", [False, None])
def test_one_that_nobody_would_answer_for_is_refused(ready: bool | None) -> None:
    with pytest.raises(EnvironmentUnusableError, match="demo/web takes no connection"):
        inside_url(api(ready=ready), "demo/web")


def test_no_such_service() -> None:
    with pytest.raises(EnvironmentUnusableError, match="no service demo/shop"):
        inside_url(api(), "demo/shop")


def test_the_image_is_the_settings_or_made_on_kind(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    class Provider:
        def __init__(self, **_: object) -> None:
            """Nothing to make."""

        def bring(self, name: str) -> str:
            return f"brought/{name}"

    monkeypatch.setattr(swarming, "KindProvider", Provider)
    assert worker_image(stage.cluster, Settings(load_image="ours:1")) == "ours:1"
    kind = replace(stage.cluster, provider="kind")
    assert worker_image(kind, Settings()) == "brought/locust"
    other = replace(stage.cluster, provider="kubeconfig")
    with pytest.raises(ConfigError, match="no image for load workers") as caught:
        worker_image(other, Settings())
    assert "load_image" in caught.value.expected
