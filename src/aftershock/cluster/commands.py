"""Commands that tell of clusters and lead to them. The command line turns their errors into messages."""

from __future__ import annotations

import signal

import click

from aftershock.cluster.bring_up_elsewhere import ec2_provider, tunnels
from aftershock.cluster.kind.provider import KindProvider
from aftershock.cluster.progress import Progress
from aftershock.config import load_settings, project_root, state_dir

__all__ = ["COMMANDS"]


@click.command()
def tunnel() -> None:
    """Hold the way to the EC2 cluster's API and services, on 127.0.0.1, until Ctrl-C."""
    settings = load_settings(root=project_root())
    with tunnels(ec2_provider(settings, root=project_root(), progress=Progress())):
        click.echo("the tunnels are open; Ctrl-C closes them")
        signal.pause()


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


COMMANDS = (image, kubeconfig, tunnel)
