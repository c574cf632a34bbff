"""CPU hog on a node: a share of its cores is taken, at the lowest weight there is.

The burners live in the carrier's own cgroup: the pod's limit is the share, its request next
to nothing, so everyone who asks for CPU time comes first, and when the carrier is gone nothing
is left. Proof is the kubelet's: the node uses so much more than before.
"""

from __future__ import annotations

from math import ceil
from typing import Unpack

from aftershock.cluster.quantity import number
from aftershock.cluster.targets import choose_node
from aftershock.errors import RefusedError
from aftershock.faults.carried import Carried, start_carriers
from aftershock.faults.carrier import Size
from aftershock.faults.chosen import WhichNode
from aftershock.faults.journal import Record
from aftershock.faults.kubelet_stats import check_time, look, reached, to_reach
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

__all__ = ["NAME", "NodeCpuHog"]

NAME = "node-cpu-hog"
# Others come first, so the hog may get less than its share while they work.
CLOSE_ENOUGH = 0.7


class NodeCpuHog(Carried):
    """`of_cores` (0 to 1) of a node's cores is taken for `for_s`.

    The node is chosen as choose_node has it, by `which`: node, role, workload, namespace, seed.
    """

    name = NAME

    def __init__(self, tools: Tools, *, of_cores: float, for_s: float, **which: Unpack[WhichNode]) -> None:
        self.tools = tools
        self.of_cores = of_cores
        self.for_s = for_s
        self.which = which

    def plan(self) -> Plan:
        """Choose the node, and note what it uses now.

        Raises:
            RefusedError: there is no such node, or it has less than that share to spare.

        """
        check_time(self.for_s)
        if not 0 < self.of_cores <= 1:
            raise RefusedError(f"{self.of_cores:.0%} is no share of a node's cores", expected="up to 100 %")
        choice = choose_node(self.tools.api, **self.which)
        (target,) = choice.targets
        cores = number(self.tools.api.get(target.path)["status"]["allocatable"]["cpu"])
        taken = round(cores * self.of_cores, 3)
        aim = {"node": target.name, "cores": taken, "options": {"burners": ceil(taken)}}
        used = look(self.tools.api, aim).cores
        if used + taken * CLOSE_ENOUGH > cores:
            raise RefusedError(
                f"{target} has no {taken:g} of its {cores:g} cores to spare",
                expected=f"at most {cores - taken * CLOSE_ENOUGH:.2f} in use",
                found=f"{used:.2f}",
                hint="take a smaller share: the hog comes last and would get nothing",
            )
        return Plan(
            fault=NAME,
            targets=choice.targets,
            undo={"aims": [to_reach(self.tools.api, aim, "cores", round(used + taken * CLOSE_ENOUGH, 3))]},
            expires_after_s=self.for_s,
            blast_radius=f"{taken:g} of {cores:g} cores of {choice} are taken, at the lowest weight",
            switch="carrier",
            lasts=True,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        """Start the carrier, with the share as its own limit.

        Raises:
            FaultError: it did not start.

        """
        (aim,) = plan.undo["aims"]
        size = Size(
            requests={"cpu": "1m", "memory": "64Mi"},
            limits={"cpu": f"{int(aim['cores'] * 1000)}m", "memory": "64Mi"},
        )
        start_carriers(self.tools, plan, record, act="node-cpu", size=size)

    def landed(self, plan: Plan) -> Proof:
        """Ask the kubelet for the node's CPU time."""
        return reached(self.tools.api, plan.undo["aims"], "cores")
