"""Scaling: that the HPA did what its formula says for what we measured, and that it helped."""

from __future__ import annotations

from datetime import datetime, timedelta

from aftershock.clock import wait_until
from aftershock.errors import DeadlineError, EnvironmentUnusableError, FeatureError
from aftershock.judge.question import Question
from aftershock.judge.scaling import cpu_passed, scaled_by_formula
from aftershock.judge.serving import added_replicas_serve
from aftershock.observe.served import record_served
from aftershock.scene.stage import Stage
from aftershock.scene.traffic import Traffic

__all__ = ["Scaling"]

STATUS_PORT = 8080
# A scale-down waits 300 s for its stabilisation window in profile nightly, then goes in steps.
RESTS_WITHIN_S = 600.0


class Scaling:
    """What a scenario says of one HPA, by the name of the workload that it scales."""

    def __init__(self, stage: Stage, traffic: Traffic) -> None:
        self.stage = stage
        self.traffic = traffic

    def passes(self, workload: str, *, percent: float) -> None:
        """Hold that the workload's CPU passes `percent` of its requests while the load lasts."""
        since = self._since()
        self.stage.judged(
            Question.of(cpu_passed, hpa=self._hpa(workload), percent=percent, since=since),
            by=self._load_ends(),
        )

    def follows_formula(self, workload: str) -> None:
        """Hold, over the whole load, that each resize is the formula's and none is missing."""
        since = self._since()
        self.traffic.finish()
        self.stage.hold(Question.of(scaled_by_formula, hpa=self._hpa(workload), since=since))

    def added_serve(self, workload: str, *, within_s: float) -> None:
        """Hold that every added replica was Ready, and answered requests, within `within_s`."""
        since = self._since()
        namespace = self._hpa(workload).split("/")[1]

        def look() -> None:
            record_served(
                self.stage.api,
                self.stage.timeline,
                namespace=namespace,
                selector=f"app={workload}",
                port=STATUS_PORT,
            )

        self.stage.judged(
            Question.of(
                added_replicas_serve,
                workload=f"deployment/{namespace}/{workload}",
                service=workload,
                within_s=within_s,
                since=since,
            ),
            by=self.stage.timeline.clock.now(),
            look=look,
        )

    def rests(self, workload: str) -> None:
        """Wait until the HPA has metrics and the workload is at its minimum.

        Raises:
            EnvironmentUnusableError: it does not get there; earlier load may still be felt.

        """
        namespace, name = self._hpa(workload).split("/")[1:]
        path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}"

        def resting() -> bool:
            hpa = self.stage.api.get(path)
            measured = bool(hpa["status"].get("currentMetrics"))
            return measured and hpa["status"].get("currentReplicas") == hpa["spec"]["minReplicas"]

        try:
            wait_until(
                resting,
                within_s=RESTS_WITHIN_S,
                every_s=1,
                what=f"{workload} to be at its minimum of replicas",
                clock=self.stage.timeline.clock,
            )
        except DeadlineError as error:
            raise EnvironmentUnusableError(
                f"the HPA of {workload} does not come to rest", found=error.found
            ) from error

    def _hpa(self, workload: str) -> str:
        service = next((name for name in self.stage.cluster.services if name.endswith(f"/{workload}")), "")
        if not service:
            raise FeatureError(f"there is no {workload!r} whose service can be reached from here")
        return f"hpa/{service}"

    def _since(self) -> datetime:
        if self.traffic.loaded_at is None:
            raise FeatureError("there is no load yet", hint="a step has to start one first")
        return self.traffic.loaded_at

    def _load_ends(self) -> datetime:
        left = self.traffic.load.left_s if self.traffic.load else 0.0
        return self.stage.timeline.clock.now() + timedelta(seconds=left)
