"""The catalogue as it is measured: what each fault is told, and what its proof waits for by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CASES", "Case"]

_API = "the API, every 0.1 s"
_END = f"the pods' own ends; {_API}"
_RESTART = "the kubelet's word of the restart, by the API"
_ROUNDS = "a peer's look, every 0.2 s"
_TRIES = f"{_ROUNDS}, 50 tries"
_TIME_OUTS = f"{_ROUNDS}, after tries that time out"
_NAMES = "a look in the pod's network, every 0.2 s"
_CARRIER = "a second carrier's start"
_STATS = "the kubelet's figures, every 10 to 15 s"
_PRESSURE = "the kubelet's eviction manager, every 10 s"
_SILENT = "a heartbeat (every 10 s) that is 13 s late"
_LOST = "the node controller, after 40 to 50 s of silence"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault with its arguments; `proof` is its source's own pace.

    `often` are those that are cheap enough for several trials; each trial takes the next of `whom`,
    so that no container's back-off after a crash is measured.
    """

    fault: str
    proof: str
    whom: tuple[Mapping[str, Any], ...]
    told: Mapping[str, Any] = field(default_factory=dict)
    often: bool = True
    name: str = ""

    @property
    def title(self) -> str:
        """What the table calls it: the fault's name, unless there is more than one case of it."""
        return self.name or self.fault

    def arguments(self, trial: int) -> dict[str, Any]:
        """Return what the fault is told in a trial, counted from 0."""
        return {**self.whom[trial % len(self.whom)], **self.told}


_WEB = ({"workload": "nginx-web", "namespace": "demo"},)
_REVIEWS = tuple({"workload": f"reviews-v{number}", "namespace": "bookinfo"} for number in (1, 2, 3))
_LEDGER = ({"workload": "ledger", "namespace": "demo"},)
# Others than _REVIEWS: a container that has ended twice of late is kept waiting by its kubelet.
_OTHERS = (
    *_WEB,
    {"workload": "sample-app", "namespace": "demo"},
    {"workload": "details", "namespace": "bookinfo"},
)
_WORKER = ({"role": "worker"},)
_FOR = {"for_s": 60.0}
_FOR_LONG = {"for_s": 90.0}

CASES: tuple[Case, ...] = (
    Case(fault="pod-kill", name="pod-kill, deletion", proof=_END, whom=_REVIEWS),
    Case(fault="pod-kill", name="pod-kill, eviction", proof=_END, whom=_REVIEWS, told={"how": "eviction"}),
    Case(fault="container-kill", proof=_RESTART, whom=_OTHERS),
    Case(fault="out-of-memory", proof=_RESTART, whom=_REVIEWS),
    Case(fault="scaled-to-zero", proof=_API, whom=_WEB),
    Case(fault="bad-image", proof=_API, whom=_WEB),
    Case(fault="bad-configuration", proof=_API, whom=_WEB),
    Case(fault="failing-readiness", proof="the kubelet's probe, by the API", whom=_WEB),
    Case(fault="network-latency", proof=_ROUNDS, whom=_REVIEWS, told={"delay_s": 0.2, **_FOR}),
    Case(fault="packet-loss", proof=_TRIES, whom=_REVIEWS, told={"of_packets": 0.3, **_FOR}),
    Case(fault="network-partition", proof=_TIME_OUTS, whom=_REVIEWS, told=_FOR),
    Case(fault="connection-reset", proof=_ROUNDS, whom=_REVIEWS, told=_FOR),
    Case(fault="dns-failure", proof=_NAMES, whom=_REVIEWS, told={"names": ["ratings"], **_FOR}),
    Case(fault="memory-pressure", proof=_STATS, whom=_WEB, told={"of_limit": 0.9, **_FOR}),
    Case(fault="cpu-hog", proof=_STATS, whom=_REVIEWS, told={"burners": 2, **_FOR}),
    Case(fault="disk-fill", proof=_CARRIER, whom=_LEDGER, told={"path": "/data", "of_volume": 0.8, **_FOR}),
    Case(fault="node-drain", proof=_END, whom=_WEB),
    Case(fault="node-cpu-hog", proof=_STATS, whom=_WORKER, told={"of_cores": 0.3, **_FOR}, often=False),
    Case(fault="node-memory-pressure", proof=_PRESSURE, whom=_WORKER, told=_FOR_LONG, often=False),
    Case(fault="api-unreachable", proof=_SILENT, whom=_WORKER, told=_FOR, often=False),
    Case(fault="kubelet-stop", proof=_LOST, whom=_WORKER, told=_FOR_LONG, often=False),
    Case(fault="node-pause", proof=_LOST, whom=_WORKER, told=_FOR_LONG, often=False),
    Case(fault="node-stop", proof=_LOST, whom=_WORKER, told=_FOR_LONG, often=False),
)
"""Every fault of the catalogue, the quick ones first."""
