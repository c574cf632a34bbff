"""Measured times against true ones: idle and with busy cores, beside `chaos run` on the same outages."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from aftershock.cluster.connect import connect
from aftershock.cluster.connection import Cluster
from aftershock.cluster.kind.engine import Engine, find_engine
from aftershock.cluster.progress import Progress
from aftershock.config import load_settings, project_root, state_dir
from benchmarks.honest_times.chaos_run import DEFAULT_PACE_S, OUR_PACE_S, chaos_readings, watch
from benchmarks.honest_times.driven_pods import DrivenPod, driven_pods
from benchmarks.honest_times.lags import probe_lags, watch_lags
from benchmarks.honest_times.machine import busy_cores, busy_share, cpu_times
from benchmarks.honest_times.measuring import client_readings, kubernetes_readings, record
from benchmarks.honest_times.report import Results, keep, show
from benchmarks.honest_times.trials import Schedule, draw
from benchmarks.honest_times.truth import read_audit, ready_patches

__all__ = ["command"]

CHAOS = {OUR_PACE_S: "chaos run, a check every 0.05 s", DEFAULT_PACE_S: "chaos run, every 1 s (default)"}


@click.command("honest-times")
@click.option("--per-kind", default=30, show_default=True, help="Outages of each length.")
@click.option("--pods", default=10, show_default=True, help="Driven pods at once.")
@click.option("--seed", default=1, show_default=True, help="For phases and order.")
@click.option("--idle/--no-idle", default=True, help="Measure with cores that are idle but for the cluster.")
@click.option("--busy/--no-busy", default=True, help="Measure with all cores busy.")
@click.option("--peer/--no-peer", default=True, help="Measure `chaos run` as well.")
@click.option(
    "--keep", "folder", type=click.Path(path_type=Path, file_okay=False), help="A folder for what was seen."
)
def command(
    *, per_kind: int, pods: int, seed: int, idle: bool, busy: bool, peer: bool, folder: Path | None
) -> None:
    """Measure outages whose length is known, on the kind cluster: by us, and by `chaos run`."""
    cluster = connect(load_settings(root=project_root()))
    engine = find_engine(log=state_dir() / "logs" / "honest-times.log", state=state_dir())
    results, progress = Results(), Progress()
    schedules = draw(per_kind=per_kind, pods=pods, seed=seed)
    conditions: dict[str, AbstractContextManager[None]] = {}
    if idle:
        conditions["idle"] = nullcontext()
    if busy:
        conditions["busy"] = busy_cores()
    with _kept(folder) as kept, driven_pods(cluster.api, count=pods) as driven:
        bench = _Bench(
            cluster=cluster, engine=engine, pods=driven, schedules=schedules, results=results, folder=kept
        )
        for condition, machine in conditions.items():
            with machine:
                with progress.stage(f"{condition}, Aftershock"), bench.noted(f"{condition}, Aftershock"):
                    bench.measure(condition)
                if peer:
                    with progress.stage(f"{condition}, chaos run"), bench.noted(f"{condition}, chaos run"):
                        bench.measure_peer(condition)
    show(results, Console())


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """What every pass needs, and where its results go."""

    cluster: Cluster
    engine: Engine
    pods: Sequence[DrivenPod]
    schedules: Sequence[Schedule]
    results: Results
    folder: Path

    def measure(self, condition: str) -> None:
        """Drive the pods through the schedules and add what we measured of it."""
        path = self.folder / f"{condition}.timeline.jsonl"
        path.unlink(missing_ok=True)
        driven, events = record(self.cluster.api, self.pods, self.schedules, path=path)
        audit = read_audit(self.engine)
        (self.folder / f"{condition}.audit.jsonl").write_text("\n".join(audit), encoding="utf-8")
        lags = self.results.lags
        to_patch = lags.setdefault(f"{condition}: pod's flip to API's patch, by the readiness probe", [])
        to_receipt = lags.setdefault(f"{condition}: API's patch to receipt of the watch event", [])
        for one in driven:
            patches = ready_patches(audit, pod=one.pod.pod)
            self.results.readings.extend(client_readings(one, events, condition=condition))
            self.results.readings.extend(kubernetes_readings(one, events, patches, condition=condition))
            to_patch.extend(probe_lags(one, patches))
            to_receipt.extend(watch_lags(one, patches, events))
        probes = [event.data for event in events if event.kind == "probe"]
        late = [data["late_ms"] / 1000 for data in probes if "late_ms" in data]
        lags[f"{condition}: due to sent, of those of {len(probes)} probes that were late"] = late

    def measure_peer(self, condition: str) -> None:
        """Drive the pods through the same schedules and add what `chaos run` makes of it."""
        driven, checks = watch(self.pods, self.schedules, paces_s=tuple(CHAOS), folder=self.folder)
        for one in driven:
            for pace_s, method in CHAOS.items():
                found = checks[one.pod.name, pace_s]
                self.results.readings.extend(chaos_readings(one, found, condition=condition, method=method))

    @contextmanager
    def noted(self, what: str) -> Iterator[None]:
        """Note how busy the cores were during the block, and keep what came of it."""
        before = cpu_times()
        yield
        self.results.busy[what] = busy_share(before, cpu_times())
        keep(self.results, self.folder / "readings.jsonl")


@contextmanager
def _kept(folder: Path | None) -> Iterator[Path]:
    """Have the folder that was named, else one for as long as the block lasts."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="aftershock-bench-") as name:
        yield Path(name)
