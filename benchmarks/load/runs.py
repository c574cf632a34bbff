"""What is measured: saturation, the rate that is held, latency in a stall, and cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aftershock.clock import pause, wait_until
from aftershock.load.request_log import RequestLog
from benchmarks.load.generators import Generator, k6, ours, percentile, plain, running
from benchmarks.load.target import Target

__all__ = [
    "Held",
    "Stall",
    "cost",
    "held",
    "is_answered",
    "saturation",
    "stalled_k6",
    "stalled_ours",
    "stalled_plain",
]

STALLED_S = 2.0
WARM_S = 3.0
ANSWERED = 0.99
SETTLED_S = 0.5
SEARCH_S = 6.0
FIRST_RATE = 400.0
FINE = 1.1
PLAIN_USERS = 20


@dataclass(frozen=True, kw_only=True)
class Held:
    """A run at a rate: shares of what was due that were sent and answered in time, and lateness in ms."""

    rate: float
    offered: float
    answered: float
    late_p50: float
    late_p99: float
    p99: float

    @classmethod
    def of(cls, log: RequestLog, *, rate: float, seconds: float) -> Held:
        """Read it from our log. In time is by the end of the load, or half a second later."""
        due = round(rate * seconds)
        begun = min(request.due_s for request in log.requests)
        end = begun + seconds + SETTLED_S
        late = sorted((request.sent_s - request.due_s) * 1000 for request in log.requests)
        good = [request for request in log.requests if not request.failure]
        return cls(
            rate=rate,
            offered=sum(request.sent_s <= end for request in log.requests) / due,
            answered=sum(request.due_s + request.latency_ms / 1000 <= end for request in good) / due,
            late_p50=percentile(late, 50),
            late_p99=percentile(late, 99),
            p99=percentile(sorted(request.latency_ms for request in good), 99),
        )


def held(target: Target, folder: Path, *, rate: float, seconds: float) -> Held:
    """Drive our load at `rate`."""
    generator = ours(target.url, folder, seconds=seconds, rate=rate)
    with running(generator):
        pass
    return Held.of(generator.log(), rate=rate, seconds=seconds)


def is_answered(found: Held) -> bool:
    """Say whether that rate is within what can be answered."""
    return found.answered >= ANSWERED


def saturation(run: Callable[[float], Held], say: Callable[[str], None]) -> float:
    """Return the highest rate of which 99 % were answered: doubled until not, then halved down to a tenth."""
    good, bad = 0.0, FIRST_RATE
    while is_answered(found := run(bad)):
        say(f"{found.rate:,.0f}/s: {found.answered:.1%} answered")
        good, bad = bad, bad * 2
    say(f"{found.rate:,.0f}/s: {found.answered:.1%} answered")
    while bad / max(good, 1.0) > FINE:
        found = run((good + bad) / 2)
        say(f"{found.rate:,.0f}/s: {found.answered:.1%} answered")
        good, bad = (found.rate, bad) if is_answered(found) else (good, found.rate)
    return good


@dataclass(frozen=True, kw_only=True)
class Stall:
    """A run in which the target stood still for two seconds: requests, and p50, p99 in ms."""

    requests: int
    p50: float
    p99: float

    @classmethod
    def of(cls, ordered: list[float]) -> Stall:
        """Make it of all times, in order of size."""
        return cls(requests=len(ordered), p50=percentile(ordered, 50), p99=percentile(ordered, 99))


def stalled_ours(target: Target, folder: Path, *, rate: float, seconds: float) -> Stall:
    """Our load, with the times from when each request was due."""
    generator = ours(target.url, folder, seconds=seconds, rate=rate)
    _stalled(target, generator)
    return Stall.of(sorted(request.latency_ms for request in generator.log().requests))


def stalled_k6(program: Path, target: Target, folder: Path, *, rate: float, seconds: float) -> Stall:
    """k6, with the times of its iterations: they begin when they are due, as long as a user is free."""
    generator = k6(program, target.url, folder, seconds=seconds, rate=rate)
    _stalled(target, generator)
    return Stall.of(generator.k6_ms("iteration_duration"))


def stalled_plain(target: Target, folder: Path, *, rate: float, seconds: float) -> Stall:
    """Locust with constant_throughput, through our log: the time from when each was sent."""
    each = rate / PLAIN_USERS
    generator = ours(target.url, folder, seconds=seconds, users=PLAIN_USERS, each=each)
    _stalled(target, generator)
    return Stall.of(sorted(request.latency_ms for request in generator.log().requests))


def _stalled(target: Target, generator: Generator) -> None:
    """Run it, and stop the target for two seconds when a third of the time is over."""
    before = target.answered()
    with running(generator):
        wait_until(lambda: target.answered() > before, within_s=30, every_s=0.05, what="the first request")
        pause(generator.seconds / 3)
        target.freeze()
        try:
            pause(STALLED_S)
        finally:
            target.thaw()


def cost(target: Target, generator: Generator) -> tuple[float, float]:
    """Return requests per CPU second, and per second, of `generator` between its start and its end."""
    before = target.answered()
    with running(generator) as load:
        wait_until(lambda: target.answered() > before, within_s=30, every_s=0.05, what="the first request")
        pause(WARM_S)
        first, cpu = target.answered(), load.cpu_s()
        seconds = generator.seconds - WARM_S - 1.0
        pause(seconds)
        last, spent = target.answered(), load.cpu_s() - cpu
    return (last - first) / spent, (last - first) / seconds


def contenders(target: Target, folder: Path, *, rate: float, seconds: float) -> dict[str, Generator]:
    """Return what is compared for cost at one rate, by name."""
    each = rate / PLAIN_USERS
    return {
        "ours, at a rate": ours(target.url, folder, seconds=seconds, rate=rate),
        "ours, by users": ours(target.url, folder, seconds=seconds, users=PLAIN_USERS, each=each),
        "FastHttpUser, at the same rate": plain(
            target.url, folder, seconds=seconds, users=PLAIN_USERS, each=each
        ),
        "FastHttpUser, as fast as it can": plain(
            target.url, folder, seconds=seconds, users=PLAIN_USERS, each=None
        ),
    }
