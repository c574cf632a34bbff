"""Relief of the control plane: low-priority deployments to 0, and back when it is calm."""

from __future__ import annotations

from aftershock_components.autorecovery.exclusions import why_excluded
from aftershock_components.autorecovery.findings import Finding
from aftershock_components.autorecovery.incidents import Plan
from aftershock_components.autorecovery.kube import ConflictError, Json
from aftershock_components.autorecovery.objects import rolling
from aftershock_components.autorecovery.playbooks import Relieve
from aftershock_components.autorecovery.steps.pods import deployment_path
from aftershock_components.autorecovery.steps.protocol import (
    BEFORE,
    Done,
    Later,
    Nothing,
    Setting,
    annotations_of,
)
from aftershock_components.autorecovery.steps.scaling import hpa_of

__all__ = ["give_replicas", "plan_relieve", "take_replicas"]


async def plan_relieve(step: Relieve, finding: Finding, setting: Setting) -> Plan | Later | Nothing:
    """Plan 0 replicas for those of the deployments that can do without."""
    left, numbers = [], {}
    for name in step.deployments:
        found = await setting.kube.find(_path(name))
        why = await _why_not(found, setting)
        if why or found is None:
            left.append(f"{name}: {why}")
        else:
            numbers[name] = int(found["spec"].get("replicas", 1))
    if not numbers:
        return Nothing(f"no deployment can be scaled to 0: {'; '.join(left)}")
    return Plan(
        do="take-replicas",
        what=f"scale {', '.join(sorted(numbers))} to 0: {finding.says}",
        about=finding.subject,
        numbers=numbers,
    )


async def _why_not(found: Json | None, setting: Setting) -> str:
    """Return why a deployment is left alone, "" if it may be scaled to 0."""
    if found is None:
        return "there is none"
    excluded = why_excluded(found, setting.rules)
    if excluded:
        return excluded
    if not found["spec"].get("replicas", 1):
        return "it has no replicas"
    if await hpa_of(found, setting):
        return "an HPA owns its replicas"
    return rolling(found)


async def take_replicas(plan: Plan, mark: str, setting: Setting) -> Done | Later:  # noqa: ARG001 - one signature for all
    """Scale each to 0, with a note on it of what it had; one with a note was done before."""
    late = []
    for name, before in plan.numbers.items():
        found = await setting.kube.find(_path(name))
        if found is None or BEFORE in annotations_of(found):
            continue
        if found["spec"].get("replicas", 1) != before:
            continue  # somebody else scales it: it is theirs
        if not await _patch(found, replicas=0, note=str(before), setting=setting):
            late.append(name)
    return Later(f"{', '.join(late)} changed at this moment") if late else Done(plan.what)


async def give_replicas(plan: Plan, setting: Setting) -> Done | Later:
    """Give each back what its note says, unless somebody has scaled it since; take the note off."""
    late, given = [], []
    for name in plan.numbers:
        found = await setting.kube.find(_path(name))
        note = annotations_of(found).get(BEFORE) if found else None
        if found is None or note is None:
            continue
        idle = found["spec"].get("replicas", 1) == 0
        replicas = int(note) if idle and note.isdecimal() else None
        if await _patch(found, replicas=replicas, note=None, setting=setting):
            given.append(f"{name} has {note} replicas again" if replicas else f"{name} is left as it is")
        else:
            late.append(name)
    return (
        Later(f"{', '.join(late)} changed at this moment") if late else Done("; ".join(given) or "all gone")
    )


async def _patch(found: Json, *, replicas: int | None, note: str | None, setting: Setting) -> bool:
    meta = found["metadata"]
    body: Json = {
        "metadata": {"resourceVersion": meta["resourceVersion"], "annotations": {BEFORE: note}},
    }
    if replicas is not None:
        body["spec"] = {"replicas": replicas}
    try:
        await setting.kube.patch(deployment_path(meta["namespace"], meta["name"]), body)
    except ConflictError:
        return False
    return True


def _path(name: str) -> str:
    namespace, _, deployment = name.partition("/")
    return deployment_path(namespace, deployment)
