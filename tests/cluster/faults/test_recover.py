"""`aftershock recover` heals what a killed harness left, from its journal or from marks alone.

The reaper is stopped meanwhile, or it would be there first.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.stack import is_ready
from aftershock.faults import guardians
from aftershock.faults.journal import Record
from aftershock.faults.recover import leftovers
from aftershock.faults.tools import tools
from tests.cluster.conftest import Project
from tests.cluster.faults.cases import case
from tests.cluster.harness import Doomed, Marker, Trial
from tests.cluster.state import await_state

REAPER = "/apis/apps/v1/namespaces/aftershock/deployments/aftershock-reaper"
# What a kubelet gives: burstable below 1000, best effort 1000, guaranteed -997, and its sandbox -998.
NATURAL = set(range(-998, 1000))


@pytest.fixture
def by_hand(api: KubeApi) -> Iterator[Callable[[], None]]:
    """What stops the reaper for the rest of a test: after the kill, for a fault may depend on it."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(without_reaper(api))


@contextmanager
def without_reaper(api: KubeApi) -> Iterator[None]:
    """Stop the reaper for a while."""
    api.patch(REAPER, {"spec": {"replicas": 0}})
    try:
        pods = "/api/v1/namespaces/aftershock/pods"
        wait_until(
            lambda: not api.items(pods, labelSelector="app.kubernetes.io/name=aftershock-reaper"),
            within_s=30,
            what="the reaper to be gone",
        )
        yield
    finally:
        api.patch(REAPER, {"spec": {"replicas": 1}})
        ready = lambda: is_ready({**api.get(REAPER), "kind": "Deployment"})  # noqa: E731 - asked again and again
        wait_until(ready, within_s=60, what="the reaper to be back")


@pytest.fixture
def left(
    api: KubeApi, project: Project, doom: Callable[..., Doomed], by_hand: Callable[[], None]
) -> Callable[[Marker, tuple[str, ...]], list[Record]]:
    """What leaves faults behind, at that marker, with nobody to take them back but us."""

    def leave(marker: Marker, faults: tuple[str, ...]) -> list[Record]:
        trials = (Trial(fault=one, arguments=case(one).arguments, marker=marker) for one in faults)
        doomed = doom(*trials)
        doomed.at_markers()
        records = doomed.kill()
        by_hand()
        assert len(leftovers(tools(api), reports=project.reports)) == len(faults)
        return records

    return leave


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_in_the_middle_of_the_act(
    api: KubeApi,
    before: dict[str, object],
    project: Project,
    left: Callable[[Marker, tuple[str, ...]], list[Record]],
    journal: str,
) -> None:
    records = left("acting", ("out-of-memory", "node-drain", "scaled-to-zero", "network-partition"))
    assert {record.state for record in records} == {"planned"}
    refuses_to_begin(project)
    if journal == "lost":
        shutil.rmtree(project.reports)
    assert f"{len(records)} undone; nothing is left" in recovered(project)
    await_state(api, before, within_s=60)
    # The score that makes the kernel choose this process first is the kubelet's again.
    (aim,) = next(record.undo["aims"] for record in records if record.fault == "out-of-memory")
    assert scores(aim["pod_uid"]) <= NATURAL
    assert recovered(project) == "nothing to undo\n"


def test_a_node_without_power_from_its_mark_alone(
    api: KubeApi,
    before: dict[str, object],
    project: Project,
    left: Callable[[Marker, tuple[str, ...]], list[Record]],
) -> None:
    (record,) = left("acting", ("node-stop",))
    shutil.rmtree(project.reports)
    assert guardians.lives(record.fault_id)
    assert "1 undone; nothing is left" in recovered(project)
    wait_until(lambda: not guardians.lives(record.fault_id), within_s=5, what="the guardian to end")
    await_state(api, before, within_s=60)


def recovered(project: Project) -> str:
    done = project.aftershock("recover")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refuses_to_begin(project: Project) -> None:
    """Hold that a run does not begin on what is left."""
    done = project.pytest("features/recovery")
    assert done.returncode == 11, done.stdout + done.stderr
    assert "an earlier run left something in the cluster" in done.stdout + done.stderr
    assert "run `aftershock recover`" in done.stdout + done.stderr


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
