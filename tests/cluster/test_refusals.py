"""What `pytest features/` says where it cannot begin: one clear line, its exit code, nothing touched."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.conftest import Project


def test_no_cluster_at_all(project: Project, tmp_path: Path) -> None:
    done = project.pytest("features/", AFTERSHOCK_STATE_DIR=str(tmp_path / "nothing"), KUBECONFIG="/dev/null")
    assert done.returncode == 10, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert said.count("there is no kind cluster of Aftershock's on this machine") == 1
    assert "run `make gameday` (or `aftershock up`)" in said
    assert "Traceback" not in said
    assert "passed" not in said
    assert "skipped" not in said


def test_an_empty_kubeconfig(project: Project, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").touch()
    done = project.pytest("features/", AFTERSHOCK_STATE_DIR=str(tmp_path))
    assert done.returncode == 10, done.stdout + done.stderr
    assert "the kubeconfig has no usable context 'kind-aftershock'" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_context_that_is_not_allowed(project: Project) -> None:
    done = project.pytest("features/", "--cluster", "production")
    assert done.returncode == 4, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "context 'production' is not allowed" in said
    assert "allowed_contexts" in said
    assert "Traceback" not in said


def test_recover_asks_the_guard_too(project: Project) -> None:
    done = project.aftershock("recover", "--cluster", "production")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "context 'production' is not allowed" in done.stderr
