"""What users saw of a load: latency, failures and throughput, by phase.

A load that did not reach its rate proves nothing of them: those verdicts are unknown, with the
figures. Latency counts from when a request was due, and a failure is slower than any answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from aftershock.judge.load_record import OFFERED_SHARE, PHASES, Load, Part, Phase, load_of, loads_of, part_of
from aftershock.judge.record import injection
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["answered_at_least", "failures_below", "latency_below", "limit_of", "load_report"]

_SHOWN = (50, 90, 95, 99, 100)
_BUSY = 0.9  # of a core: a process of Python uses no more than one
_LATE_MS = 100.0
_UNREACHED = frozenset(
    {"ConnectionRefusedError", "ConnectionResetError", "TimeoutError", "gaierror", "OSError"}
)


def latency_below(
    events: Iterable[Event], *, load: str, percent: float, limit_ms: float, phase: Phase
) -> Verdict:
    """Judge whether `percent` of the requests that were due in `phase` were answered within the limit.

    Exact: of every single request, from when it was due. Where the generator itself was late and
    the target alone would have kept the limit, the verdict is unknown.
    """
    question = _Question(
        name=f"p{percent:g} of {load} {phase} stays below {limit_ms:g} ms",
        expected=f"{percent:g} % of the requests answered within {limit_ms:g} ms",
    )
    part = question.part(list(events), load, phase)
    if isinstance(part, Verdict):
        return part
    seen = part.answered_within(percent)
    if seen < limit_ms:
        return met(observed=round(seen, 3), unit="ms", **question.details(part))
    if seen == math.inf:
        failed = sum(part.failures.values()) + part.unfinished
        reason = f"{failed} of {part.sent} requests had no good answer"
        return violated(observed="no answer", reason=reason, **question.details(part))
    shown = {"observed": round(seen, 3), "unit": "ms", **question.details(part)}
    own = part.answered_within(percent, own=True)
    if own < limit_ms:
        late = part.percentile(percent, by="sent_ms") or 0.0
        reason = f"we ourselves sent late (p{percent:g} {late:.1f} ms); from then on it took {own:.1f} ms"
        return unknown(reason=reason, **shown)
    return violated(reason=f"{seen - limit_ms:.1f} ms too slow", **shown)


def failures_below(events: Iterable[Event], *, load: str, percent: float, phase: Phase) -> Verdict:
    """Judge whether less than `percent` of the requests of `load` that were due in `phase` failed."""
    question = _Question(
        name=f"fewer than {percent:g} % of {load} fail {phase}",
        expected=f"fewer than {percent:g} % of the requests failed",
    )
    part = question.part(list(events), load, phase)
    if isinstance(part, Verdict):
        return part
    failed = sum(part.failures.values())
    shown = {"observed": round(100 * failed / part.sent, 3), "unit": "%", **question.details(part)}
    if 100 * failed < percent * part.sent:
        return met(**shown)
    return violated(reason=f"{failed} of {part.sent} failed", **shown)


def answered_at_least(events: Iterable[Event], *, load: str, rps: float, phase: Phase) -> Verdict:
    """Judge whether `load` had at least `rps` good answers per second in `phase`, on the mean."""
    question = _Question(
        name=f"{load} is answered at least {rps:g}/s {phase}",
        expected=f"at least {rps:g} good answers a second",
    )
    part = question.part(list(events), load, phase)
    if isinstance(part, Verdict):
        return part
    good = len(part.answers) - sum(part.failures.values())
    seen = good / part.seconds if part.seconds else 0.0
    shown = {"observed": round(seen, 2), "unit": "requests/s", **question.details(part)}
    if seen >= rps:
        return met(**shown)
    return violated(reason=f"{rps - seen:.2f} requests/s too few", **shown)


class _Question:
    """What is asked of a load."""

    def __init__(self, *, name: str, expected: str) -> None:
        self.name = name
        self.expected = expected

    def part(self, record: Sequence[Event], subject: str, phase: Phase) -> Part | Verdict:
        """Return the part that is asked about, or why nothing can be said of it."""
        about: dict[str, Any] = {"expected": self.expected, "query": _query(subject)}
        try:
            load = load_of(record, subject)
            part = part_of(record, load, phase)
        except LookupError as error:
            return unknown(self.name, reason=str(error.args[0]), **about)
        reason = part.shortfall() or ("" if part.sent else f"no request was due {phase}")
        if reason:
            return unknown(self.name, reason=reason, evidence=(reason, *_lines(part)), **about)
        return part

    def details(self, part: Part) -> dict[str, Any]:
        """Return what a verdict on `part` carries."""
        return {
            "name": self.name,
            "expected": self.expected,
            "query": _query(part.load.subject),
            "evidence": tuple(_lines(part)),
        }


def load_report(events: Iterable[Event]) -> list[str]:
    """Return what each load of the record came to, as a whole and by phase, in lines for a reader."""
    record = list(events)
    lines: list[str] = []
    for load in loads_of(record):
        lines += [*_heading(load), ""]
        for phase in PHASES if injection(record) else PHASES[-1:]:
            try:
                part = part_of(record, load, phase)
            except LookupError as error:
                lines += [f"{phase}: not known: {error.args[0]}", ""]
                continue
            lines += [f"{phase}, {part.seconds:.1f} s:", *(f"  {line}" for line in _lines(part)), ""]
    return lines


def _heading(load: Load) -> list[str]:
    asked = load.asked
    top = f"{asked['arrivals']:g} requests/s" if load.is_open else f"{asked['users']} users"
    lines = [f"{load.subject}: {top}, {asked['shape']}, for {asked['duration_s']:g} s, on {asked['host']}"]
    if load.is_open:
        lines.append("open model: requests were due at fixed times, and latency counts from then")
    else:
        lines.append(
            f"closed model: each user asks at most {asked['rate_per_user']:g} times a second and waits for "
            "its answer; what a slow target kept them from asking is in no percentile"
        )
    if load.broken:
        lines.append(f"it broke off: {load.broken}")
    if load.ended:
        shares = [float(share) for share in load.ended["cpu_shares"]]
        processes = f" in {len(shares)} processes, the busiest {max(shares):.2f}" if len(shares) > 1 else ""
        lines.append(
            f"the generator used {sum(shares):.2f} cores{processes}, and sent late by p99 {_late(load)} ms"
        )
        lines.append(f"what limited it: {limit_of(load)}")
    return lines


def limit_of(load: Load) -> str:
    """Say what kept a load from its rate: the client, the network or the target; or that nothing did."""
    part = load.part(None, None)
    good = part.sent - part.failures.total() - part.unfinished
    reached = (
        f"{good / part.seconds:.0f} good answers/s of {part.due / part.seconds:.0f} due"
        if part.seconds
        else ""
    )
    if good >= OFFERED_SHARE * part.due:
        return f"nothing ({reached})"
    busiest = max((float(share) for share in (load.ended or {}).get("cpu_shares", [])), default=0.0)
    late = part.percentile(95, by="sent_ms") or 0.0
    if busiest >= _BUSY or late >= _LATE_MS:
        return f"the client ({reached}): {busiest:.2f} of a core in one process, late by p95 {late:.0f} ms"
    kinds = part.failures
    unreached = sum(number for kind, number in kinds.items() if kind in _UNREACHED)
    if unreached > kinds.total() / 2:
        return f"the network, or nobody listened ({reached}): {unreached} connections came to nothing"
    return f"the target ({reached}): it answered too slowly, or refused"


def _late(load: Load) -> str:
    late = load.part(None, None).percentile(99, by="sent_ms")
    return "?" if late is None else f"{late:.1f}"


def _lines(part: Part) -> list[str]:
    dropped = f", {part.dropped} dropped" if part.load.is_open else ""
    unfinished = f", {part.unfinished} under way at its end" if part.unfinished else ""
    rate = f" ({part.sent / part.seconds:.1f}/s)" if part.seconds else ""
    lines = [f"{part.sent} requests sent{rate} of {part.due} due{dropped}{unfinished}"]
    times = {percent: part.percentile(percent) for percent in _SHOWN}
    shown = [
        f"{'max' if percent == max(_SHOWN) else f'p{percent}'} {ms:.3f} ms"
        for percent, ms in times.items()
        if ms is not None
    ]
    lines += [", ".join(shown)] if shown else []
    failures = part.failures
    kinds = ", ".join(f"{number} {kind}" for kind, number in failures.most_common())
    lines.append(f"{sum(failures.values())} failed" + (f": {kinds}" if kinds else ""))
    total = sum(part.servers.values())
    shares = ", ".join(f"{name} {100 * n / total:.1f} %" for name, n in sorted(part.servers.items()))
    return [*lines, f"answered by {shares}"] if shares else lines


def _query(subject: str) -> str:
    return f"timeline.jsonl: kind requests, subject {subject}; or the request log"
