"""Commands that make clusters, tell of them and lead to them. The command line words their errors."""

from __future__ import annotations

from typing import Any

import click

from aftershock.cluster.bring_up import bring_down, bring_up
from aftershock.cluster.bring_up_elsewhere import bring_up_ec2, deploy_to, ec2_provider, tunnels
from aftershock.cluster.kind.provider import KindProvider
from aftershock.cluster.progress import Progress
from aftershock.config import load_settings, project_root, state_dir
from aftershock.errors import UsageError
from aftershock.observe.readiness import monitoring_ready

__all__ = ["COMMANDS"]

_PROVIDER = click.option(
    "--provider",
    type=click.Choice(["kind", "ec2", "kubeconfig"]),
    default="kind",
    show_default=True,
    help="On this machine, on EC2, or a cluster that is there.",
)


@click.command()
@_PROVIDER
@click.option("--cluster", default=None, metavar="CONTEXT", help="With kubeconfig: the context to deploy to.")
@click.option(
    "--dry-run", is_flag=True, help="With ec2: show what would be made, and its cost; make nothing."
)
@click.option("--images", type=click.Choice(["auto", "pull", "build"]), default="auto", show_default=True,
              help="Pull official images, build our own, or find out which works.")  # fmt: skip
@click.option("--registry", default="", metavar="HOST[:PORT]", help="A mirror to pull from instead.")
@click.option(
    "--profile", type=click.Choice(["ci", "nightly"]), default=None, help="Which durations the rules have."
)
@click.option(
    "--with",
    "addons",
    default="",
    metavar="ADDON,...",
    help="Also deploy these: autorecovery, custom-metrics, nightly, vpa.",
)
def up(
    *,
    provider: str,
    cluster: str | None,
    dry_run: bool,
    images: Any,
    registry: str,
    profile: str | None,
    addons: str,
) -> None:
    """Make the cluster and its stack, from whatever is there: on kind, unless told otherwise."""
    root, progress = project_root(), Progress()
    _check_up(provider, cluster=cluster, dry_run=dry_run, pulls=images != "auto" or bool(registry))
    settings = load_settings(root=root, options={"profile": profile, "cluster": cluster})
    wanted = tuple(filter(None, (name.strip() for name in addons.split(","))))
    if dry_run:
        click.echo("\n".join(ec2_provider(settings, root=root, progress=progress).plan()))
    elif provider == "ec2":
        bring_up_ec2(settings, root=root, progress=progress, check=monitoring_ready, addons=wanted)
    elif provider == "kubeconfig":
        deploy_to(settings, root=root, progress=progress, check=monitoring_ready, addons=wanted)
    else:
        bring_up(
            settings,
            root=root,
            images=images,
            registry=registry,
            progress=progress,
            check=monitoring_ready,
            addons=wanted,
        )


def _check_up(provider: str, *, cluster: str | None, dry_run: bool, pulls: bool) -> None:
    """Do nothing if these options of `up` go together.

    Raises:
        UsageError: one is another provider's.

    """
    if dry_run and provider != "ec2":
        raise UsageError("--dry-run is for --provider ec2", hint="`aftershock doctor` looks at this machine")
    if provider != "kind" and pulls:
        raise UsageError(
            "--images and --registry are for --provider kind",
            hint="nodes of other clusters pull; components_image in [tool.aftershock] says what, of our own",
        )
    if provider == "kubeconfig" and not cluster:
        raise UsageError(
            "--provider kubeconfig needs --cluster CONTEXT", expected="a context of the kubeconfig"
        )
    if provider != "kubeconfig" and cluster:
        raise UsageError(
            "--cluster is for --provider kubeconfig",
            expected="a cluster that is there; kind's and EC2's are made by name",
        )


@click.command()
@click.option("--provider", type=click.Choice(["kind", "ec2"]), default="kind", show_default=True,
              help="Which cluster.")  # fmt: skip
@click.option(
    "--prune", is_flag=True, help="With kind: remove images that today's inputs do not ask for, too."
)
@click.option("--expired", is_flag=True, help="With ec2: only if its time is over, as its tags say.")
def down(*, provider: str, prune: bool, expired: bool) -> None:
    """Remove the cluster; built images stay."""
    if expired and provider != "ec2":
        raise UsageError("--expired is for --provider ec2", hint="the kind cluster never expires")
    if prune and provider != "kind":
        raise UsageError("--prune is for --provider kind", hint="nothing of EC2's is kept")
    root, progress = project_root(), Progress()
    if provider == "kind":
        bring_down(root=root, progress=progress, prune=prune)
        return
    ec2 = ec2_provider(load_settings(root=root), root=root, progress=progress)
    there, where = ec2.down(expired_only=expired), f"of {ec2.wanted.name} in {ec2.aws.region}"
    click.echo("removed" if there else f"nothing {where} to remove{' that has expired' if expired else ''}")


@click.command()
def tunnel() -> None:
    """Hold the way to the EC2 cluster's API and services, on 127.0.0.1, until Ctrl-C."""
    settings = load_settings(root=project_root())
    with tunnels(ec2_provider(settings, root=project_root(), progress=Progress())) as opened:
        click.echo("the tunnels are open; Ctrl-C closes them")
        opened.keep(click.echo)


@click.command()
@click.argument("name", type=click.Choice(["components", "harness"]), default="components")
def image(name: str) -> None:
    """Build an image of our own, and print its name: push it to where other clusters pull it.

    By default that of our parts of the stack; the harness' own is for the addon nightly.
    """
    provider = KindProvider(root=project_root(), state=state_dir(), progress=Progress())
    click.echo(provider.make_own_image(name))


@click.command()
@click.option("--provider", type=click.Choice(["kind", "ec2"]), default="kind", show_default=True,
              help="Which cluster.")  # fmt: skip
def kubeconfig(*, provider: str) -> None:
    """Print the path of the cluster's kubeconfig: export KUBECONFIG=$(aftershock kubeconfig)."""
    if provider == "kind":
        click.echo(state_dir() / "kubeconfig")
        return
    root = project_root()
    click.echo(ec2_provider(load_settings(root=root), root=root, progress=Progress()).kubeconfig)


COMMANDS = (down, image, kubeconfig, tunnel, up)
