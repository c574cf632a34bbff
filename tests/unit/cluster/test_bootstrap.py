"""The bootstrap script: what can be held without a machine to change. It runs for real in tests/cluster."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from aftershock.cluster.ec2.machines import SCRIPT

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / SCRIPT).read_text(encoding="utf-8")


def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("shellcheck"), ROOT / SCRIPT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""


def test_every_verb_and_option_is_explained() -> None:
    head = TEXT[: TEXT.index("set -euo")]
    verbs = re.findall(r"^([a-z-]+)\) (?:needs|join_command|nodes)", TEXT, re.MULTILINE)
    assert set(verbs) == {"prepare", "control-plane", "join-command", "worker", "nodes", "network", "sign"}
    options = set(re.findall(r"(--[a-z-]+)(?: \||\))", TEXT[TEXT.index("while [ $# -gt 0 ]") :]))
    assert {"--agent", "--container", "--kubernetes", "--provider-id", "--token"} <= options
    assert [word for word in (*verbs, *options) if word not in head] == []


@pytest.mark.parametrize("words", [[], ["instal"]])
def test_a_wrong_verb_is_refused_before_anything_else(words: list[str]) -> None:
    done = subprocess.run([ROOT / SCRIPT, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "node: there is no verb" in done.stderr
    assert "prepare, control-plane" in done.stderr


STUBS = """
work=$1 log=$1/log kubernetes=1.35.0 with_agent=yes api=10.0.0.1:6443 token=a.b ca_hash=sha256:new
called() { echo "$*" >>"$work/called"; }
for name in packages agent kernel containerd_runs programs kubelet_unit begin_anew kubeadm systemctl; do
  eval "$name() { called $name \\"\\$@\\"; }"
done
"""


def machine(folder: Path, command: str) -> tuple[int, str, list[str]]:
    """Run a function of the script where its files are in `folder`, and what it calls is only noted."""
    functions = TEXT[: TEXT.index("# -- the command line")]
    script = f'{functions}\nprovider_id="" container="" images="" programs=""\n{STUBS}\n{command}'
    done = subprocess.run(
        ["/bin/bash", "-c", script, "bash", folder], capture_output=True, text=True, check=False
    )
    called = folder / "called"
    return done.returncode, done.stderr, called.read_text().splitlines() if called.exists() else []


def test_somebody_can_get_there_before_anything_can_fail(tmp_path: Path) -> None:
    code, _, called = machine(tmp_path, "prepare")
    assert code == 0
    assert called[:3] == ["packages", "agent", "kernel"]
    assert (tmp_path / "kubernetes").read_text() == "1.35.0\n"


@pytest.mark.parametrize("mark", ["initialised", "joined"])
def test_a_node_does_not_get_another_version(tmp_path: Path, mark: str) -> None:
    (tmp_path / "kubernetes").write_text("1.34.4\n")
    machine(tmp_path, "prepare")
    assert (tmp_path / "kubernetes").read_text() == "1.35.0\n", "one that is no node yet does"
    (tmp_path / "kubernetes").write_text("1.34.4\n")
    (tmp_path / "called").unlink()
    (tmp_path / mark).touch()
    code, said, called = machine(tmp_path, "prepare")
    assert (code, called) == (1, [])
    assert "a node of Kubernetes 1.34.4, and no way to 1.35.0" in said


@pytest.mark.parametrize(
    ("joined", "calls"),
    [
        ("sha256:new", ["systemctl start kubelet.service"]),
        ("sha256:old", ["begin_anew", "kubeadm join --config FOLDER/join.yaml"]),
        ("", ["begin_anew", "kubeadm join --config FOLDER/join.yaml"]),
    ],
)
def test_a_worker_joins_again_only_where_the_cluster_is_another(
    tmp_path: Path, joined: str, calls: list[str]
) -> None:
    if joined:
        (tmp_path / "joined").write_text(f"{joined}\n")
    code, said, called = machine(tmp_path, "worker")
    assert (code, called) == (0, [line.replace("FOLDER", str(tmp_path)) for line in calls]), said
    assert (tmp_path / "joined").read_text() == "sha256:new\n"
    assert not (tmp_path / "join.yaml").exists(), "a token was in it"
