"""What the record says of a load: every request, the phases around a fault, and what is missing.

Three phases: before the harness began to break something; during, until the fault was over and
every deployment that it degraded was whole again by Kubernetes' clock; and after. A request
belongs to the phase in which it was due.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from aftershock.judge.episodes import find_episodes
from aftershock.judge.record import Instant, clock_jumps, clock_time, effect_end, end_of, injection
from aftershock.judge.workload_health import workload_changes
from aftershock.timeline import Event

__all__ = ["OFFERED_SHARE", "PHASES", "Answer", "Load", "Part", "Phase", "load_of", "loads_of", "part_of"]

Phase = Literal["before the fault", "during the fault", "after the fault", "throughout"]
PHASES: tuple[Phase, ...] = get_args(Phase)

OFFERED_SHARE = 0.99
"""A load of which less than this was sent did not reach its rate, and proves nothing that depends on it."""
_CONFIRM_S = 3.0  # as a recovery is confirmed


@dataclass(frozen=True, slots=True)
class Answer:
    """A request that ended: due (seconds since the epoch), sent so many ms later, answered after ms in all.

    `failure` is its kind, "" for a good answer; `server` who answered, where that is known.
    """

    due_s: float
    sent_ms: float
    ms: float
    failure: str = ""
    server: str = ""


@dataclass(frozen=True, kw_only=True)
class Load:
    """One load: what was asked for, what ended, and when requests were due that did not."""

    subject: str
    asked: Mapping[str, Any]
    started: datetime
    answers: tuple[Answer, ...]
    dropped: tuple[float, ...]
    unfinished: tuple[float, ...]
    ended: Mapping[str, Any] | None
    broken: str = ""

    @property
    def is_open(self) -> bool:
        """Whether requests were due whatever the target did."""
        return bool(self.asked["model"] == "open")

    def part(self, since: datetime | None, until: datetime | None) -> Part:
        """Return what was due from `since` until before `until`; None has no bound."""
        a = since.timestamp() if since else -math.inf
        b = until.timestamp() if until else math.inf
        return Part(
            load=self,
            since_s=a,
            until_s=b,
            answers=tuple(answer for answer in self.answers if a <= answer.due_s < b),
            dropped=sum(a <= due < b for due in self.dropped),
            unfinished=sum(a <= due < b for due in self.unfinished),
        )


@dataclass(frozen=True, kw_only=True)
class Part:
    """A load, or a phase of it."""

    load: Load
    since_s: float
    until_s: float
    answers: tuple[Answer, ...]
    dropped: int
    unfinished: int

    @property
    def sent(self) -> int:
        """How many were sent."""
        return len(self.answers) + self.unfinished

    @property
    def due(self) -> int:
        """How many were due. In a closed load: what its users ask of a target that answers at once.

        There each user may be one short; a shape that is not constant is known as a whole only.
        """
        whole = self.since_s == -math.inf and self.until_s == math.inf
        if self.load.is_open:
            return max(self.sent + self.dropped, int(self.load.asked["asked"]) if whole else 0)
        if whole:
            return max(self.sent, int(self.load.asked["asked"]) - int(self.load.asked["users"]))
        if self.load.asked["shape"] != "constant":
            return self.sent
        users = int(self.load.asked["users"])
        per_s = users * float(self.load.asked["rate_per_user"])
        return max(self.sent, round(per_s * self.seconds) - users)

    @property
    def seconds(self) -> float:
        """How long it lasted, within the load's own time."""
        begin = self.load.started.timestamp()
        end = begin + float(self.load.asked["duration_s"])
        return max(0.0, min(self.until_s, end) - max(self.since_s, begin))

    @property
    def failures(self) -> Counter[str]:
        """The failures by kind; what was under way at the end is none."""
        return Counter(answer.failure for answer in self.answers if answer.failure)

    @property
    def servers(self) -> Counter[str]:
        """Answers by who gave them."""
        return Counter(answer.server for answer in self.answers if answer.server)

    def percentile(self, percent: float, *, by: str = "ms") -> float | None:
        """Return the smallest time (ms) that `percent` of what was sent did not exceed; None for none.

        By nearest rank, of all that ended. `by` = "sent_ms" is how late they were sent.
        """
        ordered = sorted(getattr(answer, by) for answer in self.answers)
        return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)] if ordered else None

    def answered_within(self, percent: float, *, own: bool = False) -> float:
        """Return within how many ms `percent` of what was sent was answered well; infinite if fewer were.

        A failure is slower than any answer, or a target that refuses at once would look fast. With
        `own` the time counts from when each was sent: what the target itself took.
        """
        good = [answer.ms - (answer.sent_ms if own else 0) for answer in self.answers if not answer.failure]
        rank = max(1, math.ceil(percent / 100 * self.sent))
        return sorted(good)[rank - 1] if rank <= len(good) else math.inf

    def shortfall(self) -> str:
        """Say that the load did not reach its rate, with the figures; "" if it did."""
        if self.load.broken:
            return f"the load broke off: {self.load.broken}"
        if not self.due or self.sent >= OFFERED_SHARE * self.due:
            return ""
        share = f"{self.sent} of {self.due} requests ({100 * self.sent / self.due:.1f} %)"
        why = f"{self.dropped} were dropped" if self.load.is_open else "its users waited for answers"
        return f"the load did not reach its rate: it sent {share}, {why}"


def loads_of(record: Sequence[Event], *, service: str = "") -> Iterator[Load]:
    """Yield every load of the record, in order of their beginnings; those of `service` (load/WEB) alone."""
    own = [event for event in record if event.source == "load" and _is_of(event.subject, service)]
    for started in (event for event in own if event.kind == "load-started"):
        mine = [event for event in own if event.subject == started.subject]
        rows = [event for event in mine if event.kind == "requests"]
        ended = [event.data for event in mine if event.kind == "load-ended"]
        broken = [str(event.data["reason"]) for event in mine if event.kind == "load-broken"]
        yield Load(
            subject=started.subject,
            asked=started.data,
            started=started.at,
            answers=tuple(answer for row in rows for answer in _answers(row)),
            dropped=tuple(due for row in rows for due in _times(row, "dropped_ms")),
            unfinished=tuple(due for row in rows for due in _times(row, "unfinished_ms")),
            ended=ended[-1] if ended else None,
            broken=broken[0] if broken else "",
        )


def _is_of(subject: str, service: str) -> bool:
    return not service or subject == service or subject.startswith(f"{service}-")


def load_of(record: Sequence[Event], subject: str) -> Load:
    """Return the load of that name.

    Raises:
        LookupError: the record has none, or none that ended.

    """
    found = [load for load in loads_of(record) if load.subject == subject]
    if not found:
        raise LookupError(f"the record has no {subject}")
    if found[-1].ended is None and not found[-1].broken:
        raise LookupError(f"the record does not show how {subject} ended")
    return found[-1]


def part_of(record: Sequence[Event], load: Load, phase: Phase) -> Part:
    """Return the part of `load` that was due in `phase`.

    Raises:
        LookupError: the record does not show when that phase began or ended; it says what is missing.

    """
    if phase == "throughout":
        return load.part(None, None)
    begun = injection(record)
    if begun is None:
        raise LookupError("the record shows no fault")
    jumps = clock_jumps(record, since=load.started)
    if jumps:
        raise LookupError(jumps[0])
    if phase == "before the fault":
        return load.part(None, begun.at)
    over = fault_over(record, begun)
    return load.part(begun.at, over) if phase == "during the fault" else load.part(over, None)


def fault_over(record: Sequence[Event], begun: Instant) -> datetime:
    """Return when the faults were over, and what they degraded was whole again.

    Raises:
        LookupError: the record does not show that.

    """
    end = end_of(record)
    assert end is not None  # there was an injection
    lasting = effect_end(record)
    ends = [event.at for event in record if event.source == "harness" and event.kind == "landed"]
    ends += [lasting.at] if lasting else []
    for workload in sorted({event.subject for event in record if event.kind == "deployment"}):
        before, changes = workload_changes(record, workload, begun, end, None)
        if before is None or not before.healthy:
            continue  # what ails it is not the fault
        episodes = find_episodes(changes, until=end, confirm_s=_CONFIRM_S)
        if episodes and (episodes[-1].end is None or not episodes[-1].confirmed):
            raise LookupError(f"the record does not show that {workload} recovered")
        ends += [episode.end.when.at for episode in episodes if episode.end]
    if not ends:
        raise LookupError(f"there is no proof that the fault of {clock_time(begun.at)} landed")
    return max(ends)


def _answers(row: Event) -> Iterator[Answer]:
    second = row.at.timestamp()
    failure = _by_place(row.data["failures"])
    server = _by_place(row.data["servers"])
    columns = zip(row.data["due_ms"], row.data["sent_ms"], row.data["ms"], strict=True)
    for place, (due, sent, took) in enumerate(columns):
        yield Answer(second + due / 1000, sent, took, failure.get(place, ""), server.get(place, ""))


def _times(row: Event, column: str) -> Iterator[float]:
    second = row.at.timestamp()
    yield from (second + due / 1000 for due in row.data[column])


def _by_place(names: Mapping[str, Iterable[int]]) -> dict[int, str]:
    return {place: name for name, places in names.items() for place in places}
