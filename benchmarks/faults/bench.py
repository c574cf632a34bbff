"""Call to landed, for every fault; and a drain beside Chaos Toolkit's."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from aftershock.cluster.connect import connect
from aftershock.cluster.progress import Progress
from aftershock.config import load_settings, project_root
from aftershock.errors import AftershockError
from benchmarks.faults.cases import CASES
from benchmarks.faults.draining import drains
from benchmarks.faults.landing import land, run_of
from benchmarks.faults.report import Results, keep, show

__all__ = ["command"]


@click.command("faults")
@click.option("--trials", default=3, show_default=True, help="Of each fault that is quick, and of a drain.")
@click.option("--pods", default=4, show_default=True, help="How many are drained beside the peer.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(sorted({case.fault for case in CASES})),
    help="Faults to measure, instead of all.",
)
@click.option("--catalogue/--no-catalogue", default=True, help="Measure the faults of the catalogue.")
@click.option("--peer/--no-peer", default=True, help="Drain beside `chaos run`.")
@click.option(
    "--keep", "folder", type=click.Path(path_type=Path, file_okay=False), help="A folder for what was seen."
)
def command(
    *, trials: int, pods: int, only: Sequence[str], catalogue: bool, peer: bool, folder: Path | None
) -> None:
    """Measure on the kind cluster how long faults take to land; drain a node beside Chaos Toolkit."""
    settings = load_settings(root=project_root())
    cluster = connect(settings)
    results, progress = Results(), Progress()
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aftershock-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        # Also where something breaks: what was measured until then is not lost.
        stack.callback(lambda: show(results, Console()))
        stack.callback(keep, results, folder / "readings.jsonl")
        injector = stack.enter_context(run_of(cluster, settings, folder))
        if peer:
            with progress.stage(f"{pods} pods drained, by both in turn"):
                results.drains.extend(drains(cluster, injector, trials=trials, pods=pods, folder=folder))
        for case in CASES if catalogue else ():
            if only and case.fault not in only:
                continue
            with progress.stage(case.title):
                try:
                    for trial in range(trials if case.often else 1):
                        results.landings.append(land(injector, case, trial))
                except AftershockError as error:  # the others are still worth their time
                    results.failed[case.title] = str(error)
