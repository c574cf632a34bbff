"""A ChaosEngine at work: its experiments one after the other, its probes meanwhile.

Nothing of Litmus is involved. The faults are ours, with guards, journal and proof; the
probes' looks and what was done enter the timeline, to be judged afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from aftershock.clock import wait_until
from aftershock.cluster.controllers import owner_of
from aftershock.cluster.readiness import not_whole
from aftershock.cluster.targets import find_workload
from aftershock.errors import DeadlineError, FaultError, RefusedError
from aftershock.faults.calls import make_fault
from aftershock.faults.injector import Injection
from aftershock.faults.protocol import Fault, Proof
from aftershock.faults.tools import Tools
from aftershock.litmus.checks import Checker, Phase
from aftershock.litmus.file import Engine, EngineExperiment
from aftershock.litmus.probe import Mode
from aftershock.litmus.tunables import Chaos
from aftershock.timeline import Timeline

__all__ = ["HEALTH", "EngineRun", "planned_faults"]

HEALTH = "the application's pods"
"""The name under which the check of the application itself is recorded, beside the file's probes."""
OWNERS = {"deployment": "ReplicaSet", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
LOOK_S = 0.2


def planned_faults(engine: Engine, tools: Tools) -> list[tuple[str, Fault]]:
    """Return the experiments of `engine` in order, each with the fault behind it, not injected."""
    chaos = [experiment.chaos for experiment in engine.experiments]
    return [(entry.experiment, make_fault(entry.fault, tools, entry.arguments)) for entry in chaos]


class EngineRun:
    """One run of an engine.

    `inject` and `undo` are the scenario's; `reach` turns a probe's URL into one that this
    machine can ask, or refuses it.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        tools: Tools,
        timeline: Timeline,
        inject: Callable[[Fault], Injection],
        undo: Callable[[str], Proof],
        reach: Callable[[str], str],
    ) -> None:
        self.engine = engine
        self.tools = tools
        self.timeline = timeline
        self.clock = timeline.clock
        self.inject = inject
        self.undo = undo
        self.phase: Phase = "before"
        self.stopped_by = ""
        self.experiment = ""
        probes = [probe for experiment in engine.experiments for probe in experiment.probes]
        self.urls = {probe.url: reach(probe.url) for probe in probes}

    def run(self) -> None:
        """Run every experiment in order, until one is ended by a probe that stops it.

        Raises:
            RefusedError: a guard said no, or the application is another one.
            FaultError: the application was not whole before, so that nothing was injected; or
                a fault could not be injected, or did not land.

        """
        self._check_kind()
        self._tell("started")
        try:
            for experiment in self.engine.experiments:
                if not self.stopped_by:
                    self._experiment(experiment)
        finally:
            self._tell("ended")

    def _experiment(self, experiment: EngineExperiment) -> None:
        self.experiment, self.phase = experiment.chaos.experiment, "before"
        if self.engine.health_check:
            self._whole_before()
        self._look(experiment, "SOT", "Edge")
        if not self.stopped_by:
            with self._looking(experiment, "Continuous") as throughout:
                self._pass(experiment.chaos.ramp_s, throughout)
                self._chaos(experiment, throughout)
                self.phase = "after"
                self._pass(experiment.chaos.ramp_s, throughout)
                if self.engine.health_check:
                    self._whole_after(experiment)
        if not self.stopped_by:
            self._look(experiment, "EOT", "Edge")

    def _chaos(self, experiment: EngineExperiment, throughout: Sequence[Checker]) -> None:
        """Do what the experiment is for, unless a probe stopped it before."""
        if self.stopped_by:
            return
        self.phase = "during"
        with self._looking(experiment, "OnChaos") as now:
            watched = (*throughout, *now)
            if experiment.chaos.interval_s is None:
                self._once(experiment.chaos, watched)
            else:
                self._again_and_again(experiment, experiment.chaos.interval_s, watched)

    def _once(self, chaos: Chaos, watched: Sequence[Checker]) -> None:
        """Inject a fault that lasts, and take it back when its time is over."""
        ends = self.clock.monotonic() + chaos.duration_s
        injection = self.inject(make_fault(chaos.fault, self.tools, chaos.arguments))
        self._pass(ends - self.clock.monotonic(), watched)
        self.undo(injection.record.fault_id)

    def _again_and_again(
        self, experiment: EngineExperiment, interval_s: float, watched: Sequence[Checker]
    ) -> None:
        """Inject, wait, have the application come back, until the time is over."""
        chaos = experiment.chaos
        ends = self.clock.monotonic() + chaos.duration_s
        while self.clock.monotonic() < ends and not self.stopped_by:
            injection = self.inject(make_fault(chaos.fault, self.tools, chaos.arguments))
            self._pass(interval_s, watched)
            self.undo(injection.record.fault_id)
            if not self._whole_after(experiment):
                self.stopped_by = HEALTH

    @contextmanager
    def _looking(self, experiment: EngineExperiment, mode: Mode) -> Iterator[list[Checker]]:
        """Have the probes of this mode look again and again until the end of the block."""
        checkers = self._checkers(experiment, mode)
        with ExitStack() as stack:
            for checker in checkers:
                stack.enter_context(checker)
            yield checkers

    def _look(self, experiment: EngineExperiment, *modes: Mode) -> None:
        for checker in self._checkers(experiment, *modes):
            if not checker.first_look() and checker.probe.stops:
                self.stopped_by = self.stopped_by or checker.probe.name

    def _checkers(self, experiment: EngineExperiment, *modes: Mode) -> list[Checker]:
        return [
            Checker(
                probe,
                self.urls[probe.url],
                self.timeline,
                engine=self.engine.name,
                experiment=self.experiment,
                phase=lambda: self.phase,
            )
            for probe in experiment.probes
            if probe.mode in modes
        ]

    def _pass(self, seconds: float, watched: Sequence[Checker]) -> None:
        """Let time pass, or less of it where a probe that stops the experiment fails."""
        until = self.clock.monotonic() + max(0.0, seconds)

        def over() -> bool:
            failed = [entry.probe.name for entry in watched if entry.failed and entry.probe.stops]
            self.stopped_by = self.stopped_by or "".join(failed[:1])
            return bool(self.stopped_by) or self.clock.monotonic() >= until

        wait_until(over, within_s=max(0.0, seconds), every_s=LOOK_S, what="its time", clock=self.clock)

    def _whole_before(self) -> None:
        reason = self._not_whole()
        if reason:
            raise FaultError(
                f"the application of {self.engine.name} is not whole; nothing was injected",
                expected="every pod Ready, as its newest specification says",
                found=reason,
            )

    def _whole_after(self, experiment: EngineExperiment) -> bool:
        """Wait until the application is whole again; record whether it came to that."""
        began, reason = self.clock.monotonic(), ""

        def whole() -> bool:
            nonlocal reason
            reason = self._not_whole()
            return not reason

        with suppress(DeadlineError):  # the record says so, and a judge decides
            wait_until(
                whole,
                within_s=experiment.settles_s,
                every_s=experiment.looks_every_s,
                what="the application to be whole",
                clock=self.clock,
            )
        self.timeline.record(
            "harness",
            "check",
            HEALTH,
            engine=self.engine.name,
            experiment=self.experiment,
            phase=self.phase,
            ok=not reason,
            said=reason or "whole",
            attempts=1,
            took_s=round(self.clock.monotonic() - began, 3),
        )
        return not reason

    def _not_whole(self) -> str:
        return not_whole(self.tools.api, self.engine.app.applabel, namespace=self.engine.app.appns)

    def _check_kind(self) -> None:
        app = self.engine.app
        found = find_workload(self.tools.api, app.applabel, namespace=app.appns)
        kinds = {str(owner["kind"]) for pod in found.pods if (owner := owner_of(pod))}
        if kinds != {OWNERS[app.appkind]}:
            raise RefusedError(
                f"the pods with {app.applabel} in {app.appns} are not those of a {app.appkind}",
                expected=f"pods of a {OWNERS[app.appkind]}",
                found=", ".join(sorted(kinds)) or "pods that nothing owns",
            )

    def _tell(self, state: str) -> None:
        probes = [
            {
                "experiment": experiment.chaos.experiment,
                "name": probe.name,
                "mode": probe.mode,
                "tolerance": probe.tolerance,
                "url": probe.url,
                "asked_at": self.urls[probe.url],
                "every_s": probe.every_s,
                "slowest_s": probe.attempts * (probe.timeout_s + probe.interval_s),
            }
            for experiment in self.engine.experiments
            for probe in experiment.probes
        ]
        self.timeline.record(
            "harness",
            "engine",
            self.engine.name,
            state=state,
            file=self.engine.file,
            experiments=[experiment.chaos.experiment for experiment in self.engine.experiments],
            probes=probes,
            stopped_by=self.stopped_by,
        )
