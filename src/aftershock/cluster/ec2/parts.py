"""The kinds of things that a cluster is made of, and how each is found by its tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aftershock.cluster.api import Json
from aftershock.cluster.ec2.session import MISSING, Aws
from aftershock.cluster.ec2.tags import CLUSTER, EXPIRES, PART, Tags, tag_of
from aftershock.errors import CloudError

__all__ = ["KINDS", "PATH", "Found", "Kind", "find", "find_all", "instances"]

PATH = "/aftershock/"


@dataclass(frozen=True, kw_only=True)
class Found:
    """Something that is there: its kind, its id, its part of the cluster. `raw` is AWS' answer."""

    kind: str
    id: str
    part: str = ""
    expires: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tags(self) -> list[Json]:
        """Its tags, as AWS tells them."""
        return list(self.raw.get("Tags") or ())

    @property
    def state(self) -> str:
        """The state of an instance or a NAT gateway, as "running"; "" of what has none."""
        state = self.raw.get("State", "")
        return str(state.get("Name", "") if isinstance(state, Mapping) else state)

    def __str__(self) -> str:
        """Name it for a person."""
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of thing of EC2's: the call that lists it, under which key, and the key of its id."""

    name: str
    lists: str
    key: str
    id: str
    alive: tuple[tuple[str, tuple[str, ...]], ...] = ()
    filters: str = "Filters"


_LIVE = ("pending", "running", "stopping", "stopped", "shutting-down")
# In the order in which they may be removed.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="instance", lists="describe_instances", key="Reservations", id="InstanceId",
             alive=(("instance-state-name", _LIVE),)),
        Kind(name="NAT gateway", lists="describe_nat_gateways", key="NatGateways", id="NatGatewayId",
             alive=(("state", ("pending", "available", "failed", "deleting")),), filters="Filter"),
        Kind(name="elastic IP", lists="describe_addresses", key="Addresses", id="AllocationId"),
        Kind(name="security group", lists="describe_security_groups", key="SecurityGroups", id="GroupId"),
        Kind(name="subnet", lists="describe_subnets", key="Subnets", id="SubnetId"),
        Kind(name="route table", lists="describe_route_tables", key="RouteTables", id="RouteTableId"),
        Kind(name="internet gateway", lists="describe_internet_gateways", key="InternetGateways",
             id="InternetGatewayId"),
        Kind(name="VPC", lists="describe_vpcs", key="Vpcs", id="VpcId"),
        Kind(name="key pair", lists="describe_key_pairs", key="KeyPairs", id="KeyName"),
    )
}  # fmt: skip


_INSTANCE = re.compile(r"i-[0-9a-f]+")
_IAM = {
    "instance profile": ("instance_profile", "InstanceProfile"),
    "role": ("role", "Role"),
}


def find(aws: Aws, tags: Tags, kind: str, part: str = "") -> list[Found]:
    """Return what there is of a kind, of one part or of all."""
    what = KINDS[kind]
    filters = [*tags.filters, *({"Name": name, "Values": list(values)} for name, values in what.alive)]
    if part:
        filters.append({"Name": f"tag:{PART}", "Values": [part]})
    items = aws.items("ec2", what.lists, what.key, **{what.filters: filters})
    if kind == "instance":
        items = [instance for reservation in items for instance in reservation["Instances"]]
    # Looked at again here: what is found may be removed.
    return [
        found
        for item in items
        if tag_of((found := _found(kind, item, what.id)).tags, CLUSTER) == tags.cluster
        and part in {"", found.part}
    ]


def instances(aws: Aws, instance: str) -> list[Json]:
    """Return an instance as EC2 describes it; nothing where it is not known (yet, or any more)."""
    filters = [{"Name": "instance-id", "Values": [instance]}]
    found = aws.items("ec2", "describe_instances", "Reservations", Filters=filters)
    return [item for reservation in found for item in reservation["Instances"]]


def find_all(aws: Aws, tags: Tags) -> list[Found]:
    """Return everything of the cluster, in the order in which it may be removed."""
    found = _schedules(aws, tags)
    found += [item for kind in KINDS for item in find(aws, tags, kind)]
    return [*found, *(item for kind in _IAM for item in _identities(aws, tags, kind))]


def _identities(aws: Aws, tags: Tags, kind: str) -> list[Found]:
    """Return what IAM holds of the cluster in this region. IAM knows no regions: the path does."""
    operation, key = _IAM[kind]
    name = f"{key}Name"
    found = []
    for item in aws.items(
        "iam", f"list_{operation}s", f"{key}s", PathPrefix=f"{PATH}{aws.region}/{tags.cluster}/"
    ):
        try:  # a list does not show tags
            whole = aws.call("iam", f"get_{operation}", **{name: item[name]})[key]
        except CloudError as error:
            if error.code in MISSING:
                continue
            raise
        if tag_of(whole.get("Tags") or (), CLUSTER) == tags.cluster:
            found.append(_found(kind, whole, name))
    return found


def _schedules(aws: Aws, tags: Tags) -> list[Found]:
    """Return the schedules that would start an instance: they have no tags, but a name of ours."""
    prefix = tags.name("start-")
    items = aws.items("scheduler", "list_schedules", "Schedules", NamePrefix=prefix)
    # A cluster's name may begin with another's: what follows must be an instance.
    named = (str(item["Name"]) for item in items)
    return [
        Found(kind="schedule", id=name) for name in named if _INSTANCE.fullmatch(name.removeprefix(prefix))
    ]


def _found(kind: str, item: Json, id_key: str) -> Found:
    tags = item.get("Tags") or []
    return Found(
        kind=kind, id=str(item[id_key]), part=tag_of(tags, PART), expires=tag_of(tags, EXPIRES), raw=item
    )
