"""The forecast of a scenario: its promises beside what the cluster's own intervals allow. Touches nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from aftershock.clock import Clock, SystemClock, format_duration, rfc3339
from aftershock.cluster.api import Json
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.targets import find_workload
from aftershock.collect.meaning import Meaning
from aftershock.config import Settings
from aftershock.errors import AftershockError, QueryError, RefusedError, TransientError
from aftershock.forecast.alerts import AlertPath, fires_within, resolves
from aftershock.forecast.beat import Bounds, Delay, Delayed
from aftershock.forecast.kept import KeptAlert, read_expectations, to_data
from aftershock.forecast.objectives import (
    AlertFires,
    AlertResolves,
    Expectation,
    HpaScales,
    Objective,
    Recovers,
    Replaced,
    Serves,
)
from aftershock.forecast.paths import alert_paths
from aftershock.forecast.restart import Container, new_pod, probed_again, ready_again
from aftershock.forecast.scaling import scales_up
from aftershock.observe.alertmanager import Alertmanager
from aftershock.observe.cadence import read_cadence
from aftershock.observe.notes import WATCH_RESOLUTION_S
from aftershock.observe.pace import read_containers, read_hpa_pace
from aftershock.observe.prometheus import Prometheus
from aftershock.scene.acts import Breaks, Experiment, Ground, Loads, faults_of
from aftershock.timeline import Event, Timeline
from aftershock.verdict import Verdict

__all__ = ["Outlook", "alerts_of", "record_forecast", "refuse_impossible", "write_comparison"]

_OWN_START = "what the application itself needs to start is not known"


@dataclass(kw_only=True)
class Outlook:
    """What the cluster allows now, asked once. `alerts` are those that it will be asked of."""

    cluster: Cluster
    settings: Settings
    alerts: Collection[str]
    clock: Clock = field(default_factory=SystemClock)

    @cached_property
    def paths(self) -> Mapping[str, tuple[AlertPath, ...]] | str:
        """The paths of the alerts; a text is why they are not known."""
        monitoring = self.cluster.monitoring
        try:
            facts = read_cadence(
                Prometheus(monitoring.prometheus, clock=self.clock),
                alertmanager=Alertmanager(monitoring.alertmanager) if monitoring.alertmanager else None,
                alerts=self.alerts,
            )
        except (QueryError, TransientError) as error:
            return f"Prometheus cannot be asked: {error.message}"
        return alert_paths(facts, self.alerts)

    def expectations(self, meanings: Sequence[Meaning], *, soon: bool = True) -> list[Expectation]:
        """Return the forecast of each objective among `meanings`, in their order.

        Not `soon`: the scenario runs at a time that is not known, when a restart back-off of
        now may be over.
        """
        found = []
        for number, meaning in enumerate(meanings):
            if isinstance(meaning.what, Objective):
                before = [earlier.what for earlier in meanings[:number]]
                try:
                    expectation = self._expect(meaning.what, before, soon=soon)
                except AftershockError as error:
                    expectation = Expectation(
                        what=str(meaning.step), bounds=Bounds(earliest_s=0.0), unknown=(error.message,)
                    )
                found.append(replace(expectation, place=meaning.place))
        return found

    def delays(self, acts: Iterable[object]) -> dict[str, Delay]:
        """Return how soon the faults among `acts` show, by metric."""
        ground = Ground.of(self.cluster, Guard(cluster=self.cluster, settings=self.settings))
        found: dict[str, Delay] = {}
        for act in acts:
            for fault in faults_of(act, ground, allowed=self.settings.experiment_providers):
                if isinstance(fault, Delayed):
                    found |= fault.shows_after
        return found

    def kept(self, meanings: Sequence[Meaning]) -> list[KeptAlert]:
        """Return what is known of each alert that the scenario names, for the record."""
        if isinstance(self.paths, str):
            return []
        delays = self.delays(meaning.what for meaning in meanings)
        named = alerts_of(meanings)
        return [
            KeptAlert(alert=alert, paths=self.paths.get(alert, ()), delays=delays) for alert in sorted(named)
        ]

    def _expect(self, objective: Objective, before: Sequence[object], *, soon: bool) -> Expectation:
        match objective:
            case AlertFires() | AlertResolves():
                return self._alert(objective, before)
            case Recovers():
                return self._recovery(objective, before, soon=soon)
            case Replaced():
                return self._replacement(objective, before)
            case Serves():
                return self._service(objective)
            case HpaScales():
                return self._scaling(objective, before)

    def _alert(self, objective: AlertFires | AlertResolves, before: Sequence[object]) -> Expectation:
        verb = "fires" if isinstance(objective, AlertFires) else "resolves"
        what = f"{objective.alert} {verb}" + (f" for {objective.of}" if objective.of else "")
        if isinstance(self.paths, str):
            nothing = Bounds(earliest_s=0.0)
            return Expectation(what=what, bounds=nothing, limit_s=objective.within_s, unknown=(self.paths,))
        paths = self.paths.get(objective.alert, ())
        delays = self.delays(before)
        found = [
            _alert_expectation(path, delays, what=what, resolves_too=verb == "resolves") for path in paths
        ]
        if not found:
            nothing = Bounds(earliest_s=0.0)
            reason = f"no loaded rule is called {objective.alert}"
            return Expectation(what=what, bounds=nothing, limit_s=objective.within_s, unknown=(reason,))
        first = min(found, key=lambda expectation: expectation.bounds.earliest_s)
        return replace(first, bounds=_any(e.bounds for e in found), limit_s=objective.within_s)

    def _recovery(self, objective: Recovers, before: Sequence[object], *, soon: bool) -> Expectation:
        containers = self._containers(objective.workload)
        breaks = [act for act in before if isinstance(act, Breaks)]
        if breaks and all(act.by == "restart" for act in breaks):
            waiting = [c for c in containers if c.wait[1] > 0]
            if not soon:
                containers = [replace(container, wait=(0.0, container.wait[1])) for container in containers]
            bounds = ready_again(containers)
            because = "restart back-off and probes"
            notes = tuple(_backoff_note(container) for container in waiting)
        elif breaks and all(act.by == "end" for act in breaks):
            bounds, because, notes = probed_again(containers), "probes that succeed again", ()
        else:
            bounds, because, notes = new_pod(containers), "probes of a new pod", ()
        return Expectation(
            what=f"{objective.workload} recovers",
            bounds=bounds,
            limit_s=objective.within_s,
            resolution_s=2 * WATCH_RESOLUTION_S,
            because=because,
            unknown=(_OWN_START,),
            notes=notes,
        )

    def _replacement(self, objective: Replaced, before: Sequence[object]) -> Expectation:
        pods = [pod for act in before if isinstance(act, Experiment) for pod in self._evicted(act)]
        each = [new_pod(read_containers([pod], now=self.clock.now())) for pod in pods]
        return Expectation(
            what="every evicted pod is replaced",
            # All of them have to be: the slowest decides.
            bounds=Bounds(
                earliest_s=max((bounds.earliest_s for bounds in each), default=0.0),
                latest_s=max((bounds.latest_s or 0.0 for bounds in each), default=None),
            ),
            limit_s=objective.within_s,
            resolution_s=2 * WATCH_RESOLUTION_S,
            because="probes of the new pods",
            unknown=(_OWN_START, "how long a pod that is evicted takes to go is not known"),
        )

    def _service(self, objective: Serves) -> Expectation:
        return Expectation(
            what=f"every added replica of {objective.workload} serves",
            bounds=new_pod(self._containers(objective.workload)),
            limit_s=objective.within_s,
            resolution_s=2 * WATCH_RESOLUTION_S,
            because="probes of a new pod",
            unknown=(_OWN_START,),
        )

    def _scaling(self, objective: HpaScales, before: Sequence[object]) -> Expectation:
        workload = find_workload(self.cluster.api, objective.workload)
        pace = read_hpa_pace(self.cluster.api, namespace=workload.namespace, name=workload.name)
        loads = [act.duration_s for act in before if isinstance(act, Loads)]
        return Expectation(
            what=f"the HPA of {objective.workload} scales up under the load",
            bounds=scales_up(pace),
            limit_s=objective.within_s or (loads[-1] if loads else None),
            because=pace.made_of(),
            unknown=pace.unknown,
        )

    def _containers(self, workload: str) -> list[Container]:
        return read_containers(find_workload(self.cluster.api, workload).pods, now=self.clock.now())

    def _evicted(self, act: Experiment) -> list[Json]:
        ground = Ground.of(self.cluster, Guard(cluster=self.cluster, settings=self.settings))
        faults = faults_of(act, ground, allowed=self.settings.experiment_providers)
        targets = [target for fault in faults for target in fault.plan().targets]
        return [self.cluster.api.get(target.path) for target in targets if target.kind == "pod"]


def alerts_of(meanings: Iterable[Meaning]) -> set[str]:
    """Return the alerts that the steps name."""
    return {m.what.alert for m in meanings if isinstance(m.what, AlertFires | AlertResolves)}


def refuse_impossible(
    cluster: Cluster,
    settings: Settings,
    scenarios: Sequence[Sequence[Meaning]],
    *,
    clock: Clock | None = None,
) -> None:
    """Do nothing if every objective of `scenarios`, in the order in which they run, can be met and verified.

    Raises:
        RefusedError: one cannot, by the cluster's own intervals; with the numbers of all.

    """
    named = {alert for meanings in scenarios for alert in alerts_of(meanings)}
    outlook = Outlook(cluster=cluster, settings=settings, alerts=named, clock=clock or SystemClock())
    reasons = [
        reason
        for number, meanings in enumerate(scenarios)
        for expectation in outlook.expectations(meanings, soon=number == 0)
        if (reason := expectation.impossible(settings.profile))
    ]
    if reasons:
        several = f"{len(reasons)} objectives cannot be met or verified on this cluster"
        raise RefusedError(
            reasons[0] if len(reasons) == 1 else several,
            found="" if len(reasons) == 1 else "\n    ".join(reasons),
            hint="give the step more time, or shorten the interval, `for` or delay that is named",
        )


def record_forecast(
    timeline: Timeline, cluster: Cluster, settings: Settings, *, name: str, meanings: Sequence[Meaning]
) -> Event:
    """Record the forecast of the scenario `name` as it is now; what cannot be read is recorded as that."""
    outlook = Outlook(cluster=cluster, settings=settings, alerts=alerts_of(meanings), clock=timeline.clock)
    data = to_data(outlook.kept(meanings), outlook.expectations(meanings))
    return timeline.record("harness", "forecast", name, profile=settings.profile, **data)


def write_comparison(path: Path, forecast: Event, verdicts: Sequence[Verdict]) -> None:
    """Write down what was forecast and, below it, what happened; nothing where nothing was promised."""
    expectations = read_expectations(forecast.data)
    if not expectations:
        return
    lines = [f"forecast at {rfc3339(forecast.at)}, profile {forecast.data['profile']}"]
    lines += [f"  {line}" for expectation in expectations for line in expectation.lines()]
    lines += ["", "what happened"]
    lines += [f"  {v.status}: {v.name}: {v.observed} {v.unit}".rstrip() for v in verdicts]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _alert_expectation(
    path: AlertPath, delays: Mapping[str, Delay], *, what: str, resolves_too: bool
) -> Expectation:
    fires = fires_within(path, delays)
    unknown = list(path.unknown)
    shown = sorted(delays.keys() & {metric for source in path.sources for metric in source.metrics})
    if not shown:
        unknown.append("how soon the fault shows in what the rule reads is not known")
    because = path.made_of()
    if resolves_too:
        ends = path.lasts_s is not None
        because += f", the condition lasts {format_duration(path.lasts_s)}" if path.lasts_s else ""
        unknown = [] if ends else ["when the condition ends is not known"]
    shows = [f"the fault shows after {delay}" for delay in dict.fromkeys(delays[metric] for metric in shown)]
    told = [f"then told: {notify}" for notify in path.notify] or [f"who is told is not known: {path.untold}"]
    return Expectation(
        what=what,
        bounds=resolves(path, fires) if resolves_too else fires,
        resolution_s=path.resolution_s + (path.evaluation.every_s / 2 if resolves_too else 0.0),
        because=because,
        unknown=tuple(unknown),
        notes=() if resolves_too else (*shows, *told),
    )


def _any(found: Iterable[Bounds]) -> Bounds:
    """Return the range in which the first of several may come, whichever it is."""
    bounds = list(found)
    latest = [b.latest_s for b in bounds if b.latest_s is not None]
    return Bounds(
        earliest_s=min(b.earliest_s for b in bounds),
        latest_s=max(latest) if len(latest) == len(bounds) else None,
    )


def _backoff_note(container: Container) -> str:
    least, most = (format_duration(wait) for wait in container.wait)
    waits = most if least == most else f"{least} to {most}"
    return f"{container.name} was restarted lately: its next restart waits {waits}"
