"""The least IAM policy that is documented: just the calls that are made, no more and no fewer."""

from __future__ import annotations

import json
from typing import Any

from aftershock.cluster.ec2.identity import SSM
from aftershock.cluster.ec2.parts import find
from aftershock.cluster.ec2.power import Ec2Power
from aftershock.cluster.ec2.provider import Ec2Provider
from tests.unit.cluster.ec2.conftest import ROOT, Machines

POLICY = json.loads((ROOT / "cluster" / "ec2" / "policy.json").read_text())
# Asked for by AWS beside the call itself: tags in the call that makes something, a role that is handed on.
IMPLIED = {"ec2:CreateTags", "iam:PassRole", "iam:TagInstanceProfile", "iam:TagRole"}
# The stand-in has no sessions; the call is held in the tests of tunnels.
ELSEWHERE = {"ssm:StartSession"}


def granted() -> set[str]:
    return {action for statement in POLICY["Statement"] for action in _list(statement["Action"])}


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_policy_is_what_is_called(provider: Ec2Provider, calls: list[str], machines: Machines) -> None:
    provider.plan()
    provider.up()
    nodes = {"n": find(provider.aws, provider.tags, "instance", "worker-1")[0].id}
    power = Ec2Power(aws=provider.aws, cluster="aftershock", instances=lambda: nodes, clock=provider.clock)
    power.check("stop", "n")
    power.take("stop", "n", expires_s=60)
    power.give("stop", "n")
    power.take("reboot", "n", expires_s=60)
    provider.up()
    power.take("terminate", "n", expires_s=60)
    provider.down()
    assert set(calls) - granted() == set(), "a call that the policy does not allow"
    assert granted() - set(calls) - IMPLIED - ELSEWHERE == set(), "a permission that nobody needs"


def test_what_changes_or_removes_is_bound_to_what_is_ours() -> None:
    for statement in POLICY["Statement"]:
        actions = [action.split(":")[1] for action in _list(statement["Action"])]
        if any(
            action.startswith(("Delete", "Terminate", "Stop", "Release", "SendCommand")) for action in actions
        ):
            condition: dict[str, Any] = statement.get("Condition", {})
            assert statement["Resource"] != "*" or condition, statement["Sid"]


def test_roles_get_the_nodes_policy_and_no_other() -> None:
    (statement,) = [one for one in POLICY["Statement"] if "iam:AttachRolePolicy" in _list(one["Action"])]
    (condition,) = statement["Condition"]["ArnLike"].items()
    assert condition == ("iam:PolicyARN", f"arn:*:iam::aws:{SSM}")


def test_roles_can_be_asked_for_before_they_are_there() -> None:
    """AWS then knows no path of theirs."""
    (statement,) = [one for one in POLICY["Statement"] if "iam:GetRole" in _list(one["Action"])]
    assert "arn:*:iam::*:role/aftershock-*" in statement["Resource"]


def test_it_fits_into_a_managed_policy() -> None:
    assert len(json.dumps(POLICY, separators=(",", ":"))) <= 6144
