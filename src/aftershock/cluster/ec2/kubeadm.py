"""From machines to a cluster: the bootstrap script's verbs in their order, each idempotent."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from aftershock.cluster.ec2.machines import CONTROL_PLANE, Machine
from aftershock.cluster.ec2.remote import Remote
from aftershock.cluster.progress import Progress
from aftershock.ec2_settings import Ec2
from aftershock.errors import EnvironmentUnusableError

__all__ = ["make_cluster"]


def make_cluster(machines: Sequence[Machine], *, wanted: Ec2, remote: Remote, progress: Progress) -> Machine:
    """Make the machines one cluster; return the control plane's.

    Raises:
        CommandError: a verb failed on a machine.
        CloudError: AWS said no.
        DeadlineError: a machine does not report, or does not get ready.

    """
    leader = next(machine for machine in machines if machine.part == CONTROL_PLANE)
    workers = [machine for machine in machines if machine is not leader]
    ranges = ["--pods", wanted.pod_cidr, "--services", wanted.service_cidr]

    def prepare(machine: Machine) -> None:
        with progress.task(f"prepare {machine.part}"):
            # cloud-init may still be at the very same.
            remote.run(machine.id, "cloud-init status --wait >/dev/null || true", shown="cloud-init")
            remote.node(machine.id, "prepare", "--kubernetes", wanted.kubernetes, "--agent")

    with ThreadPoolExecutor(len(machines)) as pool:
        list(pool.map(prepare, machines))
    with progress.task("control plane"):
        version = ["--kubernetes", wanted.kubernetes]
        remote.node(leader.id, "control-plane", *version, *ranges, "--provider-id", leader.provider_id)
    joining = remote.node(leader.id, "join-command").split()

    def join(machine: Machine) -> None:
        with progress.task(f"join {machine.part}"):
            remote.node(machine.id, "worker", *joining, "--provider-id", machine.provider_id)

    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(join, workers))
    entries = _entries(remote.node(leader.id, "nodes"), machines)
    with progress.task("network"), ThreadPoolExecutor(len(machines)) as pool:
        list(pool.map(lambda machine: remote.node(machine.id, "network", *ranges, *entries), machines))
    return leader


def _entries(printed: str, machines: Sequence[Machine]) -> list[str]:
    """Read what `nodes` printed, as `network` takes it; those of machines that are gone are left out."""
    nodes = [line.split() for line in printed.splitlines() if line.strip()]
    known = {machine.address for machine in machines}
    entries = {node[1]: "=".join(node) for node in nodes if len(node) == 3 and node[1] in known}  # noqa: PLR2004
    if known - entries.keys():
        raise EnvironmentUnusableError(
            "not every machine has become a node",
            expected=", ".join(sorted(known)),
            found=printed.strip() or "none",
        )
    return list(entries.values())
