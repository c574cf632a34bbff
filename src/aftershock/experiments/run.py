"""Chaos Toolkit experiments: checked before anything runs, run as a process of their own.

An experiment is executable code: a `python` provider calls any function, a `process`
provider runs any command. So providers other than Aftershock's own functions need to be
allowed by name, and what an experiment calls is checked against what is there.

`chaos run` exits 0 although an action failed, or the steady state was lost during the method; it
skips rollbacks by default, and looks at the steady state before and after only. Here rollbacks
always run, the steady state is looked at throughout, and the journal it writes, not its exit
code, says what happened.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from aftershock.clock import Clock, SystemClock, format_duration, wait_until
from aftershock.errors import DeadlineError, FaultError
from aftershock.experiments.file import Experiment, read_experiment
from aftershock.experiments.record import record_experiment
from aftershock.redaction import clean
from aftershock.timeline import Timeline, read_timeline

__all__ = ["ExperimentResult", "run_experiment"]

TAIL_LINES = 15
ROLLBACKS_WITHIN_S = 90.0
SIGNALS = 5
HEARD_WITHIN_S = 3.0
ROLLING_BACK = b"Let's rollback"


@dataclass(frozen=True, kw_only=True)
class ExperimentResult:
    """A completed experiment: everything it did worked.

    `deviated` says that the steady state did not hold after the method. Whether it held during
    the method stands in the journal, and in the timeline.
    """

    title: str
    deviated: bool
    journal: Mapping[str, Any]
    journal_path: Path
    log_path: Path


def run_experiment(
    path: Path,
    *,
    folder: Path,
    run_dir: Path,
    timeline: Timeline | None = None,
    allowed: Collection[str] = (),
    timeout_s: float = 600.0,
    every_s: float = 1.0,
    env: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> ExperimentResult:
    """Check the experiment at `path`, run it, and return what its journal says.

    `folder` is the scenario's: journal, log and the experiment's own timeline are written
    there. The latter is added to `timeline`, and with it whether the steady state held.
    `run_dir` is the run's folder, whose journal.jsonl the experiment's faults enter. `allowed`
    names providers beyond ours, as "process", "http" or a Python module. During the method the
    steady state is looked at again `every_s` seconds after each look.

    Raises:
        UsageError: the file is wrong, or needs a provider that is not allowed; nothing ran.
        FaultError: it failed, was interrupted, took longer than `timeout_s`, or its steady
            state did not hold before, so that nothing was injected.

    """
    experiment = read_experiment(path, allowed=allowed)
    run = _Run(
        journal=folder / f"{path.stem}.journal.json",
        log=folder / f"{path.stem}.log",
        timeline=folder / f"{path.stem}.timeline.jsonl",
    )
    environment = {
        **os.environ,
        **(env or {}),
        "AFTERSHOCK_RUN_DIR": str(run_dir.resolve()),
        "AFTERSHOCK_EXPERIMENT_TIMELINE": str(run.timeline.resolve()),
    }
    try:
        _run(
            _command(path, run, every_s),
            log=run.log,
            env=environment,
            timeout_s=timeout_s,
            clock=clock or SystemClock(),
        )
    finally:
        clean(run.journal, run.log)
        if timeline is not None and run.timeline.exists():
            for event in read_timeline(run.timeline):
                timeline.append(event)
    result = _result(experiment, run)
    if timeline is not None:
        record_experiment(result.journal, timeline, title=result.title, path=result.journal_path)
    return result


@dataclass(frozen=True, kw_only=True)
class _Run:
    """The files of one run of an experiment."""

    journal: Path
    log: Path
    timeline: Path


def _command(path: Path, run: _Run, every_s: float) -> list[str]:
    # /dev/null as settings: what a user has configured for Chaos Toolkit must not change a verdict.
    return [
        *(
            sys.executable,
            "-m",
            "chaostoolkit",
            "--no-version-check",
            "--no-log-file",
            "--settings",
            os.devnull,
        ),
        *(
            "run",
            "--rollback-strategy",
            "always",
            "--hypothesis-strategy",
            "continuously",
            "--hypothesis-frequency",
            f"{every_s:g}",
            "--journal-path",
            str(run.journal.resolve()),
            str(path.resolve()),
        ),
    ]


def _run(command: list[str], *, log: Path, env: Mapping[str, str], timeout_s: float, clock: Clock) -> None:
    """Run to the end. Whatever ends the wait, the process gets the time to roll back, then none.

    Raises:
        FaultError: it took longer than `timeout_s`.

    """
    started = clock.monotonic()
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches the harness first, which then ends this in order.
        process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        took = format_duration(clock.monotonic() - started)
        raise FaultError(
            f"the experiment did not end within {format_duration(timeout_s)}",
            found=f"still running after {took}\n    " + _tail(log),
            hint=f"its log is {log}",
        ) from error
    finally:
        _end(process, log, clock)


def _end(process: subprocess.Popen[bytes], log: Path, clock: Clock) -> None:
    """Interrupt a process that still runs, so that it rolls back; kill its group if it does not end.

    Not by SIGINT: a harness started in the background passes "ignore SIGINT" on. Not by SIGTERM:
    an activity under way takes it for its own failure, and the method goes on. SIGUSR1 is Chaos
    Toolkit's own word for ending the method with rollbacks. An activity's pause comes whatever
    ended it, and is ended by the next signal; one that comes in the rollbacks would end those.
    """
    for _ in range(SIGNALS):
        if process.poll() is not None or ROLLING_BACK in log.read_bytes():
            break
        process.send_signal(signal.SIGUSR1)
        with suppress(DeadlineError):
            wait_until(
                lambda: process.poll() is not None or ROLLING_BACK in log.read_bytes(),
                within_s=HEARD_WITHIN_S,
                what="the rollbacks",
                clock=clock,
            )
    try:
        process.wait(timeout=ROLLBACKS_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _result(experiment: Experiment, run: _Run) -> ExperimentResult:
    """Read the journal, and tell a failed experiment from a deviated one.

    Raises:
        FaultError: it failed.

    """
    journal = _journal(run)
    status = journal["status"]
    steady = (journal.get("steady_states") or {}).get("before") or {}
    failed = [
        f"{entry['activity']['name']}: {(entry.get('exception') or ['no reason given'])[-1].strip()}"
        for part in ("run", "rollbacks")
        for entry in journal.get(part) or ()
        if entry["status"] != "succeeded"
    ]
    if steady.get("steady_state_met") is False:
        raise _failure(
            experiment, run, "its steady state did not hold before; nothing was injected", _unmet(steady)
        )
    if failed:
        raise _failure(experiment, run, f"{len(failed)} of its activities failed", failed)
    if status != "completed" and not (status == "failed" and journal["deviated"]):
        raise _failure(experiment, run, f"it ended as {status!r}", [_tail(run.log)])
    return ExperimentResult(
        title=experiment.title,
        deviated=bool(journal["deviated"]),
        journal=journal,
        journal_path=run.journal,
        log_path=run.log,
    )


def _journal(run: _Run) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.json.decode(run.journal.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise FaultError(
            "the experiment left no journal", found=_tail(run.log), hint=f"its log is {run.log}"
        ) from error
    return found


def _unmet(steady: Mapping[str, Any]) -> list[str]:
    return [
        f"{probe['activity']['name']}: {probe.get('output')!r} {(probe.get('exception') or [''])[-1].strip()}"
        for probe in steady.get("probes") or ()
        if not probe.get("tolerance_met")
    ]


def _failure(experiment: Experiment, run: _Run, what: str, found: list[str]) -> FaultError:
    return FaultError(
        f"the experiment {experiment.title!r} failed: {what}",
        expected="every activity succeeds",
        found="\n    ".join(found),
        hint=f"its log is {run.log}",
    )


def _tail(log: Path) -> str:
    with log.open(encoding="utf-8", errors="replace") as file:
        return "\n    ".join(deque((line.rstrip() for line in file if line.strip()), maxlen=TAIL_LINES))
