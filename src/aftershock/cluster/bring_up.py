"""`aftershock up` and `aftershock down`: the stages, from nothing to a stack that does its work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aftershock.clock import format_duration
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connect import NODE_PORTS
from aftershock.cluster.kind.builder import ImagesMode
from aftershock.cluster.kind.provider import KindProvider
from aftershock.cluster.machine import DISK_GIB, MEMORY_GIB, disk_free_gib, memory_gib
from aftershock.cluster.ports import occupied
from aftershock.cluster.progress import Progress
from aftershock.cluster.stack import Stack
from aftershock.cluster.vertical import define_vpa
from aftershock.config import Settings, state_dir
from aftershock.counting import counted
from aftershock.errors import EnvironmentUnusableError

__all__ = ["ReadinessCheck", "bring_down", "bring_up"]

ReadinessCheck = Callable[[Settings, list[Json]], None]


def bring_up(
    settings: Settings,
    *,
    root: Path,
    images: ImagesMode,
    registry: str,
    progress: Progress,
    check: ReadinessCheck,
    addons: tuple[str, ...] = (),
) -> None:
    """Make cluster and stack whole, with `addons`, and print what it took.

    `check` is asked last whether the monitoring sees what it should; it raises if not.

    Raises:
        EnvironmentUnusableError: something that is needed is missing; nothing was begun.
        UsageError: there is no addon of that name; nothing was begun.

    """
    state = state_dir()
    provider = KindProvider(root=root, state=state, progress=progress, addons=addons)
    with progress.stage("look at this machine"):
        progress.say(f"engine: {provider.engine.why}")
        _room(state)
        _ports(provider)
    with progress.stage("images"):
        provider.prepare_images(images, registry=registry)
    begun = progress.elapsed_s
    with progress.stage("cluster"):
        api = provider.up()
    with progress.stage(f"stack (profile {settings.profile})"):
        stack = Stack(root=root, kustomize=provider.tool("kustomize"), log=provider.log, progress=progress)
        stack.define(api)
        if "vpa" in addons:
            define_vpa(api, root=root, shell=stack.shell)
        items = stack.render(settings.profile, images=provider.own_images(), addons=addons)
        stack.sweep(api, items)
        stack.deploy(api, items)
    with progress.stage("ready"):
        stack.await_ready(api, items, within_s=180)
        check(settings, items)
    _figures(api, progress, since_images_s=progress.elapsed_s - begun)


def bring_down(*, root: Path, progress: Progress, prune: bool = False) -> None:
    """Remove the cluster and all that it left in the engine; images and programs stay.

    With `prune` the images that were made from inputs of another day go too.
    """
    provider = KindProvider(root=root, state=state_dir(), progress=progress)
    with progress.stage("remove the cluster"):
        provider.down()
    if prune:
        with progress.stage("remove images of earlier inputs"):
            for name in provider.prune():
                progress.say(f"removed {name}")


def _room(state: Path) -> None:
    """Refuse a machine that is too small, before anything is made."""
    free = disk_free_gib(state)
    if free < DISK_GIB:
        raise EnvironmentUnusableError(
            "too little disk", expected=f"{DISK_GIB} GiB free for {state}", found=f"{free:.1f} GiB",
            hint="free some, or set AFTERSHOCK_STATE_DIR to another disk",
        )  # fmt: skip
    memory = memory_gib()
    if memory < MEMORY_GIB:
        raise EnvironmentUnusableError(
            "too little memory",
            expected=f"{MEMORY_GIB} GiB for three nodes and the stack",
            found=f"{memory:.1f} GiB",
        )


def _ports(provider: KindProvider) -> None:
    """Refuse when another program holds a port that the cluster would map."""
    if provider.present():
        return
    taken = [f"{port} ({service})" for service, port in NODE_PORTS.items() if occupied(port)]
    if taken:
        raise EnvironmentUnusableError(
            "ports of 127.0.0.1 that the cluster needs are in use",
            expected=f"{', '.join(str(port) for port in sorted(NODE_PORTS.values()))} free",
            found=", ".join(taken),
            hint="end the program that listens there (`ss -ltnp` names it)",
        )


def _figures(api: KubeApi, progress: Progress, *, since_images_s: float) -> None:
    """Print how long it took, against what it may take."""
    pods = [pod for pod in api.items("/api/v1/pods") if pod["status"].get("phase") == "Running"]
    nodes = api.items("/api/v1/nodes")
    progress.say(f"{len(pods)} pods run on {counted(len(nodes), 'node')}")
    progress.say(
        f"cluster and stack ready {format_duration(since_images_s)} after the images (objective 120 s); "
        f"{format_duration(progress.elapsed_s)} in all"
    )
