"""When an alert fires, from the phases and intervals of scrapes and evaluations.

After the condition has become visible at an exporter:

    next scrape (+ one more, where a function needs a second sample)
    → its samples are there when it has ended
    → next evaluation of each recording rule in between, then of the alert's group
    → ceil(for / evaluation interval) evaluations later it fires

All instants are by Prometheus' clock inside and by ours outside: `offset_s` is its clock
minus ours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aftershock.clock import format_duration
from aftershock.forecast.beat import Beat, Bounds, Delay, Mode, rounds
from aftershock.forecast.routing import Notify

__all__ = ["JITTER_S", "AlertPath", "Firing", "Source", "fires_after", "fires_within", "firing", "resolves"]

JITTER_S = 0.1
"""How late a scrape or an evaluation may begin, and how long a change takes from exporter to answer."""

_WHOLE_SECOND_S = 1.0
"""What exporters cut off the timestamps that an expression takes the age of."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A scrape target that carries some of a rule's metrics, with the target's labels."""

    metrics: tuple[str, ...]
    scrape: Beat
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AlertPath:
    """All that lies between an exporter and the firing of one alert rule.

    `records` are the evaluations of recording rules that the signal passes before the alert's
    own. `window_s` is the longest window in the expression, `second_sample` whether a function
    needs two samples of series that do not exist yet; None if that is not known. `lasts_s`
    is set where the condition ends by itself so long after the event. `unknown` says what
    could not be read or is not modelled; then there is no point forecast. `notify` is who is
    told after it fires, `untold` why that is not known.
    """

    alert: str
    evaluation: Beat
    labels: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    records: tuple[Beat, ...] = ()
    for_s: float = 0.0
    keep_firing_for_s: float = 0.0
    window_s: float = 0.0
    second_sample: bool | None = False
    lasts_s: float | None = None
    notify: tuple[Notify, ...] = ()
    untold: str = ""
    offset_s: float = 0.0
    clock_error_s: float = 0.0
    unknown: tuple[str, ...] = ()

    @property
    def hold_s(self) -> float:
        """Seconds from the first evaluation that finds the condition true to the one that fires."""
        return rounds(self.for_s, self.evaluation.every_s)

    @property
    def resolution_s(self) -> float:
        """The largest error of an instant of this alert by our clock."""
        return abs(self.offset_s) + self.clock_error_s

    def made_of(self) -> str:
        """Say in one line what the time consists of."""
        parts = [str(beat) for beat in dict.fromkeys(self._beats())]
        if self.second_sample:
            parts.append("a second sample, which no series has yet")
        if self.window_s:
            parts.append(f"a window of {format_duration(self.window_s)}")
        parts.append(f"the rule's `for` is {format_duration(self.for_s)}" if self.for_s else "no `for`")
        return ", ".join(parts)

    def _beats(self) -> Sequence[Beat]:
        # Targets of one job differ in phase only, which does not matter here.
        scrapes = [Beat(what=source.scrape.what, every_s=source.scrape.every_s) for source in self.sources]
        rules = [Beat(what=beat.what, every_s=beat.every_s) for beat in (*self.records, self.evaluation)]
        return [*scrapes, *rules]


@dataclass(frozen=True, kw_only=True)
class Firing:
    """When an alert will turn firing, by our clock.

    `point` is None where a phase or a target is not known, `latest` where nothing known bounds it.
    """

    earliest: datetime
    point: datetime | None
    latest: datetime | None

    def since(self, start: datetime) -> Bounds:
        """Return it in seconds from `start`."""
        return Bounds(
            earliest_s=(self.earliest - start).total_seconds(),
            point_s=None if self.point is None else (self.point - start).total_seconds(),
            latest_s=None if self.latest is None else (self.latest - start).total_seconds(),
        )


def firing(
    path: AlertPath,
    visible: datetime,
    *,
    signals: Collection[str] = (),
    where: Mapping[str, str] | None = None,
) -> Firing:
    """Return when the alert fires if its condition became visible at the exporter at `visible`.

    `signals` are the metrics in which it becomes so (all, if none is given); `where` are
    labels of the target that shows it, as {"instance": …}. Where several targets are left,
    there is a point only if all of them lead to the same evaluation.

    A window (`rate(…[1m])`) may have to fill first: the point is for a condition that holds
    from its first full sample on, the latest for one that needs the whole window.
    """
    sources = _chosen(path, signals, where or {})
    instants: dict[Mode, list[datetime | None]] = {
        mode: [_through(path, source, visible, mode) for source in sources]
        for mode in ("earliest", "point", "latest")
    }
    points, latest = set(instants["point"]), [at for at in instants["latest"] if at is not None]
    slack = timedelta(seconds=JITTER_S + path.clock_error_s)
    window = timedelta(seconds=path.window_s)
    return Firing(
        earliest=min((at for at in instants["earliest"] if at), default=visible + _s(path.hold_s)) - slack,
        point=points.pop() if len(points) == 1 and not path.unknown else None,
        latest=max(latest) + window + slack if latest and not path.unknown else None,
    )


def fires_after(
    path: AlertPath,
    injected: datetime,
    delays: Mapping[str, Delay],
    *,
    where: Mapping[str, str] | None = None,
) -> Firing:
    """Return when the alert fires if the harness begins to act at `injected`.

    `delays` say how soon the fault shows, by metric. Of a metric that the rule reads and
    they do not name nothing is assumed; if they name none, there is no point and no latest.
    """
    signals, delay = _delay(path, delays)
    first = firing(path, injected + _s(delay.earliest_s), signals=signals, where=where)
    if not signals:
        return Firing(earliest=first.earliest, point=None, latest=None)
    usual = firing(path, injected + _s(delay.usual_s), signals=signals, where=where)
    last = firing(path, injected + _s(delay.latest_s), signals=signals, where=where)
    return Firing(earliest=first.earliest, point=usual.point, latest=last.latest)


def fires_within(path: AlertPath, delays: Mapping[str, Delay]) -> Bounds:
    """Return the range from the injection to the firing, whatever the phases will be.

    The earliest is the floor: no luck with phases makes it shorter.
    """
    signals, delay = _delay(path, delays)
    sources = _chosen(path, signals, {})
    scrapes = [source.scrape for source in sources]
    second = min((beat.every_s for beat in scrapes), default=0.0) if path.second_sample else 0.0
    earliest = delay.earliest_s + second + path.hold_s
    if not scrapes or not signals or path.unknown:
        return Bounds(earliest_s=earliest)
    samples = 1 if path.second_sample is False else 2
    latest = (
        delay.latest_s
        + max(samples * beat.every_s + 2 * beat.takes_s for beat in scrapes)
        + sum(beat.every_s + beat.takes_s for beat in path.records)
        + path.evaluation.every_s
        + path.hold_s
        + path.window_s
        + JITTER_S
    )
    return Bounds(earliest_s=earliest, latest_s=latest)


def resolves(path: AlertPath, fires: Bounds) -> Bounds:
    """Return the range from the firing to the first evaluation that no longer finds it.

    `fires` is the range from the injection to the firing. When a condition ends is known only
    where the expression itself says so (`time() - metric < 120`); else there is only a floor.
    """
    every_s = path.evaluation.every_s
    keep_s = rounds(path.keep_firing_for_s, every_s)
    earliest = every_s + keep_s
    if path.lasts_s is None:
        return Bounds(earliest_s=earliest)
    if fires.latest_s is not None:
        # The event was after the injection, and its timestamp is cut to a whole second.
        earliest = max(earliest, path.lasts_s - _WHOLE_SECOND_S - fires.latest_s + keep_s)
    # It fired after the event, so less than the whole of it is left.
    return Bounds(earliest_s=earliest, latest_s=path.lasts_s + every_s + keep_s + JITTER_S)


def _delay(path: AlertPath, delays: Mapping[str, Delay]) -> tuple[tuple[str, ...], Delay]:
    """Return the metrics in which the fault shows, and the delay that covers all of theirs."""
    read = {metric for source in path.sources for metric in source.metrics}
    signals = tuple(sorted(read & delays.keys()))
    found = [delays[metric] for metric in signals]
    if not found:
        return (), Delay(earliest_s=0.0, usual_s=0.0, latest_s=0.0)
    return signals, Delay(
        # Whether one of them is enough or all have to show, these are the ends.
        earliest_s=min(delay.earliest_s for delay in found),
        usual_s=max(delay.usual_s for delay in found),
        latest_s=max(delay.latest_s for delay in found),
    )


def _chosen(path: AlertPath, signals: Collection[str], where: Mapping[str, str]) -> list[Source]:
    """Return the sources that carry one of `signals` and contradict none of `where`."""
    return [
        source
        for source in path.sources
        if (not signals or set(signals) & set(source.metrics))
        and all(source.labels.get(name, value) == value for name, value in where.items())
    ]


def _through(path: AlertPath, source: Source, visible: datetime, mode: Mode) -> datetime | None:
    """Follow one signal from the exporter to the firing; None where a phase is not known."""
    slack = {"earliest": -1, "point": 0, "latest": 1}[mode] * (JITTER_S + path.clock_error_s)
    begun = source.scrape.next(visible + _s(path.offset_s + slack), mode)
    if begun is None or (path.second_sample is None and mode == "point"):
        return None
    if path.second_sample or (path.second_sample is None and mode == "latest"):
        begun += _s(source.scrape.every_s)
    # A scrape takes a little less or more each time: what it found is there when it has ended.
    factor = {"earliest": 0.0, "point": 1.0, "latest": 2.0}[mode]
    at: datetime | None = begun + _s(factor * source.scrape.takes_s + max(slack, 0.0))
    for record in path.records:
        at = None if at is None else record.next(at, mode)
        at = None if at is None else at + _s(record.takes_s)
    at = None if at is None else path.evaluation.next(at, mode)
    return None if at is None else at + _s(path.hold_s - path.offset_s)


def _s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
