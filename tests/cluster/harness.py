"""A harness as a run has it, here or in a process that is killed: the real injector, guard and journal."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.connect import CLUSTER_NAME
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.node_power import power_of
from aftershock.config import Settings
from aftershock.faults import marks
from aftershock.faults.injector import Injector
from aftershock.faults.journal import Journal, Record
from aftershock.faults.tools import tools
from aftershock.timeline import Timeline
from tests.cluster.conftest import ROOT, Project

__all__ = ["MARKERS", "harness", "killed_at", "unmarked"]

MARKERS = ("planned", "injected", "undoing")
"""Where a harness is killed: written but not injected; injected and proven; when its undo begins."""

_PROGRAM = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from aftershock.cluster.connect import connect
from aftershock.config import load_settings
from aftershock.faults.{module} import {name}
from tests.cluster.harness import harness

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

settings = load_settings(root=Path.cwd())

class Killed({name}):
    def inject(self, plan, record):
        if {marker!r} == "planned":
            die()
        super().inject(plan, record)

with harness(connect(settings), settings, Path.cwd() / "reports", run_id={run_id!r}) as injector:
    injector.inject(Killed(injector.tools, {arguments}))
    if {marker!r} == "undoing":
        injector.undos[{name}.name].undone = die
        injector.undo_all()
    die()
"""


@contextmanager
def harness(cluster: Cluster, settings: Settings, reports: Path, *, run_id: str) -> Iterator[Injector]:
    """Yield the injector of a run whose scenario is tagged @whole and @protected; undo what it did."""
    folder = reports / run_id
    folder.mkdir(parents=True)
    guard = Guard.of(cluster, settings, {"whole", "protected"})
    kit = tools(
        cluster.api,
        carrier_image=settings.carrier_image,
        may_touch=guard.may_touch,
        power=power_of(settings, cluster=CLUSTER_NAME),
    )
    timeline = Timeline(folder / "timeline.jsonl")
    injector = Injector(
        kit,
        run_id=run_id,
        journal=Journal(folder / "journal.jsonl"),
        timeline=timeline,
        check=guard.check,
    )
    try:
        yield injector
    finally:
        injector.undo_all()
        timeline.close()


def killed_at(marker: str, project: Project, *, module: str, name: str, arguments: str) -> Record:
    """Run a harness that is killed (SIGKILL) at `marker` of that fault; return what its journal has of it."""
    # A run's other processes do not renew its Lease, so a dead one's name must not come again.
    run_id = f"killed-{secrets.token_hex(3)}"
    done = project.python(
        _PROGRAM.format(
            run_id=run_id, root=str(ROOT), marker=marker, module=module, name=name, arguments=arguments
        )
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    (record,) = Journal(project.reports / run_id / "journal.jsonl").latest()
    assert record.state != "undone"
    return record


def unmarked(api: KubeApi, fault_id: str, *, by: datetime, now: datetime) -> None:
    """Wait until no mark of the fault is left in the cluster, with nobody's help, at the latest at `by`."""
    wait_until(
        lambda: fault_id not in {record.fault_id for record in marks.records(api)},
        within_s=(by - now).total_seconds(),
        what=f"{fault_id} to be undone by its dead man's switch",
    )
