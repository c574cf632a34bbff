"""`aftershock up` on clusters that are not kind's: on EC2, which it makes, and on one that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from aftershock.cluster.api import KubeApi
from aftershock.cluster.bring_up import ReadinessCheck
from aftershock.cluster.connect import NODE_PORTS, kubeconfig_api
from aftershock.cluster.ec2.provider import Ec2Provider
from aftershock.cluster.ec2.tunnels import API_HERE, TUNNELS, Tunnels, check_free, check_tools, held
from aftershock.cluster.guard import check_context
from aftershock.cluster.kind.catalogue import load_catalogue
from aftershock.cluster.kind.provider import KindProvider
from aftershock.cluster.progress import Progress
from aftershock.cluster.stack import Stack
from aftershock.cluster.vertical import define_vpa
from aftershock.config import Settings, state_dir
from aftershock.errors import ConfigError

__all__ = ["bring_up_ec2", "deploy_to", "ec2_provider", "tunnels"]

READY_WITHIN_S = 600.0
"""For the stack, whose images nodes of other clusters pull first."""


def ec2_provider(settings: Settings, *, root: Path, progress: Progress) -> Ec2Provider:
    """Return the provider of the settings' cluster on EC2."""
    return Ec2Provider(settings.ec2, root=root, state=state_dir(), progress=progress)


def bring_up_ec2(
    settings: Settings, *, root: Path, progress: Progress, check: ReadinessCheck, addons: tuple[str, ...] = ()
) -> None:
    """Make the cluster on EC2 whole, with the stack on it if `components_image` is set.

    Raises:
        EnvironmentUnusableError: something that is needed is missing, or AWS said no.
        ConfigError: it is not said where nodes pull an image of our own.

    """
    if settings.components_image or addons:  # what is lacking is said before machines cost money
        _own_images(settings, root=root, addons=addons)
        check_free([API_HERE])
    check_tools()
    provider = ec2_provider(settings, root=root, progress=progress)
    instance = provider.up()
    for line in _next_steps(provider):
        progress.say(line)
    if not settings.components_image:
        progress.say(
            "no stack: set components_image in [tool.aftershock] to where the nodes can pull it from"
        )
        return
    with held(provider.aws, instance, {API_HERE: TUNNELS[API_HERE]}, log=provider.log, clock=provider.clock):
        api = kubeconfig_api(provider.kubeconfig, provider.context)
        # `check` connects by the settings, as every other command does. Who makes a cluster may look at it.
        allowed = (*settings.allowed_contexts, provider.context)
        there = msgspec.structs.replace(settings, cluster=provider.context, allowed_contexts=allowed)
        with _kubeconfig(provider.kubeconfig):
            _deploy(there, api, root=root, progress=progress, check=check, addons=addons)


def deploy_to(
    settings: Settings, *, root: Path, progress: Progress, check: ReadinessCheck, addons: tuple[str, ...] = ()
) -> None:
    """Deploy the stack to the cluster whose context the settings name.

    Raises:
        RefusedError: the context is not on the list of those that may be touched.
        ConfigError: it is not said where nodes pull an image of our own.

    """
    check_context(settings.cluster, settings)
    _own_images(settings, root=root, addons=addons)
    api = kubeconfig_api(None, settings.cluster)
    _deploy(settings, api, root=root, progress=progress, check=check, addons=addons)


def _deploy(
    settings: Settings,
    api: KubeApi,
    *,
    root: Path,
    progress: Progress,
    check: ReadinessCheck,
    addons: tuple[str, ...],
) -> None:
    tools = KindProvider(root=root, state=state_dir(), progress=progress, addons=addons)
    with progress.stage(f"stack (profile {settings.profile})"):
        stack = Stack(root=root, kustomize=tools.tool("kustomize"), log=tools.log, progress=progress)
        stack.define(api)
        if "vpa" in addons:
            define_vpa(api, root=root, shell=stack.shell)
        images = _own_images(settings, root=root, addons=addons)
        items = stack.render(settings.profile, images=images, addons=addons)
        stack.sweep(api, items)
        stack.deploy(api, items)
    with progress.stage("ready"):
        stack.await_ready(api, items, within_s=READY_WITHIN_S)
        check(settings, items)


def _own_images(settings: Settings, *, root: Path, addons: tuple[str, ...]) -> dict[str, str]:
    """Return where the nodes pull the images that nobody else makes, by their names in manifests.

    Raises:
        ConfigError: the settings do not say it of one that is needed.
        UsageError: there is no addon of that name.

    """
    given = {"components": settings.components_image, "harness": settings.harness_image}
    found = {}
    for image in load_catalogue(root).own(addons):
        if not given[image.name]:
            raise ConfigError(
                f"it is not known where the nodes of this cluster pull our own image {image.name!r}",
                expected=f"{image.name}_image in [tool.aftershock], or AFTERSHOCK_{image.name.upper()}_IMAGE",
                found="nothing",
                hint=f"`aftershock image {image.name}` builds it and prints its name: "
                "push it to a registry that they reach",
            )
        found[image.reference] = given[image.name]
    return found


@contextmanager
def tunnels(provider: Ec2Provider) -> Iterator[Tunnels]:
    """Hold every tunnel that scenarios need while the block runs. Raises as `held`."""
    with held(provider.aws, provider.leader(), TUNNELS, log=provider.log, clock=provider.clock) as opened:
        yield opened


@contextmanager
def _kubeconfig(path: Path) -> Iterator[None]:
    """Have the client library read this kubeconfig."""
    before = os.environ.get("KUBECONFIG")
    os.environ["KUBECONFIG"] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["KUBECONFIG"]
        else:
            os.environ["KUBECONFIG"] = before


def _next_steps(provider: Ec2Provider) -> list[str]:
    """Return what belongs into pyproject.toml so that scenarios run there."""
    services = ", ".join(
        f'"{name}" = "http://127.0.0.1:{port}"'
        for name, port in NODE_PORTS.items()
        if not name.startswith("monitoring/")
    )
    return [
        f"kubeconfig: {provider.kubeconfig} (context {provider.context})",
        "hold the tunnels with `aftershock tunnel`, and have in [tool.aftershock]:",
        f'  allowed_contexts = ["{provider.context}"]',
        "  node_power = {ec2 = true}",
        f"  services = {{{services}}}",
        f"then: KUBECONFIG={provider.kubeconfig} pytest features/ --cluster {provider.context}",
    ]
