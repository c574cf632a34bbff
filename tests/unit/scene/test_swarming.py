"""Load in the cluster: where it goes, and the image that drives it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from aftershock.collect.meaning import Meaning
from aftershock.config import Settings
from aftershock.errors import ConfigError, EnvironmentUnusableError
from aftershock.load.spec import Demand
from aftershock.scene import swarming
from aftershock.scene.acts import Loads
from aftershock.scene.stage import Stage
from aftershock.scene.swarming import bring_worker_image, inside_url, worker_image
from aftershock.testing.kube import FakeApi
from tests.unit.scene.test_outlook import meaning

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


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return which images were brought into a cluster of kind."""
    names: list[str] = []

    class Provider:
        def __init__(self, **_: object) -> None:
            """Nothing to make."""

        def bring(self, name: str) -> str:
            names.append(name)
            return f"brought/{name}"

    monkeypatch.setattr(swarming, "KindProvider", Provider)
    monkeypatch.setattr(swarming, "_worker_image_on_kind", cache(swarming._worker_image_on_kind.__wrapped__))
    return names


def test_the_image_is_the_settings_or_made_on_kind(stage: Stage, brought: list[str]) -> None:
    assert worker_image(stage.cluster, Settings(load_image="ours:1")) == "ours:1"
    kind = replace(stage.cluster, provider="kind")
    assert [worker_image(kind, Settings()) for _ in range(2)] == ["brought/locust"] * 2
    assert brought == ["locust"], "once for a run"
    other = replace(stage.cluster, provider="kubeconfig")
    with pytest.raises(ConfigError, match="no image for load workers") as caught:
        worker_image(other, Settings())
    assert "load_image" in caught.value.expected


def load(line: int, *, workers: int = 0) -> Meaning:
    demand = Demand(arrivals=10.0, workers=workers)
    return meaning(Loads(locustfile=Path("web.py"), demand=demand, duration_s=30.0), line)


def test_it_is_brought_before_the_run_if_a_load_needs_it(stage: Stage, brought: list[str]) -> None:
    kind = replace(stage.cluster, provider="kind")
    bring_worker_image(kind, Settings(), [[load(1)], [], [meaning(object(), 2)]])
    assert brought == []
    bring_worker_image(kind, Settings(), [[load(1)], [load(2, workers=2), load(3, workers=2)]])
    assert brought == ["locust"]


def test_where_there_is_none_the_run_is_refused_with_the_place_of_the_load(stage: Stage) -> None:
    other = replace(stage.cluster, provider="kubeconfig")
    with pytest.raises(ConfigError, match=":7: there is no image for load workers"):
        bring_worker_image(other, Settings(), [[load(3), load(7, workers=1)]])
