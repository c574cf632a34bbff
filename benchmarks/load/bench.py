"""The tables: the rate that is held, latency in a stall beside k6's, and requests per CPU second."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from aftershock.cluster.kind.catalogue import load_catalogue
from aftershock.cluster.kind.programs import Programs
from aftershock.cluster.progress import Progress
from aftershock.config import project_root, state_dir
from benchmarks.load.generators import wrk
from benchmarks.load.runs import (
    PLAIN_USERS,
    Held,
    Stall,
    contenders,
    cost,
    held,
    saturation,
    stalled_k6,
    stalled_ours,
    stalled_plain,
)
from benchmarks.load.target import Target, target

__all__ = ["command"]

SHARES = (0.1, 0.3, 0.5, 0.7)
COST_SHARE = 0.5
FASTEST = "FastHttpUser, as fast as it can"
SAME_RATE = "FastHttpUser, at the same rate"


class Bench:
    """One target, and what is measured on it."""

    def __init__(self, target: Target, folder: Path, *, runs: int, seconds: float) -> None:
        self.target = target
        self.folder = folder
        self.runs = runs
        self.seconds = seconds
        self.console = Console(width=140, highlight=False)

    def saturation(self) -> float:
        """Find the highest rate of which 99 % are answered."""
        run = partial(held, self.target, self.folder, seconds=self.seconds)
        found = saturation(lambda rate: run(rate=rate), lambda line: self.console.print(f"  {line}"))
        self.console.print(
            f"saturation: {found:,.0f} requests/s from one core (the highest of which 99 % were answered)"
        )
        return found

    def fidelity(self, top: float) -> None:
        """Hold several shares of the saturation, in turn."""
        found: dict[float, list[Held]] = {share: [] for share in SHARES}
        for _ in range(self.runs):
            for share in SHARES:
                run = held(self.target, self.folder, rate=round(top * share), seconds=self.seconds)
                found[share].append(run)
        table = Table(
            "of the saturation", "due, /s", "offered", "worst", "answered", "sent late p50, ms", "p99, ms",
            title=f"the rate that is held, medians of {self.runs} runs of {self.seconds:g} s",
            caption="objective: offered at least 99 % up to 70 % of the saturation",
        )  # fmt: skip
        for share, held_ in found.items():
            table.add_row(
                f"{share:.0%}",
                f"{held_[0].rate:,.0f}",
                f"{median(run.offered for run in held_):.2%}",
                f"{min(run.offered for run in held_):.2%}",
                f"{median(run.answered for run in held_):.2%}",
                f"{median(run.late_p50 for run in held_):.2f}",
                f"{median(run.late_p99 for run in held_):.2f}",
            )
        self.console.print(table)

    def stall(self, k6: Path, *, rate: float) -> None:
        """Stop the target for two seconds under each generator, in turn."""
        length = 2 * self.seconds
        ways = {
            "ours, at a rate": partial(stalled_ours, self.target, self.folder, rate=rate, seconds=length),
            "k6, constant-arrival-rate": partial(
                stalled_k6, k6, self.target, self.folder, rate=rate, seconds=length
            ),
            "Locust, constant_throughput": partial(
                stalled_plain, self.target, self.folder, rate=rate, seconds=length
            ),
        }
        found: dict[str, list[Stall]] = {name: [] for name in ways}
        for _ in range(self.runs):
            for name, way in ways.items():
                found[name].append(way())
        table = Table(
            "", "requests", "p50, ms", "p99, ms", "p99 min to max", "p99 of k6's, run by run",
            title=f"target stopped 2 s of {length:g} s at {rate:g}/s, medians of {self.runs} runs in turn",
            caption="objective: p99 within 10 % of k6's",
        )  # fmt: skip
        theirs = found["k6, constant-arrival-rate"]
        for name, stalls in found.items():
            ratios = [own.p99 / their.p99 for own, their in zip(stalls, theirs, strict=True)]
            table.add_row(
                name,
                f"{median(stall.requests for stall in stalls):,.0f}",
                f"{median(stall.p50 for stall in stalls):.2f}",
                f"{median(stall.p99 for stall in stalls):.1f}",
                f"{min(stall.p99 for stall in stalls):.1f} to {max(stall.p99 for stall in stalls):.1f}",
                _spread(ratios),
            )
        self.console.print(table)

    def cost(self, *, rate: float) -> None:
        """Compare requests per CPU second, in turn."""
        program = shutil.which("wrk")
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(self.runs):
            ways = contenders(self.target, self.folder, rate=rate, seconds=self.seconds + 4)
            if program:
                ways["wrk, as fast as it can"] = wrk(
                    program, self.target.url, self.folder, seconds=self.seconds + 4, connections=PLAIN_USERS
                )
            for name, way in ways.items():
                found.setdefault(name, []).append(cost(self.target, way))
        table = Table(
            "", "requests/s", "per CPU second", f"of {SAME_RATE}", f"of {FASTEST}",
            title=f"cost at {rate:,.0f}/s, medians of {self.runs} runs in turn",
            caption="objective: ours at least 0.9 of bare FastHttpUser's"
            + ("" if program else "; wrk is not there to be shown beside it (apt-get install wrk)"),
        )  # fmt: skip
        for name, costs in found.items():
            table.add_row(
                name,
                f"{median(per_s for _, per_s in costs):,.0f}",
                f"{median(per_cpu for per_cpu, _ in costs):,.0f}",
                *(
                    _spread([own[0] / other[0] for own, other in zip(costs, found[base], strict=True)])
                    for base in (SAME_RATE, FASTEST)
                ),
            )
        self.console.print(table)


def _spread(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


@click.command("load")
@click.option("--runs", default=5, show_default=True, help="Runs of each, in turn.")
@click.option(
    "--seconds", default=10.0, show_default=True, help="How long one lasts; with a stall twice that."
)
@click.option(
    "--stall-rate", default=300.0, show_default=True, help="Requests per second when the target stalls."
)
@click.option("--only", type=click.Choice(["fidelity", "stall", "cost"]), help="One of the three.")
@click.option(
    "--saturation", "top", type=float, help="Take this as the saturation, instead of looking for it."
)
def command(*, runs: int, seconds: float, stall_rate: float, only: str | None, top: float | None) -> None:
    """Measure our load beside k6, plain Locust and wrk, on one target on another core."""
    root, progress = project_root(Path(__file__).parent), Progress()
    log = state_dir() / "bench-load.log"
    programs = Programs(catalogue=load_catalogue(root), state=state_dir(), log=log, progress=progress)
    server = programs.compile("load-target")
    k6 = programs.compile("k6") if only in {None, "stall"} else server
    with tempfile.TemporaryDirectory(prefix="aftershock-bench-") as folder, target(server) as running:
        bench = Bench(running, Path(folder), runs=runs, seconds=seconds)
        bench.console.print(f"load of this machine before: {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores")
        if only in {None, "stall"}:
            bench.stall(k6, rate=stall_rate)
        if only != "stall":
            top = top or bench.saturation()
        if only in {None, "fidelity"} and top:
            bench.fidelity(top)
        if only in {None, "cost"} and top:
            bench.cost(rate=round(top * COST_SHARE))
