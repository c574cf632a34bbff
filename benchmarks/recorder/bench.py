"""The tables: cost beside the official client's, and every transition accounted for."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from aftershock.clock import from_rfc3339, pause, wait_until
from aftershock.cluster.kind.catalogue import load_catalogue
from aftershock.cluster.kind.programs import Programs
from aftershock.cluster.progress import Progress
from aftershock.config import project_root, state_dir
from aftershock.timeline import Timeline, read_timeline
from benchmarks.recorder.accounting import Account, account, read_audit
from benchmarks.recorder.control_plane import ControlPlane
from benchmarks.recorder.pods import Changes, Population
from benchmarks.recorder.trouble import Trouble
from benchmarks.recorder.wire import Wire

NAMESPACES = ("bench-0", "bench-1", "bench-2", "bench-3")
MADE_WITHIN_S = 600.0
CALM_S = 5
SETTLE_S = 3.0
WARM_UP_S = 50.0  # a burst is taken one by one: what is measured is what comes after it
KIB = 1024


class Contender:
    """A process that follows the pods; `facts` says what that has cost so far."""

    def __init__(self, name: str, kubeconfig: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        words = (name, str(kubeconfig), str(folder), *NAMESPACES)
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.recorder.contender", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=project_root(Path(__file__).parent),
        )
        self.listed = self._answer()

    def facts(self) -> dict[str, Any]:
        """Return its events, CPU seconds and bytes of memory since it began."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> str:
        """Let it end in good order, and return what made it give up; "" if nothing did."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        gave_up: str = self._answer()["gave_up"]
        if self._process.wait(timeout=60):
            raise click.ClickException(f"{self.folder.name} ended with exit code {self._process.returncode}")
        return gave_up

    def kill(self) -> None:
        """End it if it is still there."""
        self._process.kill()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise click.ClickException(f"{self.folder.name} ended before it answered")
        facts: dict[str, Any] = json.loads(line)
        return facts


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One control plane full of pods, and what is measured on it."""

    plane: ControlPlane
    population: Population
    folder: Path
    pods: int
    per_s: float
    console: Console

    @contextmanager
    def follow(self, name: str, port: int | None = None) -> Iterator[Contender]:
        """Start a contender, and see to it that it is gone afterwards."""
        self.console.print(f"{name}: lists {self.pods:,} pods")
        folder = self.folder / name.replace(" ", "-") / str(port or "direct")
        contender = Contender(name, self.plane.kubeconfig(port), folder)
        try:
            yield contender
        finally:
            contender.kill()

    @contextmanager
    def changing(self, *, seed: int) -> Iterator[Changes]:
        """Change pods while the block runs."""
        changes = Changes(self.population, per_s=self.per_s, seed=seed)
        changes.start()
        try:
            yield changes
        finally:
            changes.stop()

    def cost(self, seconds: float) -> None:
        """Measure CPU and memory of all contenders, at once, over `seconds` of changes."""
        names = ("recorder", "recorder of all", "client")
        with ExitStack() as stack:
            contenders = {name: stack.enter_context(self.follow(name)) for name in names}
            with self.changing(seed=1) as changes:
                pause(WARM_UP_S)
                before = {name: each.facts() for name, each in contenders.items()}
                done = changes.done.total()
                pause(seconds)
                after = {name: each.facts() for name, each in contenders.items()}
                rate = (changes.done.total() - done) / seconds
            for each in contenders.values():
                each.end()
        with self.follow("models") as models:
            kept = models.listed
            models.end()
        self._print_cost(seconds, rate, before, after, {n: c.listed for n, c in contenders.items()})
        grown = after["recorder"]["grown"] - contenders["recorder"].listed["grown"]
        per_event = grown / (after["recorder"]["events"] - contenders["recorder"].listed["events"]) / KIB
        self.console.print(f"Each further event of the recorder's takes {per_event:.1f} KiB.")
        per_model = kept["grown"] / kept["events"] / KIB
        self.console.print(f"A model object of the client's takes {per_model:.0f} KiB where it is kept.")

    def _print_cost(
        self,
        seconds: float,
        rate: float,
        before: dict[str, dict[str, Any]],
        after: dict[str, dict[str, Any]],
        listed: dict[str, dict[str, Any]],
    ) -> None:
        title = f"{self.pods:,} pods, {rate:.1f} writes a second over {seconds:g} s, all in the same run"
        table = Table(
            "", "list, CPU s", "following, CPU ms/s", "per event, µs", "of the client's",
            "memory after the list, KiB/pod", "at the end, KiB/pod", "highest, KiB/pod", title=title,
        )  # fmt: skip
        spent = {name: after[name]["cpu_s"] - before[name]["cpu_s"] for name in after}
        for name, cpu in spent.items():
            events = after[name]["events"] - before[name]["events"]
            memory = (
                "-" if name == "client" else f"{bytes_ / self.pods / KIB:.2f}"
                for bytes_ in (listed[name]["grown"], after[name]["grown"], after[name]["peak"])
            )
            table.add_row(
                name,
                f"{listed[name]['cpu_s']:.2f} (1/{listed['client']['cpu_s'] / listed[name]['cpu_s']:.1f})",
                f"{cpu / seconds * 1000:.2f}",
                f"{cpu / events * 1e6:.0f}",
                f"1/{spent['client'] / cpu:.1f}",
                *memory,
            )
        table.caption = (
            "objectives: at most 1/10 of the client's CPU, at most 3 KiB a pod; the client keeps nothing"
        )
        self.console.print(table)

    def completeness(self) -> None:
        """Account for every transition while everything goes wrong once."""
        wire = Wire(self.plane.port)
        try:
            with self.follow("recorder", wire.port) as recorder:
                with self.changing(seed=2) as changes:
                    Trouble(plane=self.plane, wire=wire, say=self.console.print).all()
                pause(SETTLE_S)
                left = {item["metadata"]["uid"]: item for item in self.population.items()}
                gave_up = recorder.end()
        finally:
            wire.close()
        timeline = read_timeline(recorder.folder / "timeline.jsonl")
        since = from_rfc3339(recorder.listed["listed_at"])
        result = account(timeline, read_audit(self.plane.audit_log), left=set(left), since=since)
        self._print_account(result, timeline, changes)
        if gave_up:
            self.console.print(f"The recorder gave up: {gave_up}", style="red")
        last = {event.data["uid"]: event for event in timeline.select(kind="pod")}
        there = {uid for uid, event in last.items() if event.data["type"] not in {"DELETED", "GONE"}}
        stale = sum(
            last[uid].data["resource_version"] != left[uid]["metadata"]["resourceVersion"]
            for uid in there & left.keys()
        )
        self.console.print(
            f"In the end: {stale} of {len(left):,} pods in another version than the API has, "
            f"{len(left.keys() ^ there)} there in one and not in the other."
        )

    def _print_account(self, result: Account, timeline: Timeline, changes: Changes) -> None:
        table = Table("transition", "in the audit log", "seen", "inside a recorded gap", "lost",
                      title="every transition, through cuts, a restart and 410s")  # fmt: skip
        for kind in sorted(result.seen | result.in_gap | result.lost):
            seen, blind, lost = result.seen[kind], result.in_gap[kind], result.lost[kind]
            table.add_row(kind, *(f"{number:,}" for number in (seen + blind + lost, seen, blind, lost)))
        totals = (result.seen.total(), result.in_gap.total(), result.lost.total())
        table.add_row("all", *(f"{number:,}" for number in (sum(totals), *totals)), style="bold")
        table.caption = (
            f"objective: none lost. Told wrong: {result.told_wrong}; invented: {result.invented}; "
            f"dated beyond their resolution: {len(result.late)}. "
            f"Writes refused while the API was away: {changes.done['refused']}"
        )
        self.console.print(table)
        for lag_s, resolution_s in result.late[:20]:
            self.console.print(f"dated {lag_s:.3f} s late, resolution {resolution_s:.3f} s", style="red")
        for write in result.lost_writes[:20]:
            self.console.print(f"lost: {write}", style="red")
        gaps = Table("gap", "from", "s", "reason", title="recorded gaps")
        for gap in timeline.select(kind="gap"):
            data = gap.data
            length = f"{data['until_mono'] - data['from_mono']:.2f}" if data["until"] else "open"
            gaps.add_row(data["namespace"], data["from"][11:23], length, data["reason"])
        self.console.print(gaps)
        reasons = Counter(
            "410" if "410" in gap.data["reason"] else "broken" for gap in timeline.select(kind="gap")
        )
        lags = sorted(lag * 1000 for lag in result.lag_s)
        self.console.print(
            f"{reasons['410']} gaps by a 410, {reasons['broken']} by a broken connection. "
            f"From the API server's answer to our event: median {statistics.median(lags):.1f} ms, "
            f"p99 {lags[int(len(lags) * 0.99)]:.1f} ms, longest {lags[-1]:.1f} ms."
        )


def populate(plane: ControlPlane, *, pods: int, nodes: int) -> Population:
    """Make namespaces, nodes and pods, and wait until kwok has started every pod."""
    population = Population(plane.api(), namespaces=NAMESPACES, nodes=nodes)
    population.make(pods)

    def all_run() -> bool:
        return not any(
            population.api.items(
                f"/api/v1/namespaces/{namespace}/pods", fieldSelector="status.phase!=Running", limit="1"
            )
            for namespace in NAMESPACES
        )

    wait_until(all_run, within_s=MADE_WITHIN_S, every_s=1.0, what="kwok to start every pod")
    sizes = [0, 1]

    def calm() -> bool:
        sizes.append(plane.audit_log.stat().st_size)
        return len(set(sizes[-CALM_S:])) == 1

    wait_until(calm, within_s=MADE_WITHIN_S, every_s=1.0, what="kwok to have nothing more to write")
    return population


@click.command("recorder")
@click.option("--pods", default=10_000, show_default=True)
@click.option("--nodes", default=100, show_default=True)
@click.option("--per-s", default=20.0, show_default=True, help="Writes a second.")
@click.option("--seconds", default=180.0, show_default=True, help="How long the cost is measured.")
@click.option("--part", type=click.Choice(["all", "cost", "completeness"]), default="all", show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep timelines and logs in this folder.")
def command(  # noqa: PLR0917 - click passes options by name
    pods: int, nodes: int, per_s: float, seconds: float, part: str, keep: Path | None
) -> None:
    """Print the recorder's CPU and memory at 10,000 pods, and whether it misses a transition."""
    console = Console(width=max(120, Console().width))
    with tempfile.TemporaryDirectory(prefix="aftershock-bench-") as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        programs = Programs(
            catalogue=load_catalogue(project_root(Path(__file__).parent)),
            state=state_dir(),
            log=folder / "build.log",
            progress=Progress(),
        )
        with ControlPlane(folder / "plane", programs=programs, kwok=True) as plane:
            console.print(f"making {pods:,} pods on {nodes} nodes (load {os.getloadavg()[0]:.1f})")
            population = populate(plane, pods=pods, nodes=nodes)
            size = len(plane.api().text("/api/v1/namespaces/bench-0/pods", limit="100")) / 100
            console.print(f"a pod is {size / KIB:.1f} KiB of JSON")
            bench = Bench(
                plane=plane, population=population, folder=folder, pods=pods, per_s=per_s, console=console
            )
            if part != "completeness":
                bench.cost(seconds)
            if part != "cost":
                bench.completeness()
