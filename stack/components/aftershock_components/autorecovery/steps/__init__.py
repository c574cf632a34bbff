"""What a playbook can do. PLANS: for each step, what it comes to now; ACTS: what carries a plan out.

A plan says absolute values and looks at nothing later; an act may be done twice (somebody died
between the act and its note) and then finds that it was done. A way back exists for what the
trouble's end makes unnecessary.
"""

from __future__ import annotations

from collections.abc import Mapping

from aftershock_components.autorecovery.playbooks import (
    AddMemory,
    Drain,
    KeepLogs,
    MakeBudget,
    Relieve,
    RestartPod,
    ScaleOut,
    ScaleTo,
)
from aftershock_components.autorecovery.steps.logs import keep_logs, plan_keep_logs
from aftershock_components.autorecovery.steps.memory import plan_add_memory, set_memory
from aftershock_components.autorecovery.steps.nodes import drain, plan_drain, uncordon
from aftershock_components.autorecovery.steps.pods import create_budget, evict, plan_budget, plan_restart
from aftershock_components.autorecovery.steps.protocol import Act, Back, Planner
from aftershock_components.autorecovery.steps.relief import give_replicas, plan_relieve, take_replicas
from aftershock_components.autorecovery.steps.scaling import (
    plan_scale_out,
    plan_scale_to,
    put_back,
    set_number,
)

__all__ = ["ACTS", "BACKS", "PLANS", "PREPARES"]

PLANS: Mapping[type, Planner] = {
    KeepLogs: plan_keep_logs,
    MakeBudget: plan_budget,
    RestartPod: plan_restart,
    ScaleOut: plan_scale_out,
    ScaleTo: plan_scale_to,
    AddMemory: plan_add_memory,
    Relieve: plan_relieve,
    Drain: plan_drain,
}

ACTS: Mapping[str, Act] = {
    "keep-logs": keep_logs,
    "create-budget": create_budget,
    "evict": evict,
    "set-number": set_number,
    "set-memory": set_memory,
    "take-replicas": take_replicas,
    "drain": drain,
}

BACKS: Mapping[str, Back] = {
    "set-number": put_back,
    "take-replicas": give_replicas,
    "drain": uncordon,
}

PREPARES = frozenset({"keep-logs", "create-budget"})
"""Acts that repair nothing: no trouble is answered by them, and none has to wait because of them."""
