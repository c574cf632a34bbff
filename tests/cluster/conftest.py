"""The cluster that `aftershock up` made, and a copy of the project to run things from.

These tests break things for real. Each puts back what it broke, and looks that it is whole.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.connect import connect
from aftershock.cluster.connection import Cluster
from aftershock.cluster.stack import is_ready
from aftershock.cluster.targets import open_namespaces
from aftershock.config import load_settings, project_root
from aftershock.errors import TransientError
from aftershock.faults.recover import leftovers, recover
from aftershock.faults.tools import tools

ROOT = project_root(Path(__file__).parent)


class Project:
    """A copy of what a run needs, with reports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("features", "experiments", "loadtests"):
            shutil.copytree(ROOT / name, folder / name)
        for name in ("pyproject.toml", "conftest.py"):
            shutil.copy(ROOT / name, folder)
        self.reports = folder / "reports"

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def pytest(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run pytest as a user does."""
        return self._run("-m", "pytest", *words, **environ)

    def aftershock(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the command line as a user does."""
        return self._run("-c", "from aftershock.cli import main; main()", *words, **environ)

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the project's folder."""
        return self._run("-c", code)

    def _run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return connect(load_settings(root=ROOT))


@pytest.fixture
def api(cluster: Cluster, project: Project) -> Iterator[KubeApi]:
    """The API of a cluster that is whole before a test and after it, whatever the test did."""
    whole(cluster.api, project)
    try:
        yield cluster.api
    finally:
        recover(tools(cluster.api), reports=project.reports)
    whole(cluster.api, project)


def whole(api: KubeApi, project: Project) -> None:
    """Wait until every deployment that may be touched is as specified, and hold that nothing is left.

    Whoever else uses the cluster meanwhile can make this impossible; the error names what is not whole.
    """

    def look() -> bool:
        unready = [
            f"{namespace}/{item['metadata']['name']}"
            for namespace in open_namespaces(api)
            for item in api.items(f"/apis/apps/v1/namespaces/{namespace}/deployments")
            if not is_ready({**item, "kind": "Deployment"})
        ]
        if unready:
            raise TransientError(f"not as specified: {', '.join(unready)}")
        return True

    wait_until(look, within_s=120, what="every workload to be whole")
    assert not leftovers(tools(api), reports=project.reports)
    assert not closed_nodes(api)


def closed_nodes(api: KubeApi) -> list[str]:
    """Return the nodes that take no pods."""
    return [
        item["metadata"]["name"] for item in api.items("/api/v1/nodes") if item["spec"].get("unschedulable")
    ]
