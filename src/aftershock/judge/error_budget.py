"""What a scenario spent of an error budget, in time and in requests.

Of an objective of 99.9 % over 30 days a service may be down for 43 minutes and 12 seconds, or fail one
request in a thousand. Time is counted by the client's probe; requests are the probe's and the load's. A
share in requests is of a month at the scenario's own rate: failed of all, for as long as the scenario
watched, against what a month of that allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aftershock.clock import format_duration
from aftershock.judge.episodes import find_episodes
from aftershock.judge.load_record import loads_of
from aftershock.judge.probes import outage_changes, probe_holes, probes_within
from aftershock.judge.record import Instant, end_of
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met, unknown, violated

__all__ = ["MONTH_S", "Budget", "Spent", "budget_kept", "budget_of", "spent_of"]

MONTH_S = 30 * 86400.0
# The shortest good answer that ends an outage: as long as a probe's usual pace needs for a second look.
_CONFIRM_S = 0.2


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a service's users lost from `since` on, within `watched_s` seconds.

    `down_s` is known to `error_s` seconds.
    """

    watched_s: float
    down_s: float
    error_s: float
    requests: int
    failed: int

    def in_time(self, *, target: float, window_s: float) -> float:
        """Return the share of the budget that the outages are."""
        return self.down_s / ((1 - target) * window_s)

    def in_requests(self, *, target: float, window_s: float) -> float:
        """Return the share of the budget that the failed requests are, at this rate through the window."""
        ratio = self.failed / self.requests if self.requests else 0.0
        return ratio * self.watched_s / ((1 - target) * window_s)

    def shares(self, *, target: float, window_s: float) -> dict[str, float]:
        """Return both, by what they are counted in."""
        return {
            "time": self.in_time(target=target, window_s=window_s),
            "requests": self.in_requests(target=target, window_s=window_s),
        }


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a scenario spent of one service's error budget.

    Without a client that watched (`watched`), what is spent in time is not known; `hole` says why it is a
    least.
    """

    service: str
    target: float
    window_s: float
    spent: Spent
    watched: bool
    hole: str

    @property
    def percent(self) -> float:
        """The share that counts, the larger of those that are known."""
        shares = self.spent.shares(target=self.target, window_s=self.window_s)
        return 100 * (max(shares.values()) if self.watched else shares["requests"])

    @property
    def error_percent(self) -> float:
        """The largest error of that share."""
        return 100 * self.spent.error_s / ((1 - self.target) * self.window_s) if self.watched else 0.0

    def lines(self) -> list[str]:
        """Say it for a person."""
        allowed = format_duration(round((1 - self.target) * self.window_s, 1))
        shares = self.spent.shares(target=self.target, window_s=self.window_s)
        in_time, in_requests = _lines(self.spent, shares)
        if not self.watched:
            in_time = "in time: not known, no client watched"
        elif self.hole:
            in_time += f", at least: {self.hole}"
        head = f"{self.service}: {100 * self.target:.6g} % over {self.window_s / 86400:g} days"
        return [f"{head} is a budget of {allowed}", f"  {in_time}", f"  {in_requests}"]

    def to_dict(self) -> dict[str, Any]:
        """Return it as the timeline has it."""
        figures = {"percent": round(self.percent, 6), "error_percent": round(self.error_percent, 6)}
        asked = {"target": self.target, "window_s": self.window_s}
        return {**asked, **vars(self.spent), "watched": self.watched, "hole": self.hole, **figures}


def spent_of(record: Sequence[Event], *, url: str, load: str = "", since: datetime, until: datetime) -> Spent:
    """Return what the users of `url`, and those of the load `load` ("load/NAME"), lost in that time."""
    changes = outage_changes(record, url=url, since=since, until=until)
    end = Instant(at=until)
    outages = find_episodes(changes, until=end, confirm_s=_CONFIRM_S)
    lasted = [
        (until - outage.begin.when.at).total_seconds() if outage.duration_s is None else outage.duration_s
        for outage in outages
    ]
    probes = probes_within(record, url=url, since=since, until=until)
    asked = [not probe.data["ok"] for probe in probes] + list(_of_load(record, load, since, until))
    return Spent(
        watched_s=(until - since).total_seconds(),
        down_s=sum(lasted),
        error_s=sum(outage.resolution_s for outage in outages),
        requests=len(asked),
        failed=sum(asked),
    )


def budget_kept(
    events: Iterable[Event],
    *,
    url: str,
    at_most: float,
    target: float,
    since: datetime,
    until: datetime | None = None,
    window_s: float = MONTH_S,
    load: str = "",
) -> Verdict:
    """Judge whether the users of `url` lost at most the share `at_most` of an error budget.

    The larger of its two shares counts, in time and in requests.
    """
    record = list(events)
    name = f"{url} spends at most {at_most:.4g} of its error budget"
    allowed = (1 - target) * window_s
    details: dict[str, Any] = {
        "expected": f"at most {100 * at_most:.4g} % of {format_duration(round(allowed, 1))} "
        f"({100 * target:.6g} % over {window_s / 86400:g} days)",
        "query": f"GET {url}",
    }
    last = end_of(record, observer=("probing", url))
    if last is None:
        return unknown(name, reason="the record is empty", **details)
    end = min(last.at, until) if until else last.at
    spent = spent_of(record, url=url, load=load, since=since, until=end)
    shares = spent.shares(target=target, window_s=window_s)
    share, error = max(shares.values()), spent.error_s / allowed
    details |= {
        "observed": round(100 * share, 4),
        "unit": "% of the budget",
        "resolution_s": round(spent.error_s, 3),
        "evidence": tuple(_lines(spent, shares)),
    }
    holes = probe_holes(record, url=url, since=since, until=end)
    if share - error > at_most:
        over = max(shares, key=lambda what: shares[what])
        return violated(name, reason=f"{100 * share:.3g} % of the budget, in {over}", **details)
    if holes:
        return unknown(name, reason=holes[0], **details)
    if share + error > at_most:
        reason = f"{format_duration(spent.error_s)} of error are {100 * error:.3g} % of the budget"
        return unknown(name, reason=reason, **details)
    return met(name, **details)


def budget_of(
    events: Iterable[Event], *, service: str, url: str, load: str, target: float, window_s: float = MONTH_S
) -> Budget | None:
    """Return what the record shows that users of `service` lost of its budget; None if nobody asked it."""
    record = list(events)
    asked = [found for found in loads_of(record, service=load) if found.answers] if load else []
    watching = [event.at for event in record if event.kind == "probing" and event.subject == url]
    begun = [*watching[:1], *(found.started for found in asked)]
    if not begun:
        return None
    dues = (datetime.fromtimestamp(answer.due_s, UTC) for found in asked for answer in found.answers)
    end = end_of(record, observer=("probing", url)) if watching else None
    # Up to and with the last request.
    until = end.at if end else max(dues, default=begun[0]) + timedelta(milliseconds=1)
    holes = probe_holes(record, url=url, since=watching[0], until=until) if watching else []
    return Budget(
        service=service,
        target=target,
        window_s=window_s,
        spent=spent_of(record, url=url, load=load, since=min(begun), until=until),
        watched=bool(watching),
        hole=holes[0] if holes else "",
    )


def _of_load(record: Sequence[Event], load: str, since: datetime, until: datetime) -> Iterator[bool]:
    """Yield for each request of the load whether it failed."""
    for found in loads_of(record, service=load) if load else ():
        yield from (bool(answer.failure) for answer in found.part(since, until).answers)


def _lines(spent: Spent, shares: dict[str, float]) -> Iterator[str]:
    down, watched = format_duration(round(spent.down_s, 2)), format_duration(round(spent.watched_s, 1))
    yield f"in time: down for {down} of {watched}, {100 * shares['time']:.3g} %"
    yield f"in requests: {spent.failed} of {spent.requests} failed, {100 * shares['requests']:.3g} %"
