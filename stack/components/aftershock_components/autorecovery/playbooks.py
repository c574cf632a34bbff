"""The playbooks: what is trouble, when it is acted upon, what is done, and how often at most."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from aftershock_components.autorecovery.quantities import quantity
from aftershock_components.durations import seconds

__all__ = [
    "AddMemory",
    "Condition",
    "Drain",
    "Exclusions",
    "KeepLogs",
    "Limits",
    "MakeBudget",
    "Playbook",
    "PlaybookError",
    "Playbooks",
    "Relieve",
    "RestartPod",
    "ScaleOut",
    "ScaleTo",
    "Step",
    "Trigger",
    "Watched",
    "read_playbooks",
]

Watched = Literal["oom-killed", "restarts", "crash-loop", "memory-pressure", "control-plane-cpu"]
NEEDS_ABOVE = ("restarts", "crash-loop", "control-plane-cpu")


class PlaybookError(ValueError):
    """The playbooks cannot be carried out; says what was expected, what was found, what to do."""

    def __init__(self, what: str, *, expected: str, found: str, hint: str) -> None:
        super().__init__(f"{what}\n  expected: {expected}\n  found: {found}\n  what to do: {hint}")


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
ON_NODES = (Drain, AddMemory, Relieve)
ON_PODS = (KeepLogs, MakeBudget, RestartPod)


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


def read_playbooks(text: str, *, source: str = "the playbooks") -> Playbooks:
    """Read playbooks in TOML. `source` is what an error calls them.

    Raises:
        PlaybookError: they cannot be read, or not be carried out.

    """
    try:
        books = msgspec.convert(tomllib.loads(text), Playbooks)
    except ValueError as error:  # of TOML, and of what msgspec expects
        raise PlaybookError(
            f"{source} cannot be read",
            expected="TOML with the fields that docs/autorecovery.md lists",
            found=str(error),
            hint="correct the place that is named",
        ) from error
    for where, expected, found in _problems(books):
        raise PlaybookError(
            f"{source}: {where}", expected=expected, found=found, hint=f"correct {where} in {source}"
        )
    return books


Problem = tuple[str, str, str]


def _problems(books: Playbooks) -> Iterator[Problem]:
    """Yield where there is a problem, what was expected there, and what was found."""
    twice = [name for name, count in Counter(book.name for book in books.playbooks).items() if count > 1]
    if twice:
        yield "names of playbooks", "each once", f"{', '.join(twice)} more than once"
    if not books.playbooks:
        yield "playbooks", "at least one", "none"
    yield from _duration("look_every", books.look_every)
    for book in books.playbooks:
        yield from ((f"playbook {book.name}: {at}", expected, found) for at, expected, found in _of_one(book))
    for kind, trigger in books.watched().items():
        others = {book.trigger for book in books.playbooks if book.trigger.watch == kind}
        if len(others) > 1:
            yield f"triggers on {kind}", "one and the same", f"{len(others)} that differ from {trigger}"


def _of_one(book: Playbook) -> Iterator[Problem]:
    trigger = book.trigger
    if bool(trigger.watch) == bool(trigger.alert):
        both = "both" if trigger.alert else "neither"
        yield "trigger", "either `watch` or `alert`", both
    if (trigger.above is not None) != (trigger.watch in NEEDS_ABOVE):
        expected = "a number" if trigger.watch in NEEDS_ABOVE else f"none: only {', '.join(NEEDS_ABOVE)} have"
        yield "trigger.above", expected, str(trigger.above)
    for where, text in (
        ("trigger.fresh", trigger.fresh),
        ("condition.lasts", book.condition.lasts),
        ("condition.again_within", book.condition.again_within or "0s"),
        ("limits.pause", book.limits.pause),
        ("limits.longest_pause", book.limits.longest_pause),
        ("limits.within", book.limits.within),
        ("limits.give_up", book.limits.give_up),
        ("back_after", book.back_after or "0s"),
    ):
        yield from _duration(where, text)
    yield from _least("limits.actions", book.limits.actions, 1)
    if not book.steps:
        yield "steps", "at least one", "none"
    for number, step in enumerate(book.steps):
        yield from ((f"steps[{number}].{at}", expected, found) for at, expected, found in _of_step(step))
        yield from _fits(f"steps[{number}]", step, trigger)


def _of_step(step: Step) -> Iterator[Problem]:
    for field in ("by", "most", "to", "max_unavailable"):
        value = getattr(step, field, None)
        if isinstance(value, int):
            yield from _least(field, value, 1)
    if isinstance(step, AddMemory):
        yield from _memory("add", step.add)
        yield from _memory("most", step.most)
    if isinstance(step, KeepLogs) and not 0 < step.bytes <= 32768:  # noqa: PLR2004 - twenty fit a ConfigMap
        yield "bytes", "1 to 32768", str(step.bytes)
    if isinstance(step, Relieve):
        names = step.deployments
        if not names or any(name.count("/") != 1 for name in names):
            yield "deployments", "names like bookinfo/reviews-v2", ", ".join(names) or "none"


def _fits(where: str, step: Step, trigger: Trigger) -> Iterator[Problem]:
    """Yield a problem where what is found is nothing that the step can act on."""
    of_node = trigger.watch in {"memory-pressure", "control-plane-cpu"}
    if isinstance(step, ON_NODES) and not (of_node or trigger.alert):
        yield where, "a step on pods or deployments", f"one on nodes, and {trigger.name} is about pods"
    if isinstance(step, ON_PODS) and (of_node or trigger.alert):
        yield where, "a step on nodes or deployments", f"one on a pod, and {trigger.name} names none"
    if isinstance(step, ScaleOut | ScaleTo) and of_node:
        yield where, "a step on nodes", f"one on deployments, and {trigger.name} is about a node"


def _duration(where: str, text: str) -> Iterator[Problem]:
    try:
        seconds(text)
    except ValueError:
        yield where, "a duration like 5m or 1m30s", repr(text)


def _memory(where: str, text: str) -> Iterator[Problem]:
    try:
        quantity(text)
    except ValueError:
        yield where, "a quantity of memory like 256Mi", repr(text)


def _least(where: str, value: int, least: int) -> Iterator[Problem]:
    if value < least:
        yield where, f"at least {least}", str(value)
