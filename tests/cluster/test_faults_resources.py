"""Faults on containers, memory, CPU, disks and kubelets, on the real cluster.

Each lands with proof, gives none without its act, leaves nothing, and is over without anybody's
help when its harness was killed at some moment.
"""

from __future__ import annotations

import json
import random
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.config import load_settings
from aftershock.errors import FaultError
from aftershock.faults import marks
from aftershock.faults.calls import make_fault
from aftershock.faults.injector import Injector
from aftershock.faults.protocol import Plan
from aftershock.faults.recover import leftovers
from tests.cluster.conftest import ROOT, Project, whole
from tests.cluster.harness import harness
from tests.cluster.volumes import Ledger, ledger_in

# From when a fault is due until the reaper has taken it back.
HEALED_WITHIN_S = 30.0


@dataclass(frozen=True)
class Case:
    """A fault of the catalogue, and what it is told."""

    fault: str
    arguments: dict[str, Any]

    def __str__(self) -> str:
        """Name the case."""
        return self.fault


WEB = {"workload": "nginx-web", "namespace": "demo"}
ON_PODS = [
    Case("container-kill", WEB),
    Case("memory-pressure", {**WEB, "of_limit": 0.9, "for_s": 40.0}),
    Case("cpu-hog", {**WEB, "burners": 2, "for_s": 40.0}),
]
ON_NODES = [
    Case("node-cpu-hog", {"role": "worker", "of_cores": 0.3, "for_s": 60.0}),
    Case("node-memory-pressure", {"role": "worker", "for_s": 60.0}),
    Case("kubelet-stop", {"role": "worker", "for_s": 90.0}),
]
DISK = Case("disk-fill", {"workload": "ledger", "path": "/data", "of_volume": 0.8, "for_s": 40.0})
EVERY = [pytest.param(case, id=str(case)) for case in (*ON_PODS, *ON_NODES)]


@pytest.fixture(scope="module")
def ledger(cluster: Cluster) -> Iterator[Ledger]:
    """A pod with a volume of a size of its own; the stack has none."""
    with ledger_in(cluster.api) as made:
        yield made


@pytest.fixture
def injector(cluster: Cluster, api: KubeApi, project: Project) -> Iterator[Injector]:
    """What a run injects with; it takes back what a test leaves."""
    run_id = f"tried-{secrets.token_hex(3)}"
    with harness(cluster, load_settings(root=ROOT), project.reports, run_id=run_id) as made:
        yield made


def lands(injector: Injector, case: Case) -> Plan:
    """Inject, and hold that it landed, was taken back, and left its targets as they were."""
    fault = make_fault(case.fault, injector.tools, case.arguments)
    injection = injector.inject(fault)
    assert injection.proof.holds
    proof = injector.undo(injection.record.fault_id)
    assert proof.holds
    assert not leftovers(injector.tools, reports=injector.journal.path.parent.parent)
    for target in injection.plan.targets:
        meta = injector.tools.api.get(target.path)["metadata"]
        assert "aftershock.dev" not in json.dumps([meta.get("annotations"), meta.get("labels")])
    return injection.plan


@pytest.mark.parametrize("case", EVERY)
def test_lands_and_is_taken_back(injector: Injector, case: Case) -> None:
    lands(injector, case)


def test_a_disk_is_filled_and_free_again(injector: Injector, ledger: Ledger) -> None:
    before = ledger.used_bytes()
    lands(injector, DISK)
    assert ledger.used_bytes() == before


@pytest.mark.parametrize("case", EVERY)
def test_without_its_act_there_is_no_proof(injector: Injector, case: Case) -> None:
    no_proof(injector, case)


def test_without_its_act_no_disk_is_full(injector: Injector, ledger: Ledger) -> None:
    no_proof(injector, DISK)


def no_proof(injector: Injector, case: Case) -> None:
    """Hold that the fault does not land where its carriers do nothing."""
    fault = make_fault(case.fault, injector.tools, case.arguments)
    plan = fault.plan
    hasty = lambda: _hasty(plan())  # noqa: E731 - a plan that does not wait a minute for what cannot come
    fault.plan = hasty  # type: ignore[method-assign]
    fault.inject = lambda plan, record: None  # type: ignore[method-assign]
    with pytest.raises(FaultError, match="no proof"):
        injector.inject(fault)


def _hasty(plan: Plan) -> Plan:
    return replace(plan, lands_within_s=12.0)


PROGRAM = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from aftershock.cluster.connect import connect
from aftershock.config import load_settings
from aftershock.faults import marks
from aftershock.faults.calls import make_fault
from tests.cluster.harness import harness

settings = load_settings(root=Path.cwd())
with harness(connect(settings), settings, Path.cwd() / "reports", run_id=sys.argv[4]) as injector:
    fault = make_fault(sys.argv[1], injector.tools, json.loads(sys.argv[2]))
    injection = injector.inject(fault)
    injector.undo(injection.record.fault_id)
"""


def kill_at_some_moment(project: Project, case: Case) -> None:
    """Run a harness and kill it from here, up to eight seconds after its journal has the fault."""
    seed = random.SystemRandom().randrange(1 << 16)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it with a failure
    moment_s = random.Random(seed).uniform(0, 8)
    run_id = f"killed-{secrets.token_hex(3)}"  # a dead run's name must not come again: its Lease
    journal = project.reports / run_id / "journal.jsonl"
    words = [case.fault, json.dumps(case.arguments), str(ROOT), run_id]
    running = subprocess.Popen([sys.executable, "-c", PROGRAM, *words], cwd=project.folder)
    try:
        wait_until(
            lambda: journal.exists() or running.poll() is not None, within_s=30, every_s=0.05, what="a plan"
        )
        with suppress(subprocess.TimeoutExpired):  # it is at work, as it should be
            running.wait(timeout=moment_s)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()


def healed(api: KubeApi, project: Project, case: Case) -> None:
    """Hold that all is well without help by the fault's expiry and a little more, and stays so."""
    within_s = float(case.arguments.get("for_s", 60.0)) + HEALED_WITHIN_S
    marked = lambda: list(marks.records(api))  # noqa: E731 - asked again and again
    wait_until(lambda: not marked(), within_s=within_s, every_s=0.5, what=f"{case} to be taken back")
    ready = lambda: all(map(is_ready, api.items("/api/v1/nodes")))  # noqa: E731 - asked again and again
    wait_until(ready, within_s=HEALED_WITHIN_S, what="every node to be ready")
    for _ in range(2):
        done = project.aftershock("recover")
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "nothing to undo\n"
    whole(api, project)


def is_ready(node: Json) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])


@pytest.mark.parametrize("case", EVERY)
def test_heals_itself_when_its_harness_is_killed(api: KubeApi, project: Project, case: Case) -> None:
    kill_at_some_moment(project, case)
    healed(api, project, case)


def test_a_disk_is_free_again_when_its_harness_is_killed(
    api: KubeApi, project: Project, ledger: Ledger
) -> None:
    before = ledger.used_bytes()
    kill_at_some_moment(project, DISK)
    healed(api, project, DISK)
    assert ledger.used_bytes() == before
