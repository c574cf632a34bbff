"""The playbooks: what is trouble, when it is acted upon, what is done, and how often at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

__all__ = [
    "AddMemory",
    "Condition",
    "Drain",
    "Exclusions",
    "KeepLogs",
    "Limits",
    "MakeBudget",
    "Playbook",
    "Playbooks",
    "Relieve",
    "RestartPod",
    "ScaleOut",
    "ScaleTo",
    "Step",
    "Trigger",
    "Watched",
]

Watched = Literal["oom-killed", "restarts", "crash-loop", "memory-pressure", "control-plane-cpu"]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How all of this is read: nothing unknown, nothing changed."""


class KeepLogs(Struct, frozen=True, kw_only=True, tag_field="do", tag="keep-logs"):
    """Keep the end of what the containers that restarted last wrote, in the ConfigMap autorecovery-logs."""

    bytes: int = 16384


class MakeBudget(Struct, frozen=True, kw_only=True, tag_field="do", tag="make-budget"):
    """Make a PodDisruptionBudget for the workload, if none speaks for the pod: one pod away at a time."""

    max_unavailable: int = 1


class RestartPod(Struct, frozen=True, kw_only=True, tag_field="do", tag="restart-pod"):
    """Evict the pod, through its budget; its controller makes another one."""


class ScaleOut(Struct, frozen=True, kw_only=True, tag_field="do", tag="scale-out"):
    """Give the workload `by` more replicas, up to `most`; beyond that do what `beyond` says."""

    by: int = 2
    most: int = 10
    beyond: Literal["restart-pod", "nothing"] = "restart-pod"


class ScaleTo(Struct, frozen=True, kw_only=True, tag_field="do", tag="scale-to"):
    """Give the workload at least `to` replicas."""

    to: int = 5


class AddMemory(Struct, frozen=True, kw_only=True, tag_field="do", tag="add-memory"):
    """Give the deployment that is nearest to its own limit on the node `add` more, up to `most`.

    `from_ratio`: one that uses less of its limit is not near it, and nothing is done.
    """

    add: str = "256Mi"
    most: str = "2Gi"
    from_ratio: float = 0.8


class Relieve(Struct, frozen=True, kw_only=True, tag_field="do", tag="relieve"):
    """Scale the low-priority `deployments` ("namespace/name") to 0."""

    deployments: tuple[str, ...]


class Drain(Struct, frozen=True, kw_only=True, tag_field="do", tag="drain"):
    """Cordon the node, and evict its pods."""


Step = KeepLogs | MakeBudget | RestartPod | ScaleOut | ScaleTo | AddMemory | Relieve | Drain


class Trigger(Struct, frozen=True, kw_only=True):
    """What is trouble: something `watch`ed, or an `alert` that Alertmanager tells of.

    `above`: restarts that are exceeded (`restarts`) or reached (`crash-loop`), or a share of the
    allocatable CPU (`control-plane-cpu`). `fresh`: older terminations are no trouble any more.
    """

    watch: Watched | None = None
    alert: str = ""
    above: float | None = None
    fresh: str = "2m"

    @property
    def name(self) -> str:
        """Return what it is called in listings: the thing watched, or the alert."""
        return self.watch or self.alert


class Condition(Struct, frozen=True, kw_only=True):
    """When a playbook takes trouble up.

    `lasts`: it must have been there for so long. `again_within`: the same workload has had an
    incident of the same trigger within that time before.
    """

    lasts: str = "0s"
    again_within: str = ""


class Limits(Struct, frozen=True, kw_only=True):
    """How often.

    `pause` must lie between two actions on one object and doubles with each up to `longest_pause`; an hour
    without one forgets them. No more than `actions` within `within` by one playbook. What could not be
    done within `give_up` of its finding is given up.
    """

    pause: str = "1m"
    longest_pause: str = "16m"
    actions: int = 20
    within: str = "10m"
    give_up: str = "2m"


class Playbook(Struct, frozen=True, kw_only=True):
    """One of them. The first whose trigger and condition hold takes an incident.

    `back_after`: once the trouble has been over for so long, what was done is taken back ("": it stays).
    `covers`: the alerts of the stack that this answers, for the listing.
    """

    name: str
    trigger: Trigger
    steps: tuple[Step, ...]
    condition: Condition = Condition()
    limits: Limits = Limits()
    back_after: str = ""
    covers: tuple[str, ...] = ()
    dry_run: bool = False


class Exclusions(Struct, frozen=True, kw_only=True):
    """What is never touched: namespaces; names with one of the `words`; objects with one of the `labels`.

    `opt_out`: or with this annotation, whose value is "true".
    """

    namespaces: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    opt_out: str = "autorecovery.aftershock.dev/opt-out"


class Playbooks(Struct, frozen=True, kw_only=True):
    """The whole file. `look_every`: the longest between two looks; what is watched is looked at at once."""

    look_every: str = "2s"
    exclusions: Exclusions = Exclusions()
    playbooks: tuple[Playbook, ...]

    def named(self, name: str) -> Playbook | None:
        """Return the playbook of that name, None if there is none."""
        return next((found for found in self.playbooks if found.name == name), None)

    def alerts(self) -> frozenset[str]:
        """Return the names of the alerts that are triggers."""
        return frozenset(found.trigger.alert for found in self.playbooks if found.trigger.alert)

    def watched(self) -> Mapping[Watched, Trigger]:
        """Return what is watched for. Playbooks on one thing watched agree on it."""
        found: dict[Watched, Trigger] = {}
        for trigger in (book.trigger for book in self.playbooks):
            if trigger.watch:
                found.setdefault(trigger.watch, trigger)
        return found
