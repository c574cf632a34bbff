"""The recorder: all lists first, threads that are never silently dead, an end that is the end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from aftershock.cluster.api import KubeApi
from aftershock.cluster.watch import Watch
from aftershock.errors import AftershockError, ApiError
from aftershock.observe.recorder import Recorder
from aftershock.observe.resources import RESOURCES
from aftershock.testing import FakeClock
from aftershock.timeline import Timeline
from tests.unit.observe.kube import line, listing, pod

WAIT_S = 5.0


class GatedApi(KubeApi):
    """Lists nothing; every watch yields one pod and then waits for the gate."""

    def __init__(self, *, forbidden: str = "", broken: str = "") -> None:
        self.forbidden, self.broken = forbidden, broken
        self.gate = threading.Event()
        self.watched = threading.Semaphore(0)
        self.paths: list[str] = []

    def text(self, path: str, *, timeout_s: float | None = None, **query: str) -> str:
        if path == self.forbidden:
            raise ApiError(f"GET {path}: 403 Forbidden", status=403)
        self.paths.append(path)
        return listing()

    def watch(self, path: str, *, timeout_s: float, **query: str) -> Watch:
        if path == self.broken:
            self.watched.release()
            raise ApiError(f"GET {path}: 403 Forbidden", status=403)
        return Watch(self.lines(), lambda: False)

    def lines(self) -> Iterator[bytes]:
        yield line("ADDED", pod("early"))
        self.watched.release()
        self.gate.wait(WAIT_S)
        yield line("ADDED", pod("late"))


def recorder(api: GatedApi, **options: object) -> tuple[Recorder, Timeline]:
    timeline = Timeline(clock=FakeClock())
    return Recorder(api, timeline, namespaces=["demo"], **options), timeline  # type: ignore[arg-type]  # by name


def test_every_resource_is_listed_before_start_returns() -> None:
    api = GatedApi()
    watch, timeline = recorder(api)
    with watch:
        assert len(api.paths) == len(RESOURCES)
        listed = [e.subject for e in timeline.select(kind="watching")]
        assert "node/" in listed
        assert "pod/demo" in listed
        api.gate.set()


def test_namespaces_are_watched_one_by_one_and_once() -> None:
    api = GatedApi()
    watch = Recorder(
        api, Timeline(clock=FakeClock()), namespaces=["demo", "shop", "demo"], kinds=["pod", "node"]
    )
    watch.start()
    assert api.paths == ["/api/v1/namespaces/demo/pods", "/api/v1/namespaces/shop/pods", "/api/v1/nodes"]
    api.gate.set()
    watch.stop()


def test_nothing_is_recorded_after_stop() -> None:
    api = GatedApi()
    watch, timeline = recorder(api, kinds=["pod"])
    watch.start()
    assert api.watched.acquire(timeout=WAIT_S)
    watch.stop()
    recorded = len(timeline)
    api.gate.set()
    for thread in watch._threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    assert len(timeline) == recorded
    last = list(timeline)[-1]
    assert (last.kind, last.data["state"]) == ("watching", "stopped")
    assert [e.data["name"] for e in timeline.select(kind="pod")] == ["early"]


def test_what_cannot_be_listed_is_refused_at_once() -> None:
    watch, _ = recorder(GatedApi(forbidden="/api/v1/nodes"))
    with pytest.raises(ApiError, match="403"):
        watch.start()


def test_watcher_that_gives_up_is_never_silent() -> None:
    path = "/api/v1/namespaces/demo/pods"
    api = GatedApi(broken=path)
    watch, timeline = recorder(api, kinds=["pod"])
    watch.start()
    assert api.watched.acquire(timeout=WAIT_S)
    for thread in watch._threads:
        thread.join(WAIT_S)
    with pytest.raises(AftershockError, match="gave up"):
        watch.check()
    with pytest.raises(AftershockError, match="gave up"):
        watch.stop()
    gaps = timeline.select(kind="gap")
    assert gaps
    assert all(gap.data["until"] is None for gap in gaps)


def test_error_inside_the_block_comes_first() -> None:
    api = GatedApi(broken="/api/v1/namespaces/demo/pods")
    watch, _ = recorder(api, kinds=["pod"])

    def fail() -> None:
        with watch:
            assert api.watched.acquire(timeout=WAIT_S)
            for thread in watch._threads:
                thread.join(WAIT_S)
            raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        fail()
    assert "gave up" in caught.value.__notes__[0]


def test_lines_of_the_timeline_stay_json() -> None:
    api = GatedApi()
    watch, timeline = recorder(api, kinds=["pod"])
    watch.start()
    assert api.watched.acquire(timeout=WAIT_S)
    watch.stop()
    api.gate.set()
    assert all(json.loads(event.to_json())["source"] == "kubernetes" for event in timeline)
