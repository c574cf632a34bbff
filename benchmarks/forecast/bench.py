"""Forecasts of alerts against their firing: on signals that flip, and on a real fault."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from aftershock.cluster.connect import connect
from aftershock.cluster.progress import Progress
from aftershock.config import load_settings, project_root
from aftershock.observe.prometheus import Prometheus
from benchmarks.forecast.exporting import exporting
from benchmarks.forecast.out_of_memory import kill_some
from benchmarks.forecast.report import Results, keep, show
from benchmarks.forecast.rules import draw
from benchmarks.forecast.trials import run

__all__ = ["command"]


@click.command("forecast")
@click.option("--alerts", default=50, show_default=True, help="Alerts whose point and range are judged.")
@click.option(
    "--filling", default=6, show_default=True, help="More of which only the range is: see the docs."
)
@click.option("--spread", default=100.0, show_default=True, help="Seconds within which they change.")
@click.option("--kills", default=5, show_default=True, help="Containers to be killed for want of memory.")
@click.option("--seed", default=1, show_default=True, help="For the order and the instants.")
@click.option(
    "--keep", "folder", type=click.Path(path_type=Path, file_okay=False), help="A folder for what was seen."
)
def command(*, alerts: int, filling: int, spread: float, kills: int, seed: int, folder: Path | None) -> None:
    """Measure forecasts of alerts on the kind cluster against when the alerts fire."""
    settings = load_settings(root=project_root())
    cluster = connect(settings)
    prometheus, progress = Prometheus(cluster.monitoring.prometheus), Progress()
    results = Results()
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aftershock-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        # Also where something breaks: what was measured until then is not lost.
        stack.callback(lambda: show(results, Console()))
        stack.callback(keep, results, folder / "readings.jsonl")
        rules = draw(alerts, filling=filling)
        if rules:
            with (
                progress.stage(f"{len(rules)} alerts, with bringing the rules in and out"),
                exporting(cluster.api, prometheus, rules) as exporter,
            ):
                found = run(exporter, prometheus, rules, spread_s=spread, seed=seed)
                results.alerts.extend(found.readings)
                results.missed_evaluations = found.missed_evaluations
        if kills:
            with progress.stage(f"{kills} containers out of memory"):
                for reading, shown_s in kill_some(
                    cluster, settings, prometheus, count=kills, seed=seed, folder=folder
                ):
                    results.kills.append(reading)
                    results.shown_s.extend([] if shown_s is None else [shown_s])
