"""What a kubelet measures of its node and its containers: proof from someone who has no part in a fault.

By the API server's way to the kubelet (stats/summary). A kubelet looks every 10 to 15 s, so
a figure has its own time; one of another time than before is a new one. No clocks are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aftershock.cluster.api import Json, KubeApi
from aftershock.errors import RefusedError
from aftershock.faults.protocol import Proof

__all__ = [
    "LONGEST_LOOK_S",
    "Figure",
    "Sample",
    "check_time",
    "look",
    "memory_of_pods",
    "reached",
    "to_reach",
]

Figure = Literal["cores", "working_set"]

LONGEST_LOOK_S = 30.0
"""How long it can take until a kubelet has measured something that began just now: two looks."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """CPU time used per second, and the working set, as measured `at` (the kubelet's own writing)."""

    at: str
    cores: float
    working_set: int

    def figure(self, name: Figure) -> float:
        """Return one of the two."""
        return self.cores if name == "cores" else self.working_set


def look(api: KubeApi, aim: Mapping[str, Any]) -> Sample:
    """Return what the kubelet has measured last of an aim: a container, or else a node.

    Nothing measured yet is all zero, at no time.

    Raises:
        ApiError: the kubelet cannot be asked.

    """
    summary = api.get(f"/api/v1/nodes/{aim['node']}/proxy/stats/summary")
    if "pod_uid" not in aim:
        return _sample(summary["node"])
    pods = [pod for pod in summary.get("pods") or () if pod["podRef"]["uid"] == aim["pod_uid"]]
    containers = [entry for pod in pods for entry in pod.get("containers") or ()]
    return _sample(next((entry for entry in containers if entry["name"] == aim["container"]), {}))


def memory_of_pods(api: KubeApi, node: str) -> dict[str, int]:
    """Return the working set of every pod on a node, by the pod's UID, in bytes.

    Raises:
        ApiError: the kubelet cannot be asked.

    """
    pods = api.get(f"/api/v1/nodes/{node}/proxy/stats/summary").get("pods") or ()
    return {
        str(pod["podRef"]["uid"]): sum(_sample(entry).working_set for entry in pod.get("containers") or ())
        for pod in pods
    }


def to_reach(api: KubeApi, aim: Mapping[str, Any], figure: Figure, at_least: float) -> dict[str, Any]:
    """Return the aim with what a fault is to bring it to, and when it was measured before.

    Raises:
        RefusedError: it is there already, so that nothing could be proven.

    """
    before = look(api, aim)
    if before.figure(figure) >= at_least:
        raise RefusedError(
            f"{_name(aim)} has a {figure} of {before.figure(figure):g} by itself",
            expected=f"less than {at_least:g}, or the fault could not be told from it",
            found=f"{before.figure(figure):g}",
        )
    return {**aim, "at_least": at_least, "measured_at": before.at}


def reached(api: KubeApi, aims: Iterable[Mapping[str, Any]], figure: Figure) -> Proof:
    """Look once whether each aim has come to what it was to reach, in a new sample."""
    facts: dict[str, Any] = {}
    holds = True
    for aim in aims:
        sample = look(api, aim)
        seen = sample.figure(figure)
        holds = holds and sample.at != aim["measured_at"] and seen >= aim["at_least"]
        facts |= {f"{_name(aim)}.{figure}": round(seen, 3), f"{_name(aim)}.at_least": aim["at_least"]}
    return Proof(holds=holds, source="the kubelet, stats", facts=facts)


def check_time(for_s: float, *, least_s: float = LONGEST_LOOK_S, by: str = "a kubelet's two looks") -> None:
    """Do nothing if a fault lasts long enough to be proven.

    Raises:
        RefusedError: it would be over before.

    """
    if for_s < least_s:
        raise RefusedError(
            f"a fault of {for_s:g} s may be over before it is seen",
            expected=f"at least {least_s:g} s: {by}",
            found=f"{for_s:g} s",
        )


def _name(aim: Mapping[str, Any]) -> str:
    return str(aim.get("pod", aim["node"]))


def _sample(found: Json) -> Sample:
    cpu, memory = found.get("cpu") or {}, found.get("memory") or {}
    return Sample(
        at=f"{cpu.get('time', '')} {memory.get('time', '')}".strip(),
        cores=cpu.get("usageNanoCores", 0) / 1e9,
        working_set=memory.get("workingSetBytes", 0),
    )
