"""Who is who: the nodes' role, the role that starts a stopped node, and a key for emergencies."""

from __future__ import annotations

import json
import os
from pathlib import Path

from aftershock.cluster.api import Json
from aftershock.cluster.ec2.making import Making
from aftershock.cluster.ec2.parts import PATH, find
from aftershock.cluster.ec2.session import Aws
from aftershock.cluster.ec2.tags import CLUSTER, Tags
from aftershock.errors import CloudError

__all__ = ["make_key", "make_node_profile", "make_switch_role", "path_of", "switch_role"]

NODES = "nodes"
SWITCH = "switch"
SSM = "policy/AmazonSSMManagedInstanceCore"


def path_of(aws: Aws, tags: Tags) -> str:
    """Return the path of the cluster's roles: IAM knows no regions."""
    return f"{PATH}{aws.region}/{tags.cluster}/"


def make_node_profile(making: Making) -> str:
    """Make the nodes' role and instance profile exist; return the profile's name.

    The role lets Systems Manager reach the node, and no more.
    """
    aws, tags = making.aws, making.tags
    role = _role(making, NODES, service="ec2.amazonaws.com")
    managed = f"arn:{aws.partition}:iam::aws:{SSM}"
    making.settled("iam", "attach_role_policy", RoleName=role, PolicyArn=managed)
    name = _named(aws, tags, NODES)
    if not aws.unless_gone("iam", "get_instance_profile", InstanceProfileName=name):
        aws.call(
            "iam",
            "create_instance_profile",
            InstanceProfileName=name,
            Path=path_of(aws, tags),
            Tags=tags.of(NODES),
        )
        making.note("instance profile", NODES, name)
    profile = making.settled("iam", "get_instance_profile", InstanceProfileName=name)["InstanceProfile"]
    if role not in {held["RoleName"] for held in profile["Roles"]}:
        making.settled("iam", "add_role_to_instance_profile", InstanceProfileName=name, RoleName=role)
    return name


def make_switch_role(making: Making) -> str:
    """Make the role exist that EventBridge Scheduler takes to start the cluster's instances, no others."""
    account = making.aws.call("sts", "get_caller_identity")["Account"]
    # Schedules of this account only: the service acts for everybody's.
    ours = {"StringEquals": {"aws:SourceAccount": account}}
    role = _role(making, SWITCH, service="scheduler.amazonaws.com", condition=ours)
    here = f"{making.aws.region}:{account}"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "ec2:StartInstances",
                "Resource": f"arn:{making.aws.partition}:ec2:{here}:instance/*",
                "Condition": {"StringEquals": {f"aws:ResourceTag/{CLUSTER}": making.tags.cluster}},
            },
            {
                # Where the account's disks have a key of its own, a start is accepted, and fails, without.
                "Effect": "Allow",
                "Action": "kms:CreateGrant",
                "Resource": f"arn:{making.aws.partition}:kms:{here}:key/*",
                "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
            },
        ],
    }
    making.settled(
        "iam", "put_role_policy", RoleName=role, PolicyName="start", PolicyDocument=json.dumps(policy)
    )
    return role


def switch_role(aws: Aws, tags: Tags) -> str:
    """Return the ARN of that role; "" if there is none."""
    try:
        return str(aws.call("iam", "get_role", RoleName=_named(aws, tags, SWITCH))["Role"]["Arn"])
    except CloudError as error:
        if error.code != "NoSuchEntity":
            raise
        return ""


def make_key(making: Making, folder: Path) -> str:
    """Make the key pair exist whose private half is in `folder`; return its name.

    Nothing here needs it, for nobody reaches the nodes' port 22. It is for a tunnel by Systems Manager, or
    the serial console, when a node is broken.
    """
    name, path = making.tags.name("key"), folder / "key.pem"
    there = find(making.aws, making.tags, "key pair", "key")
    if there and not path.exists():  # another machine's: it cannot be had a second time
        making.progress.say(f"the key pair {name} is there, its private half is not in {path}")
    if not there:
        made = making.aws.call(
            "ec2", "create_key_pair", KeyName=name, KeyType="ed25519",
            TagSpecifications=making.tags.specification("key", "key-pair"),
        )  # fmt: skip
        making.note("key pair", "key", name)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made["KeyMaterial"])
    return name


def _role(making: Making, part: str, *, service: str, condition: Json | None = None) -> str:
    aws, tags = making.aws, making.tags
    name = _named(aws, tags, part)
    if not aws.unless_gone("iam", "get_role", RoleName=name):
        statement: Json = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            **({"Condition": condition} if condition else {}),
        }
        trust: Json = {"Version": "2012-10-17", "Statement": [statement]}
        aws.call(
            "iam", "create_role", RoleName=name, Path=path_of(aws, tags), Tags=tags.of(part),
            AssumeRolePolicyDocument=json.dumps(trust),
        )  # fmt: skip
        making.note("role", part, name)
    return name


def _named(aws: Aws, tags: Tags, part: str) -> str:
    """Return the name of a role or a profile: IAM knows no regions."""
    return f"{tags.name(part)}-{aws.region}"
