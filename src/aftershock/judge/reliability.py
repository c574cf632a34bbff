"""What a run, and all runs before it, say of the service: availability, p95, errors, MTTD, MTTR, MTBF.

Every figure is kept as sums, so that scenarios add up to runs and runs to a history; latencies as counts in
steps of one percent, so that a percentile of the whole is known to one percent.

A failure is a fault that landed and of which something was seen: an alert that fired, or a recovery that
took time. It is detected when the first alert fires, and repaired when the recovery that was judged ended.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aftershock.clock import format_duration
from aftershock.counting import counted
from aftershock.judge.alert_table import alarms_of
from aftershock.judge.error_budget import spent_of
from aftershock.judge.load_record import Load, loads_of
from aftershock.judge.record import end_of
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["Figures", "figures_of"]

_STEP = math.log(1.01)
_DETECTED = frozenset({"fired_within"})
_REPAIRED = frozenset({"recovered_within", "replaced_within", "service_recovered_within"})


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Sums over scenarios. Times in seconds; `latencies` counts requests by steps of one percent."""

    scenarios: int = 0
    watched_s: float = 0.0
    probed_s: float = 0.0
    down_s: float = 0.0
    requests: int = 0
    failed: int = 0
    failures: int = 0
    detected: int = 0
    detection_s: float = 0.0
    repaired: int = 0
    repair_s: float = 0.0
    alarms: int = 0
    false_alarms: int = 0
    latencies: Mapping[int, int] = field(default_factory=dict)

    def __add__(self, other: Figures) -> Figures:
        """Return the figures of both together."""
        mine, theirs = self.to_dict(), other.to_dict()
        latencies = Counter(self.latencies) + Counter(other.latencies)
        sums = {name: mine[name] + theirs[name] for name in mine if name != "latencies"}
        return Figures(**sums, latencies=dict(latencies))

    @property
    def availability(self) -> float | None:
        """The share of the time that a client watched in which it was answered; None if nobody watched."""
        return 1 - self.down_s / self.probed_s if self.probed_s else None

    @property
    def error_rate(self) -> float | None:
        """The share of requests that failed; None without any."""
        return self.failed / self.requests if self.requests else None

    @property
    def false_alarm_rate(self) -> float | None:
        """The share of alarms that nobody expected, where scenarios say which may fire; None without any."""
        return self.false_alarms / self.alarms if self.alarms else None

    @property
    def p95_ms(self) -> float | None:
        """What 95 % of the requests did not exceed, to one percent; None without any."""
        total, seen = sum(self.latencies.values()), 0
        for step in sorted(self.latencies):
            seen += self.latencies[step]
            if seen >= 0.95 * total:
                return math.exp(step * _STEP)
        return None

    @property
    def mttd_s(self) -> float | None:
        """Mean time from a fault to the first alert; None if no alert was judged to fire."""
        return self.detection_s / self.detected if self.detected else None

    @property
    def mttr_s(self) -> float | None:
        """Mean time of the recoveries that were judged; None without any."""
        return self.repair_s / self.repaired if self.repaired else None

    @property
    def mtbf_s(self) -> float | None:
        """Mean time between failures: what was watched without the repairs, by failure; None without one."""
        return (self.watched_s - self.repair_s) / self.failures if self.failures else None

    def lines(self) -> Iterator[str]:
        """Say it for a person; what is not known is said to be."""
        took = f"{counted(self.scenarios, 'scenario')} in {format_duration(self.watched_s)}"
        yield f"{took}, {counted(self.failures, 'failure')}"
        yield f"availability  {_percent(self.availability)}"
        yield f"errors        {_percent(self.error_rate)} of {counted(self.requests, 'request')}"
        yield f"p95           {'unknown' if self.p95_ms is None else f'{self.p95_ms:.1f} ms'}"
        yield f"false alarms  {_percent(self.false_alarm_rate)} of {counted(self.alarms, 'alarm')}"
        for name, value, count in (
            ("MTTD", self.mttd_s, self.detected),
            ("MTTR", self.mttr_s, self.repaired),
            ("MTBF", self.mtbf_s, self.failures),
        ):
            shown = "unknown" if value is None else f"{format_duration(round(value, 2))} (of {count})"
            yield f"{name}          {shown}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**vars(self), "latencies": {str(step): count for step, count in self.latencies.items()}}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Figures:
        """Read what `to_dict` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is nothing of the kind.

        """
        return cls(
            **{**raw, "latencies": {int(step): int(count) for step, count in raw["latencies"].items()}}
        )


def figures_of(events: Iterable[Event], verdicts: Iterable[Verdict]) -> Figures:
    """Return the figures of one scenario, from its record and its verdicts."""
    record, given = list(events), list(verdicts)
    if not record:
        return Figures(scenarios=1)
    detection, repair = _shortest(given, _DETECTED), _longest(given, _REPAIRED)
    impact = detection is not None or bool(repair)
    landed = {event.data.get("fault_id", event.subject) for event in record if event.kind == "landed"}
    loads = list(loads_of(record))
    probed, down, requests, failed = _served(record, loads)
    alarms = alarms_of(record, given)
    return Figures(
        scenarios=1,
        watched_s=(max(e.at for e in record) - min(e.at for e in record)).total_seconds(),
        probed_s=probed,
        down_s=down,
        requests=requests,
        failed=failed,
        failures=1 if landed and impact else 0,
        detected=0 if detection is None or not landed else 1,
        detection_s=detection or 0.0 if landed else 0.0,
        repaired=0 if repair is None or not landed else 1,
        repair_s=repair or 0.0 if landed else 0.0,
        alarms=alarms.all if alarms else 0,
        false_alarms=alarms.false if alarms else 0,
        latencies=dict(Counter(map(_step, _latencies(record, loads)))),
    )


def _served(record: Sequence[Event], loads: Iterable[Load]) -> tuple[float, float, int, int]:
    """Return seconds watched by clients, seconds down, and requests and failed ones of clients and loads."""
    probed = down = 0.0
    requests = failed = 0
    for event in record:
        if event.kind == "probing" and event.data["state"] == "started":
            end = end_of(record, observer=("probing", event.subject))
            if end is not None:
                spent = spent_of(record, url=event.subject, since=event.at, until=end.at)
                probed, down = probed + spent.watched_s, down + spent.down_s
                requests, failed = requests + spent.requests, failed + spent.failed
    for load in loads:
        requests += len(load.answers)
        failed += sum(bool(answer.failure) for answer in load.answers)
    return probed, down, requests, failed


def _latencies(record: Sequence[Event], loads: Iterable[Load]) -> Iterator[float]:
    """Yield the milliseconds of every request that was answered, since it was due."""
    yield from (event.data["ms"] for event in record if event.kind == "probe" and event.data["ok"])
    for load in loads:
        yield from (answer.ms for answer in load.answers if not answer.failure)


def _step(ms: float) -> int:
    return math.ceil(math.log(max(ms, 0.01)) / _STEP)


def _shortest(verdicts: Iterable[Verdict], judges: frozenset[str]) -> float | None:
    return min(_observed(verdicts, judges), default=None)


def _longest(verdicts: Iterable[Verdict], judges: frozenset[str]) -> float | None:
    return max(_observed(verdicts, judges), default=None)


def _observed(verdicts: Iterable[Verdict], judges: frozenset[str]) -> Iterator[float]:
    for verdict in verdicts:
        asked = (verdict.question or {}).get("judge")
        if asked in judges and isinstance(verdict.observed, int | float) and verdict.unit == "s":
            yield float(verdict.observed)


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.4g} %"
