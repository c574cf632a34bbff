"""What a scenario needs for itself, from what its steps mean and what its faults plan. Touches nothing.

What is not known to leave others alone runs alone: a step that says not what it does, load (it shares
this machine's and the nodes' CPU time with everything), whatever touches a node or a protected part,
and who is told of an alert (Alertmanager groups and holds back by what else fires).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from aftershock.cluster.connection import Cluster
from aftershock.cluster.controllers import CONTROLLERS, controllers_of
from aftershock.cluster.guard import PROTECTED_NAMESPACES, Guard
from aftershock.cluster.targets import Target, find_workload
from aftershock.collect.gherkin import Scenario
from aftershock.collect.meaning import Meaning
from aftershock.config import Settings
from aftershock.errors import AftershockError
from aftershock.faults.disk_fill import DiskFill
from aftershock.faults.networked import NetworkFault
from aftershock.faults.pressed import Pressed
from aftershock.forecast.objectives import AlertFires, AlertResolves
from aftershock.gameday.schedule import Footprint
from aftershock.scene.acts import Breaks, Ends, Ground, Looks, faults_of
from aftershock.scene.alert_names import Told

__all__ = ["footprint_of"]

_ALONE_BY_TAG = ("addon", "autorecovery", "load", "maintenance", "node", "protected", "scaling")
_NODES_TIME = "CPU time, memory and disks of the nodes"


def footprint_of(
    scenario: Scenario,
    meanings: Sequence[Meaning],
    *,
    cluster: Cluster,
    settings: Settings,
    independent: Collection[str] = (),
) -> Footprint:
    """Return what `scenario` needs. In the namespaces `independent` no workload calls another one."""
    if alone := _alone(scenario, meanings):
        return Footprint(alone=alone)
    ground = Ground.of(cluster, Guard.of(cluster, settings, scenario.tags))
    try:
        parts = [_part(meaning.what, ground, independent) for meaning in meanings]
    except AftershockError as error:
        return Footprint(alone=f"what it touches is not known now: {error.message}")
    return Footprint(
        workloads=frozenset().union(*(part.workloads for part in parts)),
        namespaces=frozenset().union(*(part.namespaces for part in parts)),
        shared=frozenset().union(*(part.shared for part in parts)),
        alone=next((part.alone for part in parts if part.alone), ""),
    )


def _alone(scenario: Scenario, meanings: Sequence[Meaning]) -> str:
    """Say why it runs alone, as far as its own words tell; "" where they do not."""
    tagged = [tag for tag in _ALONE_BY_TAG if tag in scenario.tags]
    if tagged:
        return f"it is tagged @{tagged[0]}"
    known = {id(meaning.step) for meaning in meanings}
    silent = [step for step in scenario.steps if step.type != "then" and id(step) not in known]
    if silent:
        return f"what it needs is not known: {silent[0]}"
    acts = [m for m in meanings if m.step.type != "then" and not isinstance(m.what, Breaks | Ends | Looks)]
    if acts:
        return f"what it shares with others is not known: {acts[0].step}"
    told = [meaning for meaning in meanings if isinstance(meaning.what, Told)]
    return f"who is told depends on what else fires: {told[0].step}" if told else ""


def _part(what: object, ground: Ground, independent: Collection[str]) -> Footprint:
    """Return what one step needs."""
    if isinstance(what, Breaks):
        return _of_faults(what, ground, independent)
    if isinstance(what, Looks) and what.service:
        return _watched(what.service, ground, independent)
    if isinstance(what, AlertFires | AlertResolves):
        named = {str(find_workload(ground.tools.api, what.of))} if what.of else set()
        return Footprint(workloads=frozenset(named), shared=frozenset({f"the alert {what.alert}"}))
    return Footprint()


def _of_faults(act: Breaks, ground: Ground, independent: Collection[str]) -> Footprint:
    workloads: set[str] = set()
    namespaces: set[str] = set()
    shared: set[str] = set()
    for fault in faults_of(act, ground):
        targets = fault.plan().targets
        outside = [target for target in targets if not _ordinary(target)]
        if outside:
            return Footprint(alone=f"{fault.name} touches {outside[0]}")
        touched = _touched(act, targets, ground)
        workloads |= touched
        if isinstance(fault, NetworkFault):  # whoever calls it feels it, and peers may be named
            namespaces |= {name.partition("/")[0] for name in touched} - set(independent)
        if isinstance(fault, Pressed | DiskFill):
            shared.add(_NODES_TIME)
    return Footprint(
        workloads=frozenset(workloads), namespaces=frozenset(namespaces), shared=frozenset(shared)
    )


def _ordinary(target: Target) -> bool:
    """Whether it is a pod or what makes pods, in a namespace that is nobody's but its workloads'."""
    return target.kind in {"pod", *CONTROLLERS} and target.namespace not in PROTECTED_NAMESPACES


def _touched(act: Breaks, targets: Iterable[Target], ground: Ground) -> set[str]:
    """Return what makes the pods that may be hit, or is hit itself, as namespace/name.

    Pods are drawn anew when the scenario runs: all that the workload's name stands for are meant, and
    the name itself, after which alerts may be called.
    """
    api = ground.tools.api
    whole = {str(target) for target in targets if target.kind != "pod"}
    pods = [api.get(target.path) for target in targets if target.kind == "pod"]
    named = find_workload(api, act.workload) if act.workload and pods else None
    makers = {*whole, *controllers_of(api, [*pods, *(named.pods if named else ())])}
    return {maker.partition("/")[2] for maker in makers} | ({str(named)} if named else set())


def _watched(service: str, ground: Ground, independent: Collection[str]) -> Footprint:
    """Return what `service` may depend on: its namespace, unless nothing there calls another."""
    found = find_workload(ground.tools.api, service)
    needed = {found.namespace} - set(independent)
    return Footprint(workloads=frozenset({str(found)}), namespaces=frozenset(needed))
