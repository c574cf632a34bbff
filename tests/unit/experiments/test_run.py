"""Experiments as a process: real `chaos run`, harmless functions in place of faults."""

from __future__ import annotations

import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from aftershock.clock import wait_until
from aftershock.errors import FaultError, UsageError
from aftershock.experiments import ExperimentResult, run_experiment
from aftershock.judge.steady_state import steady_state_held
from aftershock.timeline import Timeline

MODULE = """
import json, os, pathlib, signal, threading
HERE = pathlib.Path(__file__).parent

def well():
    return not (HERE / "broken").exists()

def break_it():
    (HERE / "broken").touch()
    line = {"at": "2026-01-01T00:00:00.000000Z", "mono": 1.0, "source": "harness", "kind": "landed",
            "subject": "it", "data": {"run": os.environ["AFTERSHOCK_RUN_DIR"]}, "resolution_s": 0.0}
    with open(os.environ["AFTERSHOCK_EXPERIMENT_TIMELINE"], "a") as file:
        file.write(json.dumps(line) + "\\n")

def linger():
    threading.Event().wait(0.4)

def break_for_a_while():
    break_it()
    linger()
    mend()

def hang():
    (HERE / "hanging").write_text(str(os.getpid()))
    signal.pause()

def fail():
    raise RuntimeError("the act failed")

def mend():
    (HERE / "broken").unlink(missing_ok=True)
    (HERE / "mended").touch()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bench_functions.py").write_text(MODULE)
    return tmp_path


def call(func: str, **more: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": "bench_functions", "func": func}
    return {"name": func, "type": "action", "provider": provider, **more}


def run(folder: Path, *method: str, **options: Any) -> ExperimentResult:
    content = {
        "title": "bench",
        "description": "d",
        "steady-state-hypothesis": {"title": "well", "probes": [call("well", type="probe", tolerance=True)]},
        "method": [call(func, pauses={"after": 300 if func == "hang" else 0}) for func in method],
        "rollbacks": [call("mend")],
    }
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(content))
    defaults: dict[str, Any] = {
        "folder": folder,
        "run_dir": folder / "run1",
        "allowed": ["bench_functions"],
        "env": {"PYTHONPATH": str(folder)},
    }
    return run_experiment(path, **{**defaults, **options})


def test_the_steady_state_held_and_rollbacks_ran(folder: Path) -> None:
    timeline = Timeline()
    result = run(folder, "linger", timeline=timeline, every_s=0.05)
    verdict = steady_state_held(timeline, experiment=result.title)
    assert verdict.status == "met"
    after, during = verdict.evidence
    assert after == "well: True, tolerated: True"
    assert re.fullmatch(
        r"during the method: \d+ checks, 0 failed, at most [\d.]+ s from one to the next", during
    )
    assert verdict.resolution_s < 0.4
    assert str(folder) not in verdict.query
    assert (folder / "mended").exists()
    assert result.journal_path.exists()
    assert result.log_path.read_text()


def test_a_lost_steady_state_is_a_verdict_and_rollbacks_ran(folder: Path) -> None:
    timeline = Timeline()
    result = run(folder, "break_it", timeline=timeline)
    assert result.deviated
    verdict = steady_state_held(timeline, experiment=result.title)
    assert verdict.status == "violated"
    assert verdict.evidence[0] == "well: False, tolerated: True"
    assert (folder / "mended").exists()
    event, _ = timeline
    assert (event.kind, event.data) == ("landed", {"run": str(folder / "run1")})


def test_a_steady_state_lost_during_the_method_is_a_verdict_although_chaos_says_completed(
    folder: Path,
) -> None:
    timeline = Timeline()
    result = run(folder, "break_for_a_while", timeline=timeline, every_s=0.05)
    assert (result.journal["status"], result.journal["deviated"]) == ("completed", False)
    verdict = steady_state_held(timeline, experiment=result.title)
    assert verdict.status == "violated"
    assert verdict.reason.startswith("it was lost during the method: ")
    assert verdict.evidence[0] == "well: True, tolerated: True"
    assert verdict.evidence[2].endswith("well: False")


def test_a_failed_action_is_an_error_although_chaos_exits_0(folder: Path) -> None:
    with pytest.raises(FaultError, match="1 of its activities failed") as caught:
        run(folder, "fail")
    assert "the act failed" in caught.value.found
    assert (folder / "mended").exists()


def test_a_steady_state_that_does_not_hold_before(folder: Path) -> None:
    (folder / "broken").touch()
    with pytest.raises(FaultError, match="nothing was injected") as caught:
        run(folder, "fail")
    assert caught.value.found.startswith("well: False")


def test_one_that_takes_too_long_is_ended_and_rolled_back(folder: Path) -> None:
    with pytest.raises(FaultError, match="did not end within 2 s"):
        run(folder, "hang", timeout_s=2)
    assert (folder / "mended").exists()


def test_a_ctrl_c_of_the_harness_rolls_back_first(folder: Path) -> None:
    def interrupt() -> None:
        wait_until((folder / "hanging").exists, within_s=20, every_s=0.05, what="the method")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(folder, "hang")
    finally:
        signal.signal(signal.SIGINT, previous)
        thread.join()
    assert (folder / "mended").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "hanging").read_text()), 0)


def test_a_killed_chaos_leaves_no_journal(folder: Path) -> None:
    def kill() -> None:
        wait_until((folder / "hanging").exists, within_s=20, every_s=0.05, what="the method")
        os.kill(int((folder / "hanging").read_text()), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(FaultError, match="left no journal"):
        run(folder, "hang")
    thread.join()


def test_a_refused_file_starts_nothing(folder: Path) -> None:
    with pytest.raises(UsageError):
        run(folder, "break_it", allowed=[])
    assert not (folder / "broken").exists()
    assert not (folder / "bench.log").exists()
