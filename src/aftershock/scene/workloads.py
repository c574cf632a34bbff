"""Workloads: steady, broken, recovered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from aftershock.clock import wait_until
from aftershock.cluster.controllers import CONTROLLERS, controllers_of
from aftershock.cluster.stack import is_ready
from aftershock.cluster.targets import Amount, Target, collection
from aftershock.errors import DeadlineError, EnvironmentUnusableError, FaultError, FeatureError
from aftershock.faults.out_of_memory import OutOfMemory
from aftershock.judge.question import Question
from aftershock.judge.recovery import CONFIRM_S, recovered_within
from aftershock.judge.world import Owners
from aftershock.observe.replicas import record_ready_replicas
from aftershock.scene.acts import Breaks
from aftershock.scene.stage import Stage

__all__ = ["Workloads"]

STEADY_WITHIN_S = 60.0
# Two scrapes after the recovery, of the stack's five seconds: the first shows it, the next that it lasts.
SCRAPED_WITHIN_S = 15.0


class Workloads:
    """What a scenario does to deployments and expects of them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.broken: list[str] = []

    def are_steady(self, namespace: str) -> None:
        """Wait until every deployment of `namespace` is as specified, but those that others disturb now.

        Raises:
            EnvironmentUnusableError: it does not become so; nothing was injected.

        """

        def unready() -> list[str]:
            found = self.stage.api.items(collection("deployment", namespace))
            if not found:
                raise FeatureError(f"namespace {namespace!r} has no deployment", hint="check its name")
            beside = self.stage.beside()
            names = {item["metadata"]["name"]: item for item in found}
            return [
                name
                for name, item in names.items()
                if f"{namespace}/{name}" not in beside and not is_ready({**item, "kind": "Deployment"})
            ]

        try:
            wait_until(
                lambda: not unready(),
                within_s=STEADY_WITHIN_S,
                what=f"{namespace} to be steady",
                clock=self.stage.timeline.clock,
            )
        except DeadlineError as error:
            raise EnvironmentUnusableError(
                f"{namespace} is not in its steady state", found=f"not ready: {', '.join(unready())}"
            ) from error

    def run_out_of_memory(self, workload: str, *, amount: Amount) -> None:
        """Have the kernel kill the application in `amount` pods for want of memory; proven."""
        fault = OutOfMemory(self.stage.tools, workload=workload, count=amount.count, share=amount.share)
        injection = self.stage.inject(fault)
        self.broken = self._makers(injection.plan.targets)

    def are_broken(self, act: Breaks) -> None:
        """Inject the fault of `act`, proven; what makes the pods that it hits is what `recover` is about."""
        injection = self.stage.inject(act.fault(self.stage.ground))
        made_by: list[str] = list(injection.plan.undo.get("controllers", ()))
        touched = [str(target) for target in injection.plan.targets if target.kind in CONTROLLERS]
        pods = [target for target in injection.plan.targets if target.kind == "pod"]
        self.broken = sorted({*made_by, *touched}) or self._makers(pods)

    def recover(self, workload: str, *, within_s: float) -> None:
        """Hold that what a fault broke of `workload` is whole again within `within_s`.

        That is the controller of that name; where none is called so, each that was broken.
        """
        if not self.broken:
            raise FeatureError(f"nothing happened to {workload}", hint="a When step has to break it first")
        named = [controller for controller in self.broken if controller.endswith(f"/{workload}")]
        for deployment in named or self.broken:
            known = deployment.startswith("deployment/")
            question = Question.of(
                recovered_within,
                workload=deployment,
                within_s=within_s,
                wanted=None if known else self._wanted(deployment),
                url=self._watched(),
            )
            self.stage.judged(
                question,
                by=self.stage.after_fault(within_s) + timedelta(seconds=CONFIRM_S),
                settle=partial(self._by_prometheus, deployment) if known else None,
            )

    def _wanted(self, controller: str) -> int:
        """Return how many pods it asks for; the record tells this of Deployments alone."""
        return int(self.stage.api.get(Target.path_of(controller))["spec"].get("replicas", 1))

    def _watched(self) -> str | None:
        """Return what a client watches in this scenario: its clock stands beside the verdict."""
        probing = self.stage.timeline.select(source="client", kind="probing")
        return probing[0].subject if probing else None

    def _by_prometheus(self, deployment: str) -> None:
        """Record what Prometheus saw, once its own samples show a healthy streak."""
        record_ready_replicas(
            self.stage.prometheus,
            self.stage.timeline,
            workload=deployment,
            since=self.stage.opened,
            past=self.stage.timeline.clock.now(),
            confirm_s=CONFIRM_S,
            within_s=SCRAPED_WITHIN_S,
        )

    def _makers(self, pods: Iterable[Target]) -> list[str]:
        """Return what makes the pods again, as kind/namespace/name, sorted.

        Raises:
            FaultError: one is gone already, and the record does not show whose it was.

        """
        found = {pod: self.stage.api.find(pod.path) for pod in pods}
        gone = [self._recorded_maker(pod) for pod, item in found.items() if item is None]
        there = [item for item in found.values() if item is not None]
        return sorted({*gone, *controllers_of(self.stage.api, there)})

    def _recorded_maker(self, pod: Target) -> str:
        """Return what made a pod that somebody has replaced since."""
        seen = self.stage.timeline.select(
            source="kubernetes", kind="pod", where=lambda event: event.data["uid"] == pod.uid
        )
        if not seen:
            raise FaultError(f"{pod} is gone, and the record does not show what made it")
        return Owners(self.stage.timeline).workload(seen[-1].data)
