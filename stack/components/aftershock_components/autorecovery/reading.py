"""Reading playbooks, and what is wrong with those that cannot be carried out."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator

import msgspec

from aftershock_components.autorecovery.playbooks import (
    AddMemory,
    Drain,
    KeepLogs,
    MakeBudget,
    Playbook,
    Playbooks,
    Relieve,
    RestartPod,
    ScaleOut,
    ScaleTo,
    Step,
    Trigger,
)
from aftershock_components.autorecovery.quantities import quantity
from aftershock_components.durations import seconds

__all__ = ["PlaybookError", "read_playbooks"]

NEEDS_ABOVE = ("restarts", "crash-loop", "control-plane-cpu")
ON_NODES = (Drain, AddMemory, Relieve)
ON_PODS = (KeepLogs, MakeBudget, RestartPod)


class PlaybookError(ValueError):
    """The playbooks cannot be carried out; says what was expected, what was found, what to do."""

    def __init__(self, what: str, *, expected: str, found: str, hint: str) -> None:
        super().__init__(f"{what}\n  expected: {expected}\n  found: {found}\n  what to do: {hint}")


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
