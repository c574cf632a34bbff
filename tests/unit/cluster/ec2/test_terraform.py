"""The Terraform module: its references resolve, and it says what the settings and the provider say."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import msgspec
import pytest

from aftershock.cluster.ec2.machines import parts_of
from aftershock.cluster.ec2.plan import plan
from aftershock.cluster.ec2.tags import Tags
from aftershock.ec2_settings import Ec2
from tests.unit.cluster.ec2.conftest import ROOT

FOLDER = ROOT / "cluster" / "ec2" / "terraform"
FILES = sorted(FOLDER.glob("*.tf"))
# Of the provider's kinds, what Terraform calls them.
KINDS = {
    "VPC": "aws_vpc",
    "internet gateway": "aws_internet_gateway",
    "subnet": "aws_subnet",
    "route table": "aws_route_table",
    "elastic IP": "aws_eip",
    "NAT gateway": "aws_nat_gateway",
    "security group": "aws_security_group",
    "role": "aws_iam_role",
    "instance profile": "aws_iam_instance_profile",
}
# Settings that are no part of the module: the provider's region, what an existing network has, prices.
NOT_THERE = {"region", "hours", "vpc", "subnet", "service_cidr", "switch_role", "prices"}


@cache
def module() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in FILES)


@cache
def blocks(kind: str) -> dict[str, Any]:
    """Return the module's blocks of a kind, by their labels; strings without the quotes of the source."""
    found: dict[str, Any] = {}
    for path in FILES:
        for block in _plain(hcl2.loads(path.read_text(encoding="utf-8"))).get(kind, []):
            labels = []
            body = block
            while kind in {"resource", "data", "variable", "output"} and len(labels) < (
                1 if kind in {"variable", "output"} else 2
            ):
                ((label, body),) = [(k, v) for k, v in body.items() if not k.startswith("__")]
                labels.append(label)
            found[".".join(labels) or str(len(found))] = body
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_hcl(path: Path) -> None:
    assert hcl2.loads(path.read_text(encoding="utf-8"))


def test_every_variable_is_there_and_used() -> None:
    used = set(re.findall(r"\bvar\.(\w+)", module()))
    assert used == set(blocks("variable"))


def test_every_local_is_there_and_used() -> None:
    (locals_,) = blocks("locals").values()
    assert set(re.findall(r"\blocal\.(\w+)", module())) == {
        name for name in locals_ if not name.startswith("__")
    }


def test_every_resource_that_is_named_is_there() -> None:
    named = set(re.findall(r"(?<!data\.)\b(aws_\w+\.\w+)", re.sub(r'"[^"$]*"', "", module())))
    assert named <= set(blocks("resource"))
    assert named, "it was looked at"
    data = set(re.findall(r"\bdata\.(aws_\w+\.\w+)", module()))
    assert data == set(blocks("data"))


def test_the_defaults_are_those_of_the_settings() -> None:
    settings = msgspec.to_builtins(Ec2())
    variables = blocks("variable")
    assert set(variables) - {"expires", "run"} == set(settings) - NOT_THERE
    for name, variable in variables.items():
        if name not in {"expires", "run", "owner"}:
            assert variable["default"] == settings[name], name


def test_it_makes_the_same_parts_but_for_the_key() -> None:
    wanted = {(KINDS[item.kind], item.part) for item in plan(Ec2(), {}) if item.kind in KINDS}
    made = {
        (name.split(".")[0], part)
        for name, body in blocks("resource").items()
        for part in re.findall(
            r'"?aftershock\.dev/part"?[^\w/]+([\w-]+)', json.dumps(body.get("tags", "")).replace('\\"', '"')
        )
        if name.split(".")[0] != "aws_instance"
    }
    assert made == wanted
    parts = dict(parts_of(Ec2()))
    assert parts == {"control-plane": "t3.medium", "worker-1": "t3.medium", "worker-2": "t3.medium"}
    assert '"control-plane" = var.control_plane' in module()
    assert '"worker-${number + 1}" => var.worker' in module()


def test_the_tags_are_the_same() -> None:
    ours = {tag["Key"] for tag in Tags(cluster="a").of("vpc")}
    (locals_,) = blocks("locals").values()
    common = set(re.findall(r"aftershock\.dev/\w+", json.dumps(locals_["tags"])))
    assert common | {"Name", "aftershock.dev/part"} == ours
    for name, body in blocks("resource").items():
        if "tags" in body:
            assert "Name" in json.dumps(body["tags"]), name
            assert "local.tags" in json.dumps(body["tags"]), name


def test_the_names_are_the_same() -> None:
    """`up` finds roles by their names, for IAM knows no regions."""
    for part in ("nodes", "switch"):
        assert blocks("resource")[f"aws_iam_role.{part}"]["name"] == (
            f"{Tags(cluster='${var.name}').name(part)}-${{data.aws_region.here.name}}"
        )


def test_the_switch_may_the_same() -> None:
    source = module()
    for words in (
        '"ec2:StartInstances"', '"aws:ResourceTag/aftershock.dev/cluster" = var.name', '"kms:CreateGrant"',
        '"kms:GrantIsForAWSResource" = "true"',
        '"aws:SourceAccount" = data.aws_caller_identity.me.account_id',
    ):  # fmt: skip
        assert source.count(words) == 1, words


def test_the_machines_are_as_the_provider_makes_them() -> None:
    node = blocks("resource")["aws_instance.node"]
    (metadata,) = node["metadata_options"]
    assert (metadata["http_tokens"], metadata["http_put_response_hop_limit"]) == ("required", 1)
    assert node["source_dest_check"] is False
    (disk,) = node["root_block_device"]
    assert (disk["volume_type"], disk["encrypted"], disk["delete_on_termination"]) == ("gp3", True, True)
    assert (FOLDER / "../../bootstrap/node").resolve().is_file()
