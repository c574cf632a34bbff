"""Which of the alerts that fired somebody expected: sorted for the judge of silence and for the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aftershock.judge.alert_record import AlertRecord, Labels, Span, subset
from aftershock.judge.attribution import Attribution
from aftershock.judge.concern import admits
from aftershock.timeline import Event

__all__ = ["Fired", "sort_out"]

_OF_COST = {"category": "cost"}


@dataclass(frozen=True, kw_only=True)
class Fired:
    """Firing spans of a window, each in one list, oldest first.

    `exempt` were firing before, by their label sets; `costs` call themselves a matter of cost
    (category="cost"): they tell of a state that has lasted for hours, whatever happens meanwhile.
    Where scenarios ran side by side, `others` name what another one's targets are, each with what it
    is called; of the `open` ones nobody can say whose they are.
    """

    expected: Sequence[Span]
    foreign: Sequence[Span]
    exempt: Sequence[Span]
    costs: Sequence[Span]
    others: Sequence[tuple[Span, str]] = ()
    open: Sequence[Span] = ()


def sort_out(
    record: Sequence[Event], look: AlertRecord, *, expected: Iterable[Labels], start: datetime, end: datetime
) -> Fired:
    """Sort what fired from `start` to `end`.

    An expected alert has labels that it must have (`alertname` among them; `of` is no label but the
    workload that it must speak of). It is expected where `fired_within` would count it.
    """
    fired = [span for span in look.firing() if span.start <= end and (span.stop is None or span.stop > start)]
    exempt = [span for span in fired if span.named_labels in look.before]
    others = [span for span in fired if span not in exempt]
    awaited = [_awaited(record, labels) for labels in expected]
    wanted = [span for span in others if any(is_it(span) for is_it in awaited)]
    costs = [span for span in others if span not in wanted and subset(_OF_COST, span.labels)]
    foreign = [span for span in others if span not in wanted and span not in costs]
    sides = Attribution.of(record)
    if not sides:
        return Fired(expected=wanted, foreign=foreign, exempt=exempt, costs=costs)
    whose = {id(span): sides.whose(span.labels) for span in (*wanted, *foreign)}
    return Fired(
        # What was expected may be another one's doing, too, where the labels do not tell.
        expected=[span for span in wanted if whose[id(span)] == "own"],
        foreign=[span for span in foreign if whose[id(span)] == "own"],
        exempt=exempt,
        costs=costs,
        others=[
            (span, ", ".join(sides.scenarios(span.labels)))
            for span in (*wanted, *foreign)
            if whose[id(span)] == "other"
        ],
        open=[span for span in (*wanted, *foreign) if whose[id(span)] == "open"],
    )


def _awaited(record: Sequence[Event], wanted: Labels) -> Callable[[Span], bool]:
    """Return what tells whether a span is of an expected alert."""
    labels = {name: value for name, value in wanted.items() if name != "of"}
    admit = admits(record, of=wanted.get("of", ""))
    return lambda span: subset(labels, span.named_labels) and admit(span.labels)
