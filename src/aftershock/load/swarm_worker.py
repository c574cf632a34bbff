"""One of Locust's workers in the cluster, seen from here: its log as it grows, and its clock."""

from __future__ import annotations

from pathlib import Path

from aftershock.clock import Clock
from aftershock.cluster.api import KubeApi
from aftershock.cluster.own import PODS
from aftershock.load.progress import LogTail
from aftershock.load.request_log import RequestLog, read_log
from aftershock.load.swarm_manifests import PORT

__all__ = ["Worker"]

LOOKS = 5


class Worker:
    """One worker: its pod, what was fetched of its log, and its clock."""

    def __init__(self, api: KubeApi, pod: str, log: Path) -> None:
        self.api = api
        self.pod = pod
        self.path = log
        self.tail = LogTail(log)
        self.offset_s = 0.0
        self.error_s = 0.0
        self.ends = False
        log.unlink(missing_ok=True)
        self._fetched = 0

    def ask(self, path: str) -> str:
        """Ask the worker, through the API server."""
        return self.api.text(f"{PODS}/{self.pod}:{PORT}/proxy/{path}")

    def read_clock(self, clock: Clock) -> None:
        """Measure how far our monotonic clock is ahead of its own: by the quickest of several answers."""
        best: tuple[float, float] | None = None
        for _ in range(LOOKS):
            asked = clock.monotonic()
            theirs = float(self.ask("clock").split()[1])
            took = clock.monotonic() - asked
            if best is None or took < best[0]:
                best = took, asked + took / 2 - theirs
        assert best is not None  # there was a look
        self.error_s, self.offset_s = best[0] / 2, best[1]

    def fetch(self) -> None:
        """Take in what was written since."""
        while chunk := self.ask(f"log?from={self._fetched}"):
            with self.path.open("a", encoding="utf-8") as file:
                file.write(chunk)
            self._fetched += len(chunk.encode())
            self.ends = self.ends or "\n#done\n" in chunk or "\n#end\t" in chunk or chunk.startswith("#done")
        self.tail.read()

    def whole(self) -> RequestLog:
        """Return its log by our clock."""
        return read_log(self.path).moved(self.offset_s)
