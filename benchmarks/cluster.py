"""The cluster's and the stack's figures beside what they may be."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import click
from rich.console import Console
from rich.table import Table

from aftershock.clock import pause
from aftershock.cluster.connect import connect
from aftershock.config import load_settings, project_root
from aftershock.observe.prometheus import Prometheus

RUNS = 5
IDLE_S = 120.0
GIB = 1024**3


def timed(*words: str) -> float:
    """Return the seconds that `aftershock WORDS` takes, as a process."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "aftershock.cli", *words], check=True, capture_output=True)
    return time.monotonic() - begun


def idle() -> tuple[float, float]:
    """Return the cores and GiB that the three nodes use when nothing happens, over two minutes."""
    pause(IDLE_S, what="the cluster to rest")
    prometheus = Prometheus(connect(load_settings(root=project_root())).monitoring.prometheus)
    cores = prometheus.query("sum(rate(node_cpu_usage_seconds_total[2m]))")[0].value
    memory = prometheus.query("sum(node_memory_working_set_bytes)")[0].value
    return cores, memory / GIB


@click.command("cluster")
@click.option("--remake", is_flag=True, help="Make the cluster anew first, and time it.")
def command(*, remake: bool) -> None:
    """Measure the cluster and the stack: `up`, and what they use when idle."""
    table = Table("figure", "measured", "objective", title="cluster and stack")
    if remake:
        timed("down")
        table.add_row("cluster and stack from images that are there", f"{timed('up'):.1f} s", "120 s")
    timed("up")
    healthy = [timed("up") for _ in range(RUNS)]
    spread = f"{statistics.median(healthy):.1f} s ({min(healthy):.1f} to {max(healthy):.1f}, {RUNS} runs)"
    table.add_row("up on a healthy cluster, as a process", spread, "5 s")
    cores, memory = idle()
    table.add_row("idle, all nodes: CPU", f"{cores:.2f} cores", "0.5 cores")
    table.add_row("idle, all nodes: working set", f"{memory:.2f} GiB", "3 GiB")
    Console().print(table)
