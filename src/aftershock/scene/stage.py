"""What all steps of a scenario share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from aftershock.clean import CleanJournal
from aftershock.clock import wait_until
from aftershock.cluster.connect import CLUSTER_NAME
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.node_power import power_of
from aftershock.cluster.targets import open_namespaces
from aftershock.config import Settings
from aftershock.errors import DeadlineError
from aftershock.faults.injector import Injection, Injector
from aftershock.faults.protocol import Fault
from aftershock.faults.setting import Setting
from aftershock.faults.tools import tools
from aftershock.judge.attribution import CONCURRENT
from aftershock.judge.question import Question
from aftershock.observe.alertmanager import Alertmanager, WebhookLog
from aftershock.observe.alerts import record_alerts, record_firing_before
from aftershock.observe.deliveries import record_deliveries
from aftershock.observe.metrics import PodMetrics
from aftershock.observe.own_metrics import OwnMetrics, metrics_of_hpas
from aftershock.observe.prometheus import Prometheus
from aftershock.observe.recorder import Recorder
from aftershock.report.verdicts import Verdicts
from aftershock.scene.acts import Ground
from aftershock.timeline import Timeline
from aftershock.verdict import Verdict

__all__ = ["Stage"]

# How long after an objective has passed we still look, so that a late success is told as such.
GRACE_S = 5.0
LOOK_EVERY_S = 0.5


@dataclass(kw_only=True)
class Stage:
    """One scenario on one cluster.

    `injections` are the faults that landed, `expected_alerts` those that a step has named,
    each with the workload that it named or "", `opened` the instant from which the scenario
    answers for what fires. `say` tells the person at the terminal what goes on. `journal_folder` is
    another one than the run's where scenarios run side by side.
    """

    cluster: Cluster
    settings: Settings
    timeline: Timeline
    verdicts: Verdicts
    run_id: str
    run_folder: Path
    folder: Path
    journal_folder: Path | None = None
    tags: frozenset[str] = frozenset()
    say: Callable[[str], None] = print
    injections: list[Injection] = field(default_factory=list)
    expected_alerts: set[tuple[str, str]] = field(default_factory=set)
    _closing: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        """Connect what only needs connecting once."""
        self.api = self.cluster.api
        self.prometheus = Prometheus(self.cluster.monitoring.prometheus)
        self.guard = Guard.of(self.cluster, self.settings, self.tags)
        self.tools = tools(
            self.api,
            carrier_image=self.settings.carrier_image,
            may_touch=self.guard.may_touch,
            clock=self.timeline.clock,
            power=power_of(self.settings, cluster=CLUSTER_NAME, api=self.api),
        )
        self.injector = Injector(
            self.tools,
            run_id=self.run_id,
            journal=CleanJournal((self.journal_folder or self.run_folder) / "journal.jsonl"),
            timeline=self.timeline,
            check=self.guard.check,
        )

    def open(self) -> None:
        """Begin the record: watches, pod metrics, and what fires already."""
        self.opened: datetime = self.timeline.clock.now()
        namespaces = [*open_namespaces(self.api), *self.guard.opened_namespaces()]
        self._closing.enter_context(Recorder(self.api, self.timeline, namespaces=namespaces))
        metrics = PodMetrics(self.api, self.timeline, namespaces=namespaces)
        metrics.start()
        self._closing.callback(metrics.stop)
        if wanted := metrics_of_hpas(self.api, namespaces):
            self._closing.enter_context(OwnMetrics(self.api, self.timeline, wanted=wanted))
        record_firing_before(self.prometheus, self.timeline)

    def close(self) -> None:
        """End the record. What was notified, where we can ask, is its last entry."""
        with self._closing:
            if hasattr(self, "opened"):
                self.look_at_alerts()

    def keep(self, ending: Callable[[], object]) -> None:
        """Call `ending` when the scenario closes, latest first."""
        self._closing.callback(ending)

    @property
    def ground(self) -> Ground:
        """What acts make their faults on."""
        return Ground(tools=self.tools, guard=self.guard)

    def inject(self, fault: Fault) -> Injection:
        """Inject `fault`, and return once there is proof that it landed."""
        injection = self.injector.inject(fault)
        self.injections.append(injection)
        return injection

    def sets(self, subject: str, values: Mapping[tuple[str, ...], object]) -> None:
        """Change settings of an object of the API, as kind/namespace/name, until the scenario ends."""
        self.injector.inject(Setting(self.tools, subject, values))

    def beside(self) -> set[str]:
        """Return the workloads that other scenarios disturb now, as namespace/name."""
        told = self.timeline.select(source="harness", kind=CONCURRENT)
        others = told[-1].data["others"] if told else ()
        return {workload for other in others for workload in other["workloads"]}

    def look_at_alerts(self) -> None:
        """Write into the record what fired, and who was told, since the scenario began."""
        now = self.timeline.clock.now()
        monitoring = self.cluster.monitoring
        record_alerts(self.prometheus, self.timeline, since=self.opened, until=now)
        record_deliveries(
            self.timeline,
            prometheus=self.prometheus,
            alertmanager=Alertmanager(monitoring.alertmanager) if monitoring.alertmanager else None,
            webhook=WebhookLog(monitoring.webhook) if monitoring.webhook else None,
            since=self.opened,
            until=now,
        )

    def hold(self, question: Question) -> Verdict:
        """Judge what the record has now, and enforce it."""
        return self.verdicts.enforce(question.ask(self.timeline))

    def judged(
        self,
        question: Question,
        *,
        by: datetime,
        look: Callable[[], None] = lambda: None,
        every_s: float = LOOK_EVERY_S,
        settle: Callable[[], None] | None = None,
    ) -> Verdict:
        """Judge again and again until the objective is met, or can no longer be; then enforce it.

        `by` is the last instant at which the objective can be met; `look` refreshes the
        record before each judgement. A verdict that can still change (not met yet, unknown
        yet) is not final before `by` and a little more has passed. `settle` adds evidence
        that comes late; what is enforced is judged after it.
        """
        left = (by - self.timeline.clock.now()).total_seconds()

        def met() -> Verdict | None:
            look()
            self._show_time(every_s)
            verdict = question.ask(self.timeline)
            return verdict if verdict.status == "met" else None

        try:
            verdict = wait_until(
                met,
                within_s=max(left, 0.0) + GRACE_S,
                every_s=every_s,
                what="a verdict",
                clock=self.timeline.clock,
            )
        except DeadlineError:
            verdict = question.ask(self.timeline)
        if settle is not None:
            settle()
            verdict = question.ask(self.timeline)
        return self.verdicts.enforce(verdict)

    def _show_time(self, quiet_s: float) -> None:
        """Have the record show that time has passed, where nothing else has for `quiet_s` seconds.

        It ends with its latest event: that health lasts while nothing happens could not be told from it.
        """
        latest = self.timeline.latest
        if latest is None or self.timeline.clock.monotonic() - latest >= quiet_s:
            self.timeline.record("harness", "looked")

    def after_fault(self, seconds: float) -> datetime:
        """Return the instant `seconds` after the last fault landed or was over, else after the beginning."""
        lasting = {injection.record.fault_id for injection in self.injections if injection.plan.lasts}
        landed = self.timeline.select(source="harness", kind="landed")
        over = self.timeline.select(source="harness", kind="undone")
        steps = [*landed[-1:], *(event for event in over if event.data["fault_id"] in lasting)]
        return max((event.at for event in steps), default=self.opened) + timedelta(seconds=seconds)
