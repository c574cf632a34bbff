"""Recovery with auto-recovery and without it, on the kind cluster."""

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
from benchmarks.autorecovery.picture import draw
from benchmarks.autorecovery.report import keep, kept, show, summed
from benchmarks.autorecovery.schedule import schedule
from benchmarks.autorecovery.trials import Trials

__all__ = ["command"]


@click.command("autorecovery")
@click.option("--oom", default=20, show_default=True, help="Pairs of containers out of memory.")
@click.option(
    "--crash-loops",
    default=5,
    show_default=True,
    help="Pairs of crash loops: 13 min for three pairs, side by side.",
)
@click.option("--others", default=3, show_default=True, help="Pairs of each other fault.")
@click.option("--seed", default=1, show_default=True, help="For the order.")
@click.option(
    "--keep",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for what was seen; trials that it has from before are counted too.",
)
def command(*, oom: int, crash_loops: int, others: int, seed: int, folder: Path | None) -> None:
    """Measure recovery with auto-recovery and without it (needs `aftershock up --with autorecovery`)."""
    settings = load_settings(root=project_root())
    cluster, progress = connect(settings), Progress()
    counts = {
        "out of memory": oom,
        "crash loop": crash_loops,
        "container killed": others,
        "pod deleted": others,
    }
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aftershock-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        trials_file = folder / "autorecovery.trials.jsonl"
        done = kept(trials_file)
        # Also where something breaks: what was measured until then is not lost.
        stack.callback(lambda: show(done, Console(width=110)))
        stack.callback(lambda: (folder / "autorecovery.svg").write_text(draw(summed(done)), encoding="utf-8"))
        stack.callback(lambda: keep(done, trials_file))
        plans = schedule(counts, seed)
        with progress.stage(f"{sum(len(plan.workloads) for plan in plans)} trials"):
            trials = Trials(cluster, settings, Prometheus(cluster.monitoring.prometheus), folder)
            for trial in trials.run(plans):
                done.append(trial)
                halves = "with" if trial.with_it else "without"
                seen = f"{trial.recovered_s:.1f} s" if trial.recovered_s is not None else trial.why
                progress.say(f"{trial.kind} of {trial.workload}, {halves}: {seen} {', '.join(trial.actions)}")
