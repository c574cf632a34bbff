"""Scaling: that the HPA did what its formula says for what we measured, and that it helped."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from aftershock.clock import wait_until
from aftershock.cluster.quantity import canonical
from aftershock.cluster.targets import Target
from aftershock.errors import DeadlineError, EnvironmentUnusableError, FeatureError
from aftershock.judge.question import Question
from aftershock.judge.scaling import cpu_passed, scaled_by_formula
from aftershock.judge.scaling_stages import scaling_accounted_for
from aftershock.judge.scaling_troubles import hpa_in_trouble
from aftershock.judge.serving import added_replicas_serve
from aftershock.judge.sizes import not_flapping, returned_to, scaled_to_at_least, stayed_at_most
from aftershock.observe.first_served import FirstServed
from aftershock.observe.served import record_served
from aftershock.report.plots.scaling import write_scaling_plot
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
        self._asked: Counter[str] = Counter()

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
        namespace = self._service(workload).partition("/")[0]

        def look() -> None:
            record_served(
                self.stage.api,
                self.stage.timeline,
                namespace=namespace,
                selector=f"app={workload}",
                port=STATUS_PORT,
                asked=self._asked,
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

    def scales_to(self, workload: str, *, replicas: int, within_s: float) -> None:
        """Hold that so many replicas were wanted within `within_s` of the load's first request."""
        since = self._since()
        self.stage.judged(
            Question.of(
                scaled_to_at_least,
                hpa=self._hpa(workload),
                replicas=replicas,
                within_s=within_s,
                since=since,
            ),
            by=since + timedelta(seconds=within_s),
        )

    def stays_at_most(self, workload: str, *, replicas: int) -> None:
        """Hold that never more were wanted, from the load's first request to now."""
        question = Question.of(
            stayed_at_most, hpa=self._hpa(workload), replicas=replicas, since=self._since()
        )
        self.stage.hold(question)

    def returns_to(self, workload: str, *, replicas: int, within_s: float) -> None:
        """Hold that so few were wanted again within `within_s` of the load's end."""
        self._since()
        self.traffic.finish()
        ended = self.stage.timeline.select(source="load", kind="load-ended")[-1].at
        self.stage.judged(
            Question.of(
                returned_to, hpa=self._hpa(workload), replicas=replicas, within_s=within_s, since=ended
            ),
            by=ended + timedelta(seconds=within_s),
        )

    def does_not_flap(self, workload: str) -> None:
        """Hold that nothing was turned back too soon, from the load's first request to now."""
        self.stage.hold(Question.of(not_flapping, hpa=self._hpa(workload), since=self._since()))

    def in_trouble(self, workload: str, *, trouble: str, within_s: float) -> None:
        """Hold that what is wrong with the HPA is seen within `within_s`, of the load or the last fault."""
        since = self.traffic.loaded_at or self.stage.after_fault(0.0)
        self.stage.judged(
            Question.of(
                hpa_in_trouble, hpa=self._hpa(workload), trouble=trouble, within_s=within_s, since=since
            ),
            by=since + timedelta(seconds=within_s),
        )

    def accounted_for(self, workload: str) -> None:
        """Hold that every stage of the first scale-up is known; draw it for the report."""
        since, hpa = self._since(), self._hpa(workload)
        question = Question.of(scaling_accounted_for, hpa=hpa, service=workload, since=since)
        path = self.stage.folder / f"scaling-{workload}.svg"
        # Drawn when the scenario closes: what comes after the first scale-up belongs to it.
        self.stage.keep(
            lambda: write_scaling_plot(
                path, tuple(self.stage.timeline), hpa=hpa, service=workload, since=since
            )
        )
        self.stage.judged(question, by=self._load_ends())

    def aims_at(self, workload: str, *, per_pod: float) -> None:
        """Set the target of the pods' own metric of the HPA, until the scenario ends.

        Raises:
            FeatureError: it has no such metric.

        """
        subject = f"horizontalpodautoscaler/{self._service(workload)}"
        metrics = self.stage.api.get(Target.path_of(subject))["spec"]["metrics"]
        if not any(metric["type"] == "Pods" for metric in metrics):
            raise FeatureError(
                f"the HPA of {workload} goes by no metric that its pods export",
                hint="aftershock up --with custom-metrics gives sample-app one",
            )
        place = ("spec", "metrics", "type=Pods", "pods", "target", "averageValue")
        self.stage.sets(subject, {place: canonical(per_pod)})

    def rests(self, workload: str) -> None:
        """Wait until the HPA has metrics and the workload is at its minimum; then see when new pods serve.

        Raises:
            EnvironmentUnusableError: it does not get there; earlier load may still be felt.

        """
        service = self._service(workload)
        path = Target.path_of(f"horizontalpodautoscaler/{service}")

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
        serving = FirstServed(
            self.stage.api,
            self.stage.timeline,
            namespace=service.partition("/")[0],
            selector=f"app={workload}",
            port=STATUS_PORT,
            asked=self._asked,
        )
        serving.start()
        self.stage.keep(serving.stop)

    def _hpa(self, workload: str) -> str:
        return f"hpa/{self._service(workload)}"

    def _service(self, workload: str) -> str:
        service = next((name for name in self.stage.cluster.services if name.endswith(f"/{workload}")), "")
        if not service:
            raise FeatureError(f"there is no {workload!r} whose service can be reached from here")
        return service

    def _since(self) -> datetime:
        if self.traffic.loaded_at is None:
            raise FeatureError("there is no load yet", hint="a step has to start one first")
        return self.traffic.loaded_at

    def _load_ends(self) -> datetime:
        left = self.traffic.load.left_s if self.traffic.load else 0.0
        return self.stage.timeline.clock.now() + timedelta(seconds=left)
