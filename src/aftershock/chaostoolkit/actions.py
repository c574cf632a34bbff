"""Actions: faults injected, and taken back."""

from __future__ import annotations

from typing import Any

from aftershock.chaostoolkit.sessions import session
from aftershock.faults.calls import make_fault
from aftershock.faults.node_drain import NAME as NODE_DRAIN

__all__ = ["drain_worker", "inject", "take_back", "take_back_all", "uncordon"]


def inject(*, fault: str, **arguments: Any) -> dict[str, Any]:
    """Inject the fault of that name of the catalogue, and return the proof that it landed. An action.

    `arguments` are the fault's own. A fault that lasts goes on when this returns.

    Raises:
        UsageError: there is no such fault, or it takes other arguments.
        RefusedError: a guard said no; nothing was touched.
        FaultError: it could not be injected, or there is no proof that it landed.

    """
    current = session()
    injection = current.inject(make_fault(fault, current.tools, arguments))
    return {
        "fault_id": injection.record.fault_id,
        "targets": [str(target) for target in injection.plan.targets],
        **injection.proof.facts,
    }


def take_back(*, fault: str) -> dict[str, dict[str, Any]]:
    """Take back every fault of that name that this process injected; return the proofs by id.

    Idempotent. For rollbacks, and for the method itself.

    Raises:
        ResidueError: something is left.

    """
    return session().take_back(fault)


def take_back_all() -> dict[str, dict[str, Any]]:
    """Take back everything that this process injected; return the proofs by id. Idempotent. For rollbacks.

    Raises:
        ResidueError: something is left.

    """
    return session().take_back()


def drain_worker(
    *,
    workload: str,
    namespace: str = "",
    node: str = "",
    within_s: float = 120.0,
    grace_s: int | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Drain `node`, or the one that holds most pods of `workload`; return the proof. An action.

    Raises:
        RefusedError: a guard said no; nothing was touched.
        FaultError: something was not evicted within `within_s` seconds.

    """
    return inject(
        fault=NODE_DRAIN,
        workload=workload,
        namespace=namespace,
        node=node,
        within_s=within_s,
        grace_s=grace_s,
        seed=seed,
    )


def uncordon() -> list[str]:
    """Uncordon what `drain_worker` cordoned; return the nodes. Idempotent. For rollbacks.

    Raises:
        ResidueError: a node is still cordoned by us.

    """
    return [str(facts["node"]) for facts in session().take_back(NODE_DRAIN).values()]
