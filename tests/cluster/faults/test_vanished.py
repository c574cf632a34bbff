"""A harness is killed from outside (SIGKILL), and everything is whole again in time, with nobody's help.

For one fault of each way of taking back at three markers; for every other one at some moment. Faults
that are not in each other's way are in the hands of one harness, and lose it together.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from subprocess import TimeoutExpired

import pytest

from aftershock.clock import SystemClock, rfc3339, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.faults import marks
from aftershock.faults.journal import Record
from tests.cluster.conftest import Project
from tests.cluster.faults.cases import CASES, WORKLOADS, case
from tests.cluster.harness import Doomed, Marker, Trial
from tests.cluster.state import await_state

# Beyond a fault's own expiry.
WHOLE_WITHIN = timedelta(seconds=30)
LATEST_MOMENT_S = 10.0

# One of each way of taking back: the carrier, a patch and the network go side by side.
ON_WORKLOADS = WORKLOADS[0]
CORDON, KUBELET, POWER = "node-drain", "kubelet-stop", "node-pause"
AT_MARKERS: dict[str, tuple[Marker, Sequence[str]]] = {
    "planned": ("planned", (*ON_WORKLOADS, CORDON, KUBELET, POWER)),
    "injected: workloads": ("injected", ON_WORKLOADS),
    "undoing: workloads": ("undoing", ON_WORKLOADS),
    "injected: cordon": ("injected", (CORDON,)),
    "undoing: cordon": ("undoing", (CORDON,)),
    "injected: kubelet": ("injected", (KUBELET,)),
    "undoing: kubelet": ("undoing", (KUBELET,)),
    "injected: power": ("injected", (POWER,)),
    "undoing: power": ("undoing", (POWER,)),
}

# Every other fault.
AT_SOME_MOMENT = (
    *WORKLOADS[1:],
    ("node-cpu-hog", "node-memory-pressure", "node-stop"),
    ("api-unreachable",),
)


Healed = Callable[[Sequence[Record]], None]


def trial(fault: str, marker: Marker = "") -> Trial:
    """Return the case as a trial. What the control plane notices late is taken back before it has."""
    late = fault in {KUBELET, POWER} and marker == "undoing"
    return Trial(
        fault=fault,
        arguments=case(fault).arguments,
        marker=marker,
        proven_within_s=8.0 if late else None,
    )


@pytest.mark.parametrize(("marker", "faults"), AT_MARKERS.values(), ids=AT_MARKERS)
def test_killed_at_a_marker(
    doom: Callable[..., Doomed], healed: Healed, marker: Marker, faults: Sequence[str]
) -> None:
    doomed = doom(*(trial(fault, marker) for fault in faults))
    doomed.at_markers()
    records = doomed.kill()
    assert {record.fault for record in records} == set(faults)
    assert {record.state for record in records} == {"planned" if marker == "planned" else "injected"}
    healed(records)


@pytest.mark.parametrize("faults", AT_SOME_MOMENT, ids="+".join)
def test_killed_at_some_moment(doom: Callable[..., Doomed], healed: Healed, faults: Sequence[str]) -> None:
    seed = random.SystemRandom().randrange(1 << 16)
    moment_s = random.Random(seed).uniform(0, LATEST_MOMENT_S)
    print(f"seed {seed}: killed {moment_s:.2f} s after the first plan")  # noqa: T201 - pytest shows it
    doomed = doom(*map(trial, faults))
    doomed.planned()
    with suppress(TimeoutExpired):
        doomed.process.wait(timeout=moment_s)
    healed(doomed.kill())


def test_every_fault_is_tried() -> None:
    tried = [fault for _, faults in AT_MARKERS.values() for fault in faults]
    assert {tried.count(fault) for fault in tried} == {3}
    tried += [fault for faults in AT_SOME_MOMENT for fault in faults]
    assert set(tried) == {one.fault for one in CASES}


@pytest.fixture
def healed(api: KubeApi, before: dict[str, object], project: Project) -> Healed:
    """What holds that all is whole in time, without help, and that `recover` has nothing to do then."""

    def hold(records: Sequence[Record]) -> None:
        whole_in_time(api, before, records)
        for _ in range(2):
            done = project.aftershock("recover")
            assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout == "nothing to undo\n"
        await_state(api, before, within_s=0)

    return hold


def whole_in_time(api: KubeApi, before: dict[str, object], records: Sequence[Record]) -> None:
    """Hold that everything is as before by the latest fault's limit, each fault's marks gone by its own."""
    now = SystemClock().now
    killed_at = now()
    limits = {record.fault_id: record.expires_at + WHOLE_WITHIN for record in records}
    last = max(limits.values(), default=killed_at + WHOLE_WITHIN)
    gone: dict[str, datetime] = {}

    def unmarked() -> bool:
        marked = {record.fault_id for record in marks.records(api)}
        gone.update({name: now() for name in limits if name not in marked | set(gone)})
        return not marked

    within_s = (last - now()).total_seconds()
    wait_until(unmarked, within_s=within_s, every_s=0.5, what="every fault to be taken back")
    await_state(api, before, within_s=max(0.0, (last - now()).total_seconds()))
    for name, at in sorted(gone.items()):
        left_s = (limits[name] - at).total_seconds()
        print(f"{name}: {(at - killed_at).total_seconds():.1f} s after, {left_s:.1f} s to spare")  # noqa: T201 - as above
    late = {name: rfc3339(at) for name, at in gone.items() if at > limits[name]}
    assert not late
    print(f"whole {(now() - killed_at).total_seconds():.1f} s after")  # noqa: T201 - as above
