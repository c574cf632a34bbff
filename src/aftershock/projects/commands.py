"""The commands for projects that use Aftershock: init, steps, reaper."""

from __future__ import annotations

from pathlib import Path

import click

from aftershock.config import project_root
from aftershock.errors import UsageError
from aftershock.projects.editor import as_stubs
from aftershock.projects.reaper import write_reaper
from aftershock.projects.starting import Choices, start
from aftershock.projects.vocabulary import as_json, as_markdown, as_text, only, vocabulary

__all__ = ["COMMANDS"]


@click.command()
@click.option("--cluster", default="kind", show_default=True, metavar="kind|CONTEXT", help="For scenarios.")
@click.option("--namespace", default="default", show_default=True, help="Of the workload in the example.")
@click.option("--workload", default="web", show_default=True, help="What the example takes a pod of.")
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
def init(*, cluster: str, namespace: str, workload: str, dry_run: bool) -> None:
    """Begin a project in the current folder: settings, an example, .gitignore. Overwrites nothing."""
    choices = Choices(cluster=cluster, namespace=namespace, workload=workload)
    for written in start(Path.cwd(), choices, dry_run=dry_run):
        click.echo(str(written))
    if dry_run:
        click.echo("dry run: nothing was written")
        return
    click.echo(
        f"next: kubectl label namespace {namespace} aftershock.dev/allow=true\n"
        "      pytest features/ --dry-run"
    )


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--image", required=True, metavar="NAME:TAG", help="Of our components, for the cluster to pull."
)
def reaper(folder: Path, image: str) -> None:
    """Write the manifests of the reaper and of the harness' rights, for a cluster of one's own."""
    for path in write_reaper(folder, image=image):
        click.echo(path)
    click.echo(f"next: kubectl apply -k {folder}")


@click.command()
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="As a page.")
@click.option("--editor", "form", flag_value="editor", help="As a file in which editors' plugins find them.")
def steps(words: tuple[str, ...], form: str | None) -> None:
    """List the sentences that scenarios can use, with examples: all, or those with every WORD."""
    shown = {"json": as_json, "markdown": as_markdown, "editor": as_stubs, None: as_text}[form]
    found = only(vocabulary(project_root()), words)
    if not found:
        raise UsageError(
            f"no step has the words {' '.join(words)}", hint="`aftershock steps` lists all of them"
        )
    click.echo(shown(found).rstrip("\n"))


COMMANDS: tuple[click.Command, ...] = (init, reaper, steps)
