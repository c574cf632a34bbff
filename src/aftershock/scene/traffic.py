"""Traffic: load by Locust, the client's probe, and whether the service answered."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from aftershock.clock import SystemClock, format_duration
from aftershock.config import project_root
from aftershock.errors import ConfigError, FeatureError
from aftershock.judge.error_budget import budget_kept, budget_of
from aftershock.judge.load import answered_at_least, failures_below, latency_below, load_report
from aftershock.judge.load_record import Phase
from aftershock.judge.maintenance import service_answered
from aftershock.judge.question import Question
from aftershock.load.driver import Driver
from aftershock.load.hosts import with_services
from aftershock.load.locust import Locust
from aftershock.load.spec import Demand, LoadSpec
from aftershock.load.swarm import Swarm
from aftershock.observe.client_probe import ClientProbe
from aftershock.observe.poller import Poller
from aftershock.scene.objectives import availabilities, availability_of
from aftershock.scene.stage import Stage
from aftershock.scene.swarming import inside_url, worker_image
from aftershock.verdict import Verdict

__all__ = ["Traffic"]

LOOK_EVERY_S = 0.5


class Traffic:
    """What users do, and what they see."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.load: Driver | None = None
        self.loads: dict[str, list[Driver]] = {}
        self.loaded_at: datetime | None = None
        self.probing: dict[str, datetime] = {}

    def start(self, locustfile: Path, demand: Demand, *, duration_s: float) -> None:
        """Start that load on the service of the locustfile's name; return when requests flow."""
        workload = locustfile.stem.replace("_", "-")
        earlier = self.loads.setdefault(workload, [])
        service = self._service(workload)
        outside = self.url(service)
        spec = LoadSpec(
            locustfile=locustfile,
            host=inside_url(self.stage.api, service) if demand.workers else outside,
            demand=demand,
            spawn_rate=float(max(1, demand.users)),
            duration_s=duration_s,
            number=len(earlier) + 1,
        )
        self.load = self._driver(spec, workload)
        self.loaded_at = self.stage.timeline.clock.now()
        self.stage.keep(self._write_report)
        self.stage.keep(self.load.stop)
        self.load.start()
        earlier.append(self.load)
        looks = Poller(self.load.look, every_s=LOOK_EVERY_S, what=spec.subject, clock=SystemClock())
        looks.start()
        self.stage.keep(looks.stop)

    def _driver(self, spec: LoadSpec, workload: str) -> Driver:
        common: dict[str, Any] = {
            "folder": self.stage.folder,
            "timeline": self.stage.timeline,
            "progress": lambda text: self.stage.say(f"load on {workload}: {text}"),
        }
        if not spec.demand.workers:
            return Locust(spec, settings=with_services(self.stage.settings, self.stage.cluster), **common)
        image = partial(worker_image, self.stage.cluster, self.stage.settings)
        return Swarm(spec, api=self.stage.api, image=image, **common)

    def finish(self, workload: str | None = None) -> Driver:
        """Wait for the load (on `workload`; the last one if there are several) to end by itself."""
        load = next(iter(self.loads.get(workload, [])[-1:]), None) if workload else self.load
        if load is None:
            raise FeatureError(
                f"there is no load on {workload}" if workload else "there is no load to wait for",
                expected=", ".join(self.loads) or "a load",
                hint="a step has to start one first",
            )
        load.wait()
        return load

    def go_on(self, seconds: float) -> None:
        """Let `seconds` pass under load.

        Raises:
            FeatureError: there is no load, or it ends before.
            CommandError: Locust broke off.

        """
        if self.load is None:
            raise FeatureError("there is no load to go on", hint="a step has to start one first")
        if seconds > self.load.left_s:
            raise FeatureError(
                "the load ends before that",
                expected=f"at least {format_duration(seconds)} of it",
                found=f"{format_duration(self.load.left_s)} are left",
                hint="let it last longer",
            )
        self.load.go_on(seconds)

    def stays_below(self, workload: str, *, percent: float, limit_s: float, phase: Phase) -> None:
        """Hold the latency of the load on `workload`, when it has ended."""
        self.stage.hold(
            Question.of(
                latency_below,
                load=self.finish(workload).spec.subject,
                percent=percent,
                limit_ms=limit_s * 1000,
                phase=phase,
            )
        )

    def fail_below(self, workload: str, *, percent: float, phase: Phase) -> None:
        """Hold the share of requests to `workload` that failed, when the load has ended."""
        load = self.finish(workload).spec.subject
        self.stage.hold(Question.of(failures_below, load=load, percent=percent, phase=phase))

    def answers(self, workload: str, *, rps: float, phase: Phase) -> None:
        """Hold how many requests `workload` answered well per second, when the load has ended."""
        load = self.finish(workload).spec.subject
        self.stage.hold(Question.of(answered_at_least, load=load, rps=rps, phase=phase))

    def watch(self, workload: str) -> None:
        """Ask the service as a user would, many times a second, until the scenario ends."""
        url = self.url(self._service(workload))
        probe = ClientProbe(url, self.stage.timeline, rate=self.stage.settings.probe_rate)
        self.probing[workload] = self.stage.timeline.clock.now()
        probe.start()
        self.stage.keep(probe.stop)

    def answered(self, workload: str) -> None:
        """Hold that every request of the probe was answered, since it began."""
        if workload not in self.probing:
            raise FeatureError(
                f"nobody watched {workload}", hint=f'say "Given a client watches {workload}" first'
            )
        url = self.url(self._service(workload))
        self.stage.hold(Question.of(service_answered, url=url, since=self.probing[workload]))

    def spends(self, workload: str, *, percent: float) -> Verdict:
        """Hold that users of `workload` lost at most `percent` of the month's error budget since they watch.

        The objective is that of the service's file in stack/monitoring/slo, for availability.
        """
        if workload not in self.probing:
            raise FeatureError(
                f"nobody watched {workload}", hint=f'say "Given a client watches {workload}" first'
            )
        objective = availability_of(workload, root=project_root())
        return self.stage.hold(
            Question.of(
                budget_kept,
                url=self.url(self._service(workload)),
                load=f"load/{workload.replace('-', '_')}",
                at_most=percent / 100,
                target=objective.target,
                window_s=objective.window_s,
                since=self.probing[workload],
            )
        )

    def url(self, service: str) -> str:
        """Return where this machine reaches `service` ("namespace/name").

        Raises:
            FeatureError: it is not reachable from here.

        """
        if service not in self.stage.cluster.services:
            raise FeatureError(
                f"no service {service!r} can be reached from this machine",
                expected=", ".join(self.stage.cluster.services) or "a service mapped to 127.0.0.1",
            )
        return f"{self.stage.cluster.services[service]}/"

    def _service(self, workload: str) -> str:
        found = [name for name in self.stage.cluster.services if name.endswith(f"/{workload}")]
        return found[0] if found else workload

    def _write_report(self) -> None:
        """Write what the loads came to, by phase, for the report."""
        lines = load_report(self.stage.timeline)
        (self.stage.folder / "load.txt").write_text("\n".join(lines), encoding="utf-8")

    def write_budgets(self) -> None:
        """Write what the scenario spent of the error budgets of the services that were asked."""
        services = self.stage.cluster.services
        lines: list[str] = []
        try:
            for service, objective in availabilities(root=project_root()).items():
                budget = budget_of(
                    self.stage.timeline,
                    service=service,
                    url=f"{services.get(self._service(service), '')}/",
                    load=f"load/{service.replace('-', '_')}",
                    target=objective.target,
                    window_s=objective.window_s,
                )
                if budget:
                    lines += budget.lines()
                    self.stage.timeline.record("harness", "budget", service, **budget.to_dict())
        except ConfigError as error:  # a broken file costs the report a page, not the scenario its verdicts
            lines = [str(error)]
        if lines:
            (self.stage.folder / "budget.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
