"""`up` and `down` for EC2 as a person calls them: what they say, and with which code they end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aftershock.cli import main
from tests.unit.cluster.ec2.conftest import REGION, ROOT, Refusals

NOTHING = f"nothing of aftershock in {REGION} to remove"


@pytest.fixture(autouse=True)
def own_state(cloud: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AFTERSHOCK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("AWS_REGION", REGION)
    plugin = tmp_path / "session-manager-plugin"  # it is looked for before anything is made
    plugin.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.chdir(ROOT)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_a_dry_run_says_what_and_for_how_much() -> None:
    done = run("up", "--provider", "ec2", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "would make  NAT gateway" in done.output
    assert "per hour" in done.output
    assert run("down", "--provider", "ec2").output.strip() == NOTHING
    assert run("down", "--provider", "ec2", "--expired").output.strip() == f"{NOTHING} that has expired"


def test_a_dry_run_without_credentials_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    done = run("up", "--provider", "ec2", "--dry-run")
    assert done.exit_code == 0
    assert "not looked at what is there: no AWS credentials" in done.output


@pytest.mark.parametrize("words", [("up",), ("down",)])
def test_no_credentials(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    done = run(*words, "--provider", "ec2")
    assert done.exit_code == 10
    assert "there are no AWS credentials" in done.output
    assert "aws sts get-caller-identity" in done.output


def test_a_wrong_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-centrl-1")
    done = run("up", "--provider", "ec2")
    assert done.exit_code == 4
    assert "there is no EC2 region 'eu-centrl-1'" in done.output
    assert "did you mean eu-central-1?" in done.output


def test_no_permission(refusals: Refusals) -> None:
    refusals.add("CreateNatGateway", "UnauthorizedOperation")
    done = run("up", "--provider", "ec2")
    assert done.exit_code == 10
    assert "the credentials may not call ec2:CreateNatGateway" in done.output
    assert "cluster/ec2/policy.json lists the permissions" in done.output
    assert run("down", "--provider", "ec2").output.strip() == NOTHING


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--dry-run",), "--dry-run is for --provider ec2"),
        (("--provider", "ec2", "--images", "pull"), "--images and --registry are for --provider kind"),
        (("--provider", "kubeconfig", "--registry", "r"), "--images and --registry are for --provider kind"),
        (("--provider", "kubeconfig"), "--provider kubeconfig needs --cluster CONTEXT"),
        (("--provider", "ec2", "--cluster", "c"), "--cluster is for --provider kubeconfig"),
        (("--provider", "ec2", "--with", "nonsense"), "there is no addon 'nonsense'"),
    ],
)
def test_options_that_do_not_go_together(words: tuple[str, ...], message: str) -> None:
    done = run("up", *words)
    assert done.exit_code == 4
    assert message in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--expired",), "--expired is for --provider ec2"),
        (("--provider", "ec2", "--prune"), "--prune is for --provider kind"),
    ],
)
def test_a_removal_that_would_be_another_one(
    words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "aftershock.clusters.bring_down", lambda **_: pytest.fail("it removed the kind cluster")
    )
    done = run("down", *words)
    assert done.exit_code == 4
    assert message in done.output
