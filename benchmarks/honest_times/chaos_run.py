"""The same outages under `chaos run`: its HTTP probe as a hypothesis that is checked continuously.

It gives no durations; from its journal, the nearest to one is from the first check that failed
to the first that succeeded after. It is given what is best for it: its continuous strategy, a
process for every pod, and the pace of our own probe (it pauses that long after each check).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aftershock.clock import from_rfc3339, wait_until
from aftershock.cluster.api import Json
from aftershock.errors import CommandError
from benchmarks.chaos import chaos_run
from benchmarks.honest_times.driven_pods import DrivenPod
from benchmarks.honest_times.errors import Reading
from benchmarks.honest_times.measuring import Driven, drive, windows
from benchmarks.honest_times.trials import Schedule

__all__ = ["DEFAULT_PACE_S", "OUR_PACE_S", "Check", "chaos_readings", "checks_in", "experiment", "watch"]

OUR_PACE_S = 0.05
DEFAULT_PACE_S = 1.0

_CONTINUOUSLY = ("--hypothesis-strategy", "continuously", "--hypothesis-frequency")
_METHOD_BEGUN = "Pausing after activity"
_BEGIN_WITHIN_S = 120.0
_SPARE_S = 45.0  # between the first process that has begun and the last
_TAIL = 15


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of the hypothesis: when it began, and whether it was met."""

    at: datetime
    met: bool


def watch(
    pods: Sequence[DrivenPod], schedules: Sequence[Schedule], *, paces_s: Sequence[float], folder: Path
) -> tuple[list[Driven], dict[tuple[str, float], list[Check]]]:
    """Drive the pods while a `chaos run` for each pod and pace looks on; return its checks by both.

    Raises:
        CommandError: one did not begin, or did not come to its end.

    """
    lasting_s = max(schedule.length_s for schedule in schedules) + _SPARE_S
    with ExitStack() as stack:
        runs = {
            (pod.name, pace_s): stack.enter_context(_run(pod, pace_s, lasting_s, folder))
            for pod in pods
            for pace_s in paces_s
        }
        wait_until(
            lambda: all(run.begun() for run in runs.values()),
            within_s=_BEGIN_WITHIN_S,
            what="every `chaos run` to be in its method",
        )
        driven = drive(pods, schedules)
        wait_until(
            lambda: all(run.ended() for run in runs.values()),
            within_s=lasting_s,
            every_s=1.0,
            what="every `chaos run` to end",
        )
    return driven, {key: checks_in(json.loads(run.journal.read_text())) for key, run in runs.items()}


def experiment(pod: DrivenPod, *, lasting_s: float) -> Json:
    """Return an experiment that does nothing for so long, while its hypothesis is that the pod answers."""
    return {
        "title": f"{pod.name} answers",
        "description": "Outages come from elsewhere; the hypothesis is to notice them.",
        "steady-state-hypothesis": {
            "title": f"{pod.name} answers",
            "probes": [
                {
                    "type": "probe",
                    "name": "answers",
                    "tolerance": 200,
                    "provider": {"type": "http", "url": pod.url, "timeout": 1},
                }
            ],
        },
        "method": [
            {
                "type": "probe",
                "name": "look on",
                "provider": {"type": "http", "url": f"{pod.control}/flips", "timeout": 5},
                "pauses": {"after": round(lasting_s, 1)},
            }
        ],
        "rollbacks": [],
    }


def checks_in(journal: Json) -> list[Check]:
    """Return what a journal holds of the continuous hypothesis, oldest first."""
    return [
        Check(at=from_rfc3339(state["probes"][0]["start"]), met=bool(state["steady_state_met"]))
        for state in journal["steady_states"]["during"]
    ]


def chaos_readings(driven: Driven, checks: Sequence[Check], *, condition: str, method: str) -> list[Reading]:
    """Return what the checks of one pod say of each of its outages."""
    readings = []
    for window in windows(driven):
        within = [check for check in checks if window.since <= check.at < window.until]
        failed = next((check.at for check in within if not check.met), None)
        again = next((check.at for check in within if failed and check.met and check.at > failed), None)
        readings.append(
            Reading(
                condition=condition,
                method=method,
                kind=window.kind,
                pod=driven.pod.name,
                true_s=window.true.length_s,
                measured_s=(again - failed).total_seconds() if again and failed else None,
            )
        )
    return readings


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One process of Chaos Toolkit's."""

    process: subprocess.Popen[bytes]
    log: Path
    journal: Path

    def begun(self) -> bool:
        self._check(running=True)
        return _METHOD_BEGUN in self.log.read_text(encoding="utf-8")

    def ended(self) -> bool:
        self._check(running=False)
        return self.process.poll() is not None

    def _check(self, *, running: bool) -> None:
        code = self.process.poll()
        # Its own answer to a hypothesis that failed on the way may be 0 or 1.
        if code is None or (not running and self.journal.exists()):
            return
        tail = self.log.read_text(encoding="utf-8").splitlines()[-_TAIL:]
        raise CommandError("`chaos run` failed", command=["chaos", "run"], code=code, tail=tail)


@contextmanager
def _run(pod: DrivenPod, pace_s: float, lasting_s: float, folder: Path) -> Iterator[_Run]:
    stem = folder / f"{pod.name}-{pace_s:g}"
    source, log, journal = (stem.with_name(stem.name + end) for end in (".json", ".log", ".journal.json"))
    journal.unlink(missing_ok=True)
    source.write_text(json.dumps(experiment(pod, lasting_s=lasting_s)), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            chaos_run(source, *_CONTINUOUSLY, str(pace_s), journal=journal),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield _Run(process=process, log=log, journal=journal)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
