"""`up` on EC2 and on a cluster that is there: what is deployed, by which way, and what is refused."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster import bring_up_elsewhere as module
from aftershock.cluster.bring_up_elsewhere import bring_up_ec2, deploy_to, tunnels
from aftershock.cluster.ec2.tunnels import check_tools
from aftershock.cluster.progress import Progress
from aftershock.config import Settings, project_root
from aftershock.errors import ConfigError, EnvironmentUnusableError, RefusedError
from aftershock.testing.kube import FakeApi

ROOT = project_root(Path(__file__).parent)
IMAGE = "registry.example.com/components:1"
HARNESS = "registry.example.com/harness:1"


class World:
    """Every part of `up` elsewhere, noting what was asked of it, and whether the tunnel was open then."""

    def __init__(self, folder: Path) -> None:
        self.done: list[str] = []
        self.open: dict[int, int] = {}
        self.taken = 0
        self.folder = folder

    def note(self, what: str, result: object = None) -> Any:
        return lambda *_, **__: self.done.append(f"{what}{' by tunnel' if self.open else ''}") or result

    def provider(self, *_: object, **__: object) -> Any:
        parts = {
            "up": self.note("cluster", "i-1"), "leader": lambda _: "i-1", "aws": None, "clock": None,
            "log": self.folder / "log", "kubeconfig": self.folder / "kubeconfig", "context": "ec2-aftershock",
        }  # fmt: skip
        return type("Provider", (), parts)()

    @contextmanager
    def held(self, aws: object, instance: str, ports: dict[int, int], **_: object) -> Iterator[None]:
        self.open = dict(ports)
        try:
            yield
        finally:
            self.open = {}

    def check_free(self, ports: list[int]) -> None:
        if self.taken in ports:
            raise EnvironmentUnusableError("in use")

    def stack(self, **_: object) -> object:
        parts = {name: self.note(name, []) for name in ("define", "sweep", "deploy", "await_ready")}
        parts["render"] = lambda *_, **told: self.note(f"render {' '.join(told['images'].values())}", [])()
        parts["shell"] = None
        return type("Stack", (), parts)()

    def check(self, settings: Settings, items: object) -> None:
        self.done.append(f"check {settings.cluster} with {os.environ.get('KUBECONFIG', 'none')}")
        assert settings.cluster in settings.allowed_contexts


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    world = World(tmp_path)
    monkeypatch.setenv("AFTERSHOCK_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(module, "Ec2Provider", world.provider)
    monkeypatch.setattr(module, "held", world.held)
    monkeypatch.setattr(module, "check_tools", lambda: None)
    monkeypatch.setattr(module, "check_free", world.check_free)
    monkeypatch.setattr(module, "Stack", world.stack)
    monkeypatch.setattr(module, "kubeconfig_api", lambda *_: FakeApi())
    monkeypatch.setattr(
        module, "KindProvider", lambda **_: type("P", (), {"tool": lambda *_: Path("k"), "log": Path("l")})()
    )
    return world


def test_ec2_with_the_stack(world: World, tmp_path: Path, progress: Progress, said: io.StringIO) -> None:
    settings = Settings(components_image=IMAGE)
    bring_up_ec2(settings, root=ROOT, progress=progress, check=world.check)
    assert world.done == [
        "cluster", "define by tunnel", f"render {IMAGE} by tunnel", "sweep by tunnel", "deploy by tunnel",
        "await_ready by tunnel", f"check ec2-aftershock with {tmp_path / 'kubeconfig'}",
    ]  # fmt: skip
    assert "KUBECONFIG" not in os.environ
    assert 'allowed_contexts = ["ec2-aftershock"]' in said.getvalue()


def test_ec2_without_an_image_of_our_own_parts(
    world: World, tmp_path: Path, progress: Progress, said: io.StringIO
) -> None:
    bring_up_ec2(Settings(), root=ROOT, progress=progress, check=world.check)
    assert world.done == ["cluster"]
    assert "no stack: set components_image" in said.getvalue()


def test_what_is_lacking_is_said_before_machines_are_made(world: World, progress: Progress) -> None:
    with pytest.raises(ConfigError, match="our own image 'harness'"):
        bring_up_ec2(
            Settings(components_image=IMAGE), root=ROOT, progress=progress, check=world.check,
            addons=("nightly",),
        )  # fmt: skip
    assert world.done == []


def test_a_tool_that_is_lacking_is_said_before_machines_are_made(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, progress: Progress
) -> None:
    monkeypatch.setattr(module, "check_tools", check_tools)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentUnusableError, match="there is no openssl on the PATH"):
        bring_up_ec2(Settings(), root=ROOT, progress=progress, check=world.check)
    assert world.done == []


def test_a_tunnel_that_is_held_elsewhere_is_said_before_machines_are_made(
    world: World, progress: Progress
) -> None:
    world.taken = 16443
    with pytest.raises(EnvironmentUnusableError, match="in use"):
        bring_up_ec2(Settings(components_image=IMAGE), root=ROOT, progress=progress, check=world.check)
    assert world.done == []


def test_every_tunnel_that_scenarios_need(world: World, tmp_path: Path, progress: Progress) -> None:
    with tunnels(world.provider()):
        assert world.open == {16443: 6443, 30080: 30080, 30081: 30081, 30082: 30082}


def test_a_cluster_that_is_there(world: World, tmp_path: Path, progress: Progress) -> None:
    settings = Settings(cluster="mine", allowed_contexts=("mine",), components_image=IMAGE)
    deploy_to(settings, root=ROOT, progress=progress, check=world.check)
    assert world.done == [
        "define",
        f"render {IMAGE}",
        "sweep",
        "deploy",
        "await_ready",
        "check mine with none",
    ]


def test_an_addon_with_an_image_of_our_own(world: World, progress: Progress) -> None:
    settings = Settings(
        cluster="mine", allowed_contexts=("mine",), components_image=IMAGE, harness_image=HARNESS
    )
    deploy_to(settings, root=ROOT, progress=progress, check=world.check, addons=("nightly",))
    assert f"render {IMAGE} {HARNESS}" in world.done


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(cluster="other", components_image=IMAGE), "is not allowed"),
        (Settings(cluster="mine", allowed_contexts=("mine",)), "our own image 'components'"),
    ],
)
def test_what_is_refused_before_anything_is_touched(
    world: World, tmp_path: Path, progress: Progress, settings: Settings, message: str
) -> None:
    with pytest.raises((ConfigError, RefusedError), match=message):
        deploy_to(settings, root=ROOT, progress=progress, check=world.check)
    assert world.done == []
