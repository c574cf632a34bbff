"""Harnesses that are killed at a moment of the test's choice, each a process of its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.stack import is_ready
from tests.cluster.conftest import Project

REAPER = "/apis/apps/v1/namespaces/aftershock/deployments/aftershock-reaper"

HARNESS = """
import os, signal
from pathlib import Path
from aftershock.cluster.connect import connect
from aftershock.cluster.guard import Guard
from aftershock.config import load_settings
from aftershock.faults.injector import Injector
from aftershock.faults.journal import Journal
from aftershock.faults.node_drain import NodeDrain
from aftershock.faults.out_of_memory import OutOfMemory
from aftershock.faults.tools import tools
from aftershock.timeline import Timeline

def die():
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path("reports/killed")
folder.mkdir(parents=True)
settings = load_settings(root=Path.cwd())
cluster = connect(settings)
api = cluster.api
guard = Guard(cluster=cluster, settings=settings)
kit = tools(api, may_touch=guard.may_touch)
injector = Injector(
    kit, run_id="killed", journal=Journal(folder / "journal.jsonl"), check=guard.check,
    timeline=Timeline(folder / "timeline.jsonl"),
)
"""

MEMORY = (
    HARNESS
    + """
class Killed(OutOfMemory):
    def inject(self, plan, record):
        super().inject(plan, record)
        die()

injector.inject(Killed(kit, workload="app=reviews", namespace="bookinfo"))
"""
)

DRAIN = (
    HARNESS
    + """
post = api.post
def post_and_die(path, body, **query):
    answer = post(path, body, **query)
    if path.endswith("/eviction"):
        die()
    return answer

api.post = post_and_die
fault = NodeDrain(kit, workload="nginx-web", namespace="demo")
injector.inject(fault)
"""
)


def kill(project: Project, program: str) -> None:
    done = project.python(program)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


@contextmanager
def without_reaper(api: KubeApi) -> Iterator[None]:
    """Stop the reaper for a while: what `recover` can do has to be seen without its help."""
    api.patch(REAPER, {"spec": {"replicas": 0}})
    pods = "/api/v1/namespaces/aftershock/pods"
    wait_until(
        lambda: not api.items(pods, labelSelector="app.kubernetes.io/name=aftershock-reaper"),
        within_s=30,
        what="the reaper to be gone",
    )
    try:
        yield
    finally:
        api.patch(REAPER, {"spec": {"replicas": 1}})
        ready = lambda: is_ready({**api.get(REAPER), "kind": "Deployment"})  # noqa: E731 - asked again and again
        wait_until(ready, within_s=60, what="the reaper to be back")
