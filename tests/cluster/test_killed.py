"""The harness is killed in the middle of a fault (SIGKILL: nothing of it can clean up); `recover` heals."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.faults.journal import Journal
from aftershock.faults.recover import leftovers
from aftershock.faults.tools import tools
from tests.cluster.conftest import Project, closed_nodes, whole

# A harness as a run has it: the real injector, guard and journal. KILL stands where it dies.
HARNESS = """
import os, signal
from pathlib import Path
from aftershock.cluster.connect import connect
from aftershock.cluster.guard import Guard
from aftershock.config import load_settings
from aftershock.faults.injector import Injector
from aftershock.faults.journal import Journal
from aftershock.faults.node_drain import NodeDrain
from aftershock.faults.out_of_memory import OutOfMemory
from aftershock.faults.tools import tools
from aftershock.timeline import Timeline

def die():
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path("reports/killed")
folder.mkdir(parents=True)
settings = load_settings(root=Path.cwd())
cluster = connect(settings)
api = cluster.api
guard = Guard(cluster=cluster, settings=settings)
kit = tools(api, may_touch=guard.may_touch)
injector = Injector(
    kit, run_id="killed", journal=Journal(folder / "journal.jsonl"), check=guard.check,
    timeline=Timeline(folder / "timeline.jsonl"),
)
"""

MEMORY = (
    HARNESS
    + """
class Killed(OutOfMemory):
    def inject(self, plan, record):
        super().inject(plan, record)
        die()

injector.inject(Killed(kit, workload="app=reviews", namespace="bookinfo"))
"""
)

DRAIN = (
    HARNESS
    + """
post = api.post
def post_and_die(path, body, **query):
    answer = post(path, body, **query)
    if path.endswith("/eviction"):
        die()
    return answer

api.post = post_and_die
fault = NodeDrain(kit, workload="nginx-web", namespace="demo")
injector.inject(fault)
"""
)


def kill(project: Project, program: str) -> None:
    done = project.python(program)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def recovered(project: Project) -> str:
    done = project.aftershock("recover")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_in_the_middle_of_an_out_of_memory(api: KubeApi, project: Project) -> None:
    before = restarts(api)
    kill(project, MEMORY)
    assert leftovers(tools(api), reports=project.reports)
    (record,) = Journal(project.reports / "killed" / "journal.jsonl").latest()
    assert record.state == "planned"
    assert "1 undone; nothing is left" in recovered(project)
    assert not api.items("/apis/batch/v1/jobs", labelSelector="aftershock.dev/fault")
    whole(api, project)
    # The score that makes the kernel choose this process first is the kubelet's again.
    (aim,) = record.undo["aims"]
    assert scores(aim["pod_uid"]) <= NATURAL
    assert sum(restarts(api).values()) - sum(before.values()) <= 1
    assert recovered(project) == "nothing to undo\n"


# What a kubelet gives: burstable below 1000, best effort 1000, guaranteed -997, and its sandbox -998.
NATURAL = set(range(-998, 1000))


def scores(pod_uid: str) -> set[int]:
    """Return the OOM scores of a pod's processes; the nodes' processes are this machine's too."""
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if pod_uid in path.read_text().replace("_", "-"):
                found.add(int((path.parent / "oom_score_adj").read_text()))
        except OSError:
            continue  # it ended while we looked
    assert found, f"no process of pod {pod_uid} is visible from here"
    return found


def restarts(api: KubeApi) -> dict[str, int]:
    pods = api.items("/api/v1/namespaces/bookinfo/pods", labelSelector="app=reviews")
    return {
        pod["metadata"]["name"]: status["restartCount"]
        for pod in pods
        for status in pod["status"].get("containerStatuses", ())
    }


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_in_the_middle_of_a_drain(api: KubeApi, project: Project, journal: str) -> None:
    kill(project, DRAIN)
    (node,) = closed_nodes(api)
    if journal == "lost":
        shutil.rmtree(project.reports / "killed")
    assert "1 undone; nothing is left" in recovered(project)
    assert closed_nodes(api) == []
    found = api.get(f"/api/v1/nodes/{node}")
    assert not [key for key in found["metadata"].get("annotations", {}) if key.startswith("aftershock.dev/")]
    untainted = lambda: "taints" not in api.get(f"/api/v1/nodes/{node}")["spec"]  # noqa: E731 - asked again and again
    wait_until(untainted, within_s=10, what=f"{node} without the taint of its cordon")
    assert recovered(project) == "nothing to undo\n"


def test_a_run_refuses_to_begin_on_what_is_left(api: KubeApi, project: Project) -> None:
    kill(project, DRAIN)
    done = project.pytest("features/recovery")
    assert done.returncode == 11, done.stdout + done.stderr
    assert "an earlier run left something in the cluster" in done.stdout + done.stderr
    assert "run `aftershock recover`" in done.stdout + done.stderr
    assert "1 undone; nothing is left" in recovered(project)
