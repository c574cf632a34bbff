"""A verdict's question as data: which judge, with which arguments, of how much of the record.

It is kept with the verdict, so that a recorded run can be judged again and gives the same.
A timeline only grows, so "how much" is a number of events: the first so many of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, get_args

from aftershock.clock import from_rfc3339, rfc3339
from aftershock.errors import UsageError
from aftershock.judge.alerts import fired_within, nothing_else_fired, resolved_within
from aftershock.judge.autorecovery import (
    autorecovery_acted,
    autorecovery_counted_well,
    autorecovery_did_nothing_else,
    autorecovery_took_back,
    autorecovery_would_act,
)
from aftershock.judge.budgets import evictions_refused, scaled_down_past_budget
from aftershock.judge.engine import engine_passed
from aftershock.judge.error_budget import budget_kept
from aftershock.judge.load import answered_at_least, failures_below, latency_below
from aftershock.judge.maintenance import budget_respected, node_emptied, node_schedulable, service_answered
from aftershock.judge.notifications import heard_of_the_end_within, held_back, notified_within
from aftershock.judge.recovery import recovered_within, service_recovered_within
from aftershock.judge.replacements import replaced_within
from aftershock.judge.scaling import cpu_passed, scaled_by_formula
from aftershock.judge.scaling_stages import scaling_accounted_for
from aftershock.judge.scaling_troubles import hpa_in_trouble
from aftershock.judge.serving import added_replicas_serve
from aftershock.judge.sizes import not_flapping, returned_to, scaled_to_at_least, stayed_at_most
from aftershock.judge.steady_state import steady_state_held
from aftershock.judge.vertical import vpa_evicted, vpa_recommended
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["JUDGES", "Judge", "Question", "ask_again"]

P = ParamSpec("P")
Judge = Callable[..., Verdict]

JUDGES: dict[str, Judge] = {
    judge.__name__: judge
    for judge in (
        added_replicas_serve,
        answered_at_least,
        autorecovery_acted,
        autorecovery_counted_well,
        autorecovery_did_nothing_else,
        autorecovery_took_back,
        autorecovery_would_act,
        budget_kept,
        budget_respected,
        cpu_passed,
        engine_passed,
        evictions_refused,
        failures_below,
        fired_within,
        hpa_in_trouble,
        latency_below,
        heard_of_the_end_within,
        held_back,
        node_emptied,
        node_schedulable,
        not_flapping,
        nothing_else_fired,
        notified_within,
        recovered_within,
        replaced_within,
        resolved_within,
        returned_to,
        scaled_by_formula,
        scaled_down_past_budget,
        scaled_to_at_least,
        scaling_accounted_for,
        service_answered,
        service_recovered_within,
        stayed_at_most,
        steady_state_held,
        vpa_evicted,
        vpa_recommended,
    )
}
"""Every judge by its name; a new one is entered here, or its verdicts cannot be asked for again."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A judge by name and its arguments as JSON has them; times are RFC 3339."""

    judge: str
    arguments: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        judge: Callable[Concatenate[Iterable[Event], P], Verdict],
        *args: P.args,
        **arguments: P.kwargs,
    ) -> Question:
        """Return the question whether `judge` holds with those arguments (by name, as judges take them)."""
        if args:
            raise TypeError(f"{judge.__name__} takes its arguments by name")
        return cls(judge=judge.__name__, arguments={name: _plain(value) for name, value in arguments.items()})

    def ask(self, events: Iterable[Event]) -> Verdict:
        """Judge what `events` holds at this moment; the verdict carries its question.

        Raises:
            UsageError: there is no such judge, or it does not take these arguments.

        """
        record = tuple(events)
        judge = JUDGES.get(self.judge)
        if judge is None:
            raise UsageError(f"there is no judge {self.judge!r}", expected=", ".join(sorted(JUDGES)))
        parameters = inspect.signature(judge, eval_str=True).parameters
        try:
            arguments = {name: _typed(value, parameters.get(name)) for name, value in self.arguments.items()}
            inspect.signature(judge).bind(record, **arguments)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{self.judge} cannot be asked that", found=str(error)) from error
        kept = {"judge": self.judge, "arguments": dict(self.arguments), "events": len(record)}
        return replace(judge(record, **arguments), question=kept)


def ask_again(verdict: Verdict, events: Sequence[Event]) -> Verdict:
    """Return the verdict that the question of `verdict` gets from the record as it was then.

    `events` is the whole record. The profile is the run's, not the judge's: it is kept.

    Raises:
        UsageError: the verdict has no question, its judge is not known, or the record is too short.

    """
    if verdict.question is None:
        raise UsageError("what was asked was not kept with the verdict")
    seen = int(verdict.question["events"])
    if seen > len(events):
        raise UsageError("the record is not whole", expected=f"{seen} events", found=f"{len(events)} events")
    question = Question(judge=verdict.question["judge"], arguments=verdict.question["arguments"])
    return replace(question.ask(events[:seen]), profile=verdict.profile)


def _plain(value: Any) -> Any:
    """Return `value` as it will be read back from JSON."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{value!r} cannot be written down")


def _typed(value: Any, parameter: inspect.Parameter | None) -> Any:
    """Return `value` as the judge takes it: a datetime where its signature says so."""
    wanted = parameter.annotation if parameter else None
    takes_time = wanted is datetime or datetime in get_args(wanted)
    return from_rfc3339(value) if takes_time and isinstance(value, str) else value
