"""A setting that a scenario changed is the team's again, though the harness was killed."""

from __future__ import annotations

import signal

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.faults import marks
from tests.cluster.conftest import ROOT, Project

BUDGET = "/apis/policy/v1/namespaces/demo/poddisruptionbudgets/nginx-web"
# The run's Lease lapses, and the reaper takes its time.
WITHIN_S = 45.0

PROGRAM = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from aftershock.cluster.connect import connect
from aftershock.config import load_settings
from aftershock.faults.setting import Setting
from tests.cluster.harness import harness, new_run

cluster = connect(load_settings(root=Path({root!r})))
with harness(cluster, Path.cwd() / "reports", run_id=new_run()) as injector:
    values = {{("spec", "minAvailable"): "100%"}}
    injector.inject(Setting(injector.tools, "poddisruptionbudget/demo/nginx-web", values))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_budget_is_as_it_was(api: KubeApi, project: Project) -> None:
    before = api.get(BUDGET)["spec"]
    done = project.python(PROGRAM.format(root=str(ROOT)))
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    assert api.get(BUDGET)["spec"]["minAvailable"] == "100%"
    unmarked = lambda: not list(marks.records(api))  # noqa: E731 - asked again and again
    wait_until(unmarked, within_s=WITHIN_S, every_s=0.5, what="the setting to be taken back by the reaper")
    assert api.get(BUDGET)["spec"] == before
