"""The harness is killed in the middle of a fault (SIGKILL: nothing of it can clean up); `recover` heals."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.faults.journal import Journal
from aftershock.faults.recover import leftovers
from aftershock.faults.tools import tools
from tests.cluster.conftest import Project, closed_nodes, whole
from tests.cluster.killing import DRAIN, MEMORY, kill, without_reaper


@pytest.fixture
def by_hand(api: KubeApi) -> Iterator[Callable[[], None]]:
    """What stops the reaper for the rest of a test: after the kill, for a fault may depend on it."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(without_reaper(api))


def recovered(project: Project) -> str:
    done = project.aftershock("recover")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_in_the_middle_of_an_out_of_memory(
    api: KubeApi, project: Project, by_hand: Callable[[], None]
) -> None:
    before = restarts(api)
    kill(project, MEMORY)
    by_hand()
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
def test_in_the_middle_of_a_drain(
    api: KubeApi, project: Project, by_hand: Callable[[], None], journal: str
) -> None:
    kill(project, DRAIN)
    by_hand()
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


def test_a_run_refuses_to_begin_on_what_is_left(project: Project, by_hand: Callable[[], None]) -> None:
    kill(project, DRAIN)
    by_hand()
    done = project.pytest("features/recovery")
    assert done.returncode == 11, done.stdout + done.stderr
    assert "an earlier run left something in the cluster" in done.stdout + done.stderr
    assert "run `aftershock recover`" in done.stdout + done.stderr
    assert "1 undone; nothing is left" in recovered(project)
