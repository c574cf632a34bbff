"""Traffic: load by Locust, the client's probe, and whether the service answered."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from aftershock.errors import FeatureError
from aftershock.judge.maintenance import service_answered
from aftershock.judge.question import Question
from aftershock.load.locust import Locust
from aftershock.load.progress import Progress
from aftershock.load.spec import LoadSpec
from aftershock.observe.client_probe import ClientProbe
from aftershock.scene.stage import Stage

__all__ = ["Traffic"]


class Traffic:
    """What users do, and what they see."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.load: Locust | None = None
        self.loaded_at: datetime | None = None
        self.probing: dict[str, datetime] = {}

    def start(self, locustfile: Path, *, users: int, rate: float, duration_s: float) -> None:
        """Start `users` users, each asking `rate` times a second; return when requests flow."""
        service = self._service(locustfile.stem.replace("_", "-"))
        spec = LoadSpec(
            locustfile=locustfile,
            host=self.url(service),
            users=users,
            spawn_rate=float(users),
            rate_per_user=rate,
            duration_s=duration_s,
        )
        self.load = Locust(
            spec,
            folder=self.stage.folder,
            settings=self.stage.settings,
            timeline=self.stage.timeline,
            progress=self._show,
        )
        self.loaded_at = self.stage.timeline.clock.now()
        self.stage.keep(self.load.stop)
        self.load.start()

    def finish(self) -> None:
        """Wait for the load to end by itself."""
        if self.load is None:
            raise FeatureError("there is no load to wait for", hint="a step has to start one first")
        self.load.wait()

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

    def _show(self, progress: Progress) -> None:
        print(f"load: {progress}")  # noqa: T201 - for the person at the terminal; pytest keeps it with the scenario
