"""`up`: what it refuses before anything is made, and the order of what it does."""

from __future__ import annotations

import io
from collections import namedtuple
from pathlib import Path

import pytest
from rich.console import Console

from aftershock.cluster import bring_up as module
from aftershock.cluster.bring_up import bring_up
from aftershock.cluster.progress import Progress
from aftershock.config import Settings
from aftershock.errors import DeadlineError, EnvironmentUnusableError
from aftershock.testing.kube import FakeApi

Usage = namedtuple("Usage", "total used free")
GIB = 1024**3


class World:
    """Every part of `up`, noting what was asked of it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.is_present = False
        self.why = "docker: runs privileged containers"

    def note(self, what: str, result: object = None) -> object:
        return lambda *_, **__: self.done.append(what) or result

    def provider(self, **_: object) -> object:
        engine = type("Engine", (), {"why": self.why})
        builder = type("Builder", (), {"tool": self.note("tool", Path("kustomize"))})
        return type(
            "Provider",
            (),
            {
                "engine": engine,
                "builder": builder(),
                "log": Path("up.log"),
                "tool": self.note("tool", Path("kustomize")),
                "present": lambda _: self.is_present,
                "prepare_images": self.note("images"),
                "up": self.note("cluster", FakeApi()),
                "own_images": lambda _: {"parts:dev": "parts:0123"},
            },
        )()

    def stack(self, **_: object) -> object:
        parts = {name: self.note(name, []) for name in ("define", "render", "sweep", "deploy", "await_ready")}
        parts["shell"] = None
        return type("Stack", (), parts)()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    world = World()
    monkeypatch.setenv("AFTERSHOCK_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(module, "KindProvider", world.provider)
    monkeypatch.setattr(module, "Stack", world.stack)
    monkeypatch.setattr(module, "occupied", lambda port: False)
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(0, 0, 50 * GIB))
    monkeypatch.setattr("os.sysconf", lambda name: 16 * GIB // 4096 if name == "SC_PHYS_PAGES" else 4096)
    return world


def run(world: World, progress: Progress, tmp_path: Path, *addons: str) -> None:
    bring_up(
        Settings(), root=tmp_path, images="auto", registry="", progress=progress,
        check=lambda *_: world.done.append("check"), addons=addons,
    )  # fmt: skip


def test_the_stages(world: World, progress: Progress, tmp_path: Path, said: io.StringIO) -> None:
    run(world, progress, tmp_path)
    assert [what for what in world.done if what != "tool"] == [
        "images", "cluster", "define", "render", "sweep", "deploy", "await_ready", "check",
    ]  # fmt: skip
    assert "engine: docker: runs privileged containers" in said.getvalue()
    assert "0 pods run on 0 nodes" in said.getvalue()


@pytest.mark.parametrize(("addon", "times"), [("vpa", 1), ("custom-metrics", 0)])
def test_what_an_addon_needs_beside_its_manifests(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, addon: str, times: int
) -> None:
    monkeypatch.setattr(module, "define_vpa", lambda *_, **__: world.done.append("define vpa"))
    run(world, Progress(Console(file=io.StringIO())), tmp_path, addon)
    assert world.done.count("define vpa") == times


def test_too_little_disk(
    world: World, progress: Progress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(0, 0, 3 * GIB))
    with pytest.raises(EnvironmentUnusableError, match="too little disk") as caught:
        run(world, progress, tmp_path)
    assert caught.value.found == "3.0 GiB"
    assert "AFTERSHOCK_STATE_DIR" in caught.value.hint
    assert world.done == []


def test_too_little_memory(
    world: World, progress: Progress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sysconf", lambda name: 2 * GIB // 4096 if name == "SC_PHYS_PAGES" else 4096)
    with pytest.raises(EnvironmentUnusableError, match="too little memory") as caught:
        run(world, progress, tmp_path)
    assert caught.value.found == "2.0 GiB"
    assert world.done == []


def test_a_port_in_use(
    world: World, progress: Progress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "occupied", lambda port: port == 30090)
    with pytest.raises(EnvironmentUnusableError, match="are in use") as caught:
        run(world, progress, tmp_path)
    assert caught.value.found == "30090 (monitoring/prometheus)"
    assert world.done == []


def test_ports_that_our_own_cluster_holds(
    world: World, progress: Progress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "occupied", lambda port: True)
    world.is_present = True
    run(world, progress, tmp_path)
    assert "check" in world.done


def test_a_stack_whose_monitoring_does_not_see_is_not_up(
    world: World, progress: Progress, tmp_path: Path, said: io.StringIO
) -> None:
    def blind(*_: object) -> None:
        raise DeadlineError("waited 60 s for targets")

    with pytest.raises(DeadlineError):
        bring_up(Settings(), root=tmp_path, images="auto", registry="", progress=progress, check=blind)
    assert "✗ ready" in said.getvalue()
    assert "pods run on" not in said.getvalue()
