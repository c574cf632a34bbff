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
