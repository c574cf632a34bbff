"""Experiments alone under `chaos run`, and one whose harness is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.faults.journal import Journal
from aftershock.faults.recover import leftovers
from aftershock.faults.tools import tools
from aftershock.timeline import read_timeline
from tests.cluster.conftest import Project

# The fault lasts three minutes, and the method waits for nearly as long: only a rollback ends it soon.
SLOW = """
title: The details service is slow for long
description: For a harness that is killed meanwhile.
steady-state-hypothesis:
  title: the product page answers
  probes:
    - name: the product page answers 200
      type: probe
      tolerance: 200
      provider:
        type: python
        module: aftershock.chaostoolkit
        func: service_answers
        arguments: {url: "http://127.0.0.1:30082/productpage", timeout_s: 10}
method:
  - name: the details service is slow
    type: action
    pauses: {after: 170}
    provider:
      type: python
      module: aftershock.chaostoolkit
      func: inject
      arguments: {fault: network-latency, workload: details, namespace: bookinfo, delay_s: 0.3, for_s: 180}
rollbacks:
  - name: take it back
    type: action
    provider: {type: python, module: aftershock.chaostoolkit, func: take_back_all}
"""

FEATURE = """
@recovery
Feature: Killed

  Scenario: The harness is killed
    Given every workload of bookinfo is steady
    When the experiment slow runs
"""


def chaos(project: Project, path: str) -> dict[str, Any]:
    """Run an experiment as a user of Chaos Toolkit does; return its journal."""
    words = ("--no-version-check", "--no-log-file", "run", "--journal-path", "chaos.json", path)
    done = subprocess.run(
        [sys.executable, "-m", "chaostoolkit", *words],
        cwd=project.folder,
        env={**os.environ, "AFTERSHOCK_RUN_DIR": str(project.reports / "alone")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((project.folder / "chaos.json").read_text())
    return found


def test_alone_it_has_guards_journal_and_proof(api: KubeApi, project: Project) -> None:
    journal = chaos(project, "experiments/oom-reviews.yaml")
    assert (journal["status"], journal["deviated"]) == ("completed", False)
    (action,) = journal["run"]
    assert action["output"]["reason"] == "OOMKilled"
    assert all(state["steady_state_met"] for state in journal["steady_states"]["during"])
    (record,) = Journal(project.reports / "alone" / "journal.jsonl").latest()
    assert (record.state, record.run_id) == ("undone", "alone")
    kinds = {event.kind for event in read_timeline(project.reports / "alone" / "timeline.jsonl")}
    assert kinds >= {"planned", "injecting", "injected", "landed", "undone"}


def test_alone_it_is_refused_what_a_scenario_is_refused(api: KubeApi, project: Project) -> None:
    path = project.folder / "experiments" / "oom-reviews.yaml"
    text = path.read_text().replace("workload: app=reviews\n        namespace: bookinfo", "TARGET")
    project.write(
        "experiments/oom.yaml", text.replace("TARGET", "workload: coredns\n        namespace: kube-system")
    )
    journal = chaos(project, "experiments/oom.yaml")
    (action,) = journal["run"]
    assert action["status"] == "failed"
    assert "namespace kube-system is protected" in action["exception"][-1]
    assert not (project.reports / "alone" / "journal.jsonl").exists()


def test_an_experiment_whose_harness_is_killed_rolls_back(api: KubeApi, project: Project) -> None:
    project.write("experiments/slow.yaml", SLOW)
    project.write("features/recovery/slow.feature", FEATURE)
    harness = subprocess.Popen(
        [sys.executable, "-m", "pytest", "features/recovery/slow.feature", "--run-id", "killed"],
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    journal = Journal(project.reports / "killed" / "journal.jsonl")
    states = lambda: [record.state for record in journal.latest()]  # noqa: E731 - asked again and again
    try:
        wait_until(lambda: states() == ["injected"], within_s=120, what="the fault")
    finally:
        harness.send_signal(signal.SIGKILL)
        harness.wait()
    wait_until(lambda: states() == ["undone"], within_s=60, what="the rollback")
    assert not leftovers(tools(api), reports=project.reports)
