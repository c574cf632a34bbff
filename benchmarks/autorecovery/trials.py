"""Faults on real workloads, each once with auto-recovery and once without it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from aftershock.clock import SystemClock, pause, wait_until
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.targets import find_workload
from aftershock.config import Settings
from aftershock.errors import AftershockError, DeadlineError, EnvironmentUnusableError
from aftershock.faults.chosen import WhichPods
from aftershock.faults.container_kill import ContainerKill
from aftershock.faults.injector import Injection, Injector
from aftershock.faults.journal import Journal
from aftershock.faults.out_of_memory import OutOfMemory
from aftershock.faults.pod_kill import PodKill
from aftershock.faults.protocol import Fault
from aftershock.faults.setting import Setting
from aftershock.faults.tools import Tools, tools
from aftershock.judge.autorecovery import ACTED, repairs_told
from aftershock.judge.recovery import recovered_within
from aftershock.observe.autorecovery import await_switch, record_autorecovery
from aftershock.observe.prometheus import Prometheus
from aftershock.observe.recorder import Recorder
from aftershock.scene.autorecovery import DEPLOYMENT, DRY_RUN
from aftershock.timeline import Event, Timeline
from benchmarks.autorecovery.memory import forget
from benchmarks.autorecovery.schedule import CRASH_LOOP, WORKLOADS, Plan, Trial

__all__ = ["Trials"]

NAMESPACE = "bookinfo"
CRASHES = 6
"""The sixth crash in ten minutes waits 160 s by the kubelet's back-off, with five restarts behind it."""

_ACTS_WITHIN_S = 15.0
_RECOVERS_WITHIN_S = 330.0  # the kubelet's longest back-off, and a start
_GOES_S = 8.0  # a pod of bookinfo pauses 5 s before it stops


class Trials:
    """Makes trials on one cluster; all is undone at the end, the switch included."""

    def __init__(self, cluster: Cluster, settings: Settings, prometheus: Prometheus, folder: Path) -> None:
        self.cluster = cluster
        self.prometheus = prometheus
        self.timeline = Timeline(folder / "autorecovery.timeline.jsonl")
        self.kit: Tools = tools(cluster.api, carrier_image=settings.carrier_image)
        self.clock = SystemClock()
        run_id = f"bench-{secrets.token_hex(3)}"
        guard = Guard(cluster=cluster, settings=settings)

        def hands(name: str) -> Injector:
            journal = Journal(folder / f"journal-{run_id}-{name}.jsonl")
            return Injector(
                self.kit, run_id=run_id, journal=journal, timeline=self.timeline, check=guard.check
            )

        # Each workload has hands of its own: a crash loop goes on beside others.
        self.hands = {workload: hands(workload) for workload in WORKLOADS}
        self.injector = hands("switch")

    def run(self, plans: list[Plan]) -> Iterator[Trial]:
        """Make one after the other.

        Raises:
            EnvironmentUnusableError: auto-recovery is not there, or does not do as it is told.

        """
        with ExitStack() as stack:
            stack.callback(self.timeline.close)
            for hands in (self.injector, *self.hands.values()):
                stack.callback(hands.undo_all)
            stack.callback(self._drop_budgets)
            kinds = ["pod", "deployment", "replicaset", "event"]
            stack.enter_context(
                Recorder(self.cluster.api, self.timeline, namespaces={NAMESPACE}, kinds=kinds)
            )
            for plan in plans:
                yield from self._trials(plan)

    def _trials(self, plan: Plan) -> list[Trial]:
        """Make those of a plan. What keeps one from being made is its result, and not the end of others."""
        self._begin_anew(plan.workloads)
        forget(self.cluster.api, self.timeline)
        switch = self._switch(dry_run=not plan.with_it)
        try:
            acted, failed = self._act(plan)
            self._rest(_ACTS_WITHIN_S)
            made = {workload: self._recovered(workload, since) for workload, since in acted.items()}
            others = self._others(plan, min(acted.values())) if acted else ()
        finally:
            self.injector.undo(switch.plan.fault_id)
        trials = []
        for workload in plan.workloads:
            recovered_s, why = made.get(workload, (None, failed.get(workload, "")))
            actions = self._actions(workload, acted[workload]) if plan.with_it and workload in acted else ()
            trials.append(
                Trial(
                    kind=plan.kind,
                    workload=workload,
                    with_it=plan.with_it,
                    recovered_s=recovered_s,
                    why=why,
                    actions=actions,
                    # Once for all that went side by side.
                    false_actions=() if trials else others,
                )
            )
        return trials

    def _act(self, plan: Plan) -> tuple[dict[str, datetime], dict[str, str]]:
        """Inject the fault, and return when on which workload, and what kept it from others.

        One after the other, so that no two land at once; but a crash loop is mostly the kubelet's waiting.
        """

        def act_on(workload: str) -> datetime | str:
            try:
                return self._crash(workload) if plan.kind == CRASH_LOOP else self._inject(plan.kind, workload)
            except EnvironmentUnusableError:
                raise
            except AftershockError as error:
                return str(error)

        with ThreadPoolExecutor(len(plan.workloads) if plan.kind == CRASH_LOOP else 1) as pool:
            came = dict(zip(plan.workloads, pool.map(act_on, plan.workloads), strict=True))
        acted = {workload: at for workload, at in came.items() if isinstance(at, datetime)}
        return acted, {workload: why for workload, why in came.items() if isinstance(why, str)}

    def _crash(self, workload: str) -> datetime:
        """Kill its container until it is in a crash loop; return when its last crash was."""
        for _ in range(CRASHES - 1):
            self._inject(CRASH_LOOP, workload)
            self._steady(workload)
        return self._inject(CRASH_LOOP, workload)

    def _inject(self, kind: str, workload: str) -> datetime:
        which: WhichPods = {"workload": workload, "namespace": NAMESPACE}
        makes: dict[str, Callable[[], Fault]] = {
            "out of memory": lambda: OutOfMemory(self.kit, **which),
            CRASH_LOOP: lambda: ContainerKill(self.kit, **which),
            "container killed": lambda: ContainerKill(self.kit, **which),
            "pod deleted": lambda: PodKill(self.kit, **which),
        }
        hands = self.hands[workload]
        injection = hands.inject(makes[kind]())
        hands.undo(injection.plan.fault_id)
        begun = self.timeline.select(source="harness", kind="injecting")
        return next(event.at for event in begun if event.data["fault_id"] == injection.plan.fault_id)

    def _recovered(self, workload: str, since: datetime) -> tuple[float | None, str]:
        def judged() -> tuple[float | None, str] | None:
            # The record ends with its last event, and a cluster at rest makes none.
            record_autorecovery(self.prometheus, self.timeline)
            verdict = recovered_within(
                self.timeline,
                workload=f"deployment/{NAMESPACE}/{workload}",
                within_s=_RECOVERS_WITHIN_S,
                wanted=1,
                since=since,
            )
            seen = verdict.observed
            return (float(seen), "") if verdict.status == "met" and isinstance(seen, int | float) else None

        what = f"{workload} to recover"
        try:
            return wait_until(judged, within_s=_RECOVERS_WITHIN_S, every_s=1.0, what=what, clock=self.clock)
        except DeadlineError as error:
            return None, error.message

    def _actions(self, workload: str, since: datetime) -> tuple[str, ...]:
        return tuple(said for event, said in self._told(since) if _is_about(event, workload))

    def _others(self, plan: Plan, since: datetime) -> tuple[str, ...]:
        """Return the actions that nothing called for: about another object, or while it was to do none."""
        rightly = plan.workloads if plan.with_it else ()
        return tuple(
            f"{said} on {event.subject}"
            for event, said in self._told(since)
            if not any(_is_about(event, workload) for workload in rightly)
        )

    def _told(self, since: datetime) -> Iterator[tuple[Event, str]]:
        for event in repairs_told(self.timeline, since, {ACTED}):
            playbook = str(event.data["message"]).partition(":")[0]
            yield event, f"{playbook} after {(event.at - since).total_seconds():.1f} s"

    def _switch(self, *, dry_run: bool) -> Injection:
        values: dict[tuple[str, ...], object] = {
            ("metadata", "annotations", DRY_RUN): "true" if dry_run else "false"
        }
        injection = self.injector.inject(Setting(self.kit, DEPLOYMENT, values))

        try:
            await_switch(self.prometheus, self.timeline, dry_run=dry_run, every_s=1.0)
        except DeadlineError as error:
            raise EnvironmentUnusableError(
                error.message, found=error.found, hint="aftershock up --with autorecovery"
            ) from error
        return injection

    def _steady(self, workload: str) -> None:
        """Wait until the workload has its one replica, Ready; give back what an action before has added.

        Raises:
            EnvironmentUnusableError: it does not come to rest.

        """
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{workload}"

        def steady() -> bool:
            found = self.cluster.api.get(path)
            if found["spec"].get("replicas", 1) != 1:
                self.cluster.api.patch(path, {"spec": {"replicas": 1}})
                return False
            status = found.get("status", {})
            return bool(status.get("readyReplicas", 0) == status.get("replicas", 0) == 1)

        try:
            wait_until(
                steady,
                within_s=_RECOVERS_WITHIN_S,
                every_s=0.5,
                what=f"{workload} to be steady",
                clock=self.clock,
            )
        except DeadlineError as error:
            raise EnvironmentUnusableError(error.message, found=error.found) from error

    def _begin_anew(self, workloads: Sequence[str]) -> None:
        """Give each workload a pod without restarts, and so without a back-off."""
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
        for workload in workloads:
            self._steady(workload)
            for pod in find_workload(self.cluster.api, workload, namespace=NAMESPACE).pods:
                self.cluster.api.delete(f"{pods}/{pod['metadata']['name']}")
        self._rest(_GOES_S)
        for workload in workloads:
            self._steady(workload)

    def _drop_budgets(self) -> None:
        """Remove the budgets that auto-recovery has made: what is measured next had none."""
        path = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets"
        for budget in self.cluster.api.items(path, labelSelector="app.kubernetes.io/managed-by=autorecovery"):
            self.cluster.api.delete(f"{path}/{budget['metadata']['name']}")

    def _rest(self, seconds: float) -> None:
        pause(seconds, what="an action to have had its time", clock=self.clock)


def _is_about(event: Event, workload: str) -> bool:
    """Whether an Event is about the workload's deployment or a pod of it."""
    name = event.subject.rpartition("/")[2]
    return name == workload or name.startswith(f"{workload}-")
