"""The network: a VPC with a private subnet for the nodes, and a public one with their NAT gateway."""

from __future__ import annotations

from dataclasses import dataclass

from aftershock.clock import wait_until
from aftershock.cluster.ec2.making import Making
from aftershock.cluster.ec2.parts import KINDS
from aftershock.errors import CloudError

__all__ = ["Network", "make_network"]

GATEWAY_WITHIN_S = 300.0
ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where the nodes are."""

    vpc: str
    subnet: str
    group: str


def make_network(making: Making) -> Network:
    """Make the network exist, or take the VPC and subnet of the settings; the nodes' group is ours in either.

    Raises:
        CloudError: AWS said no.
        DeadlineError: the NAT gateway does not come to life.

    """
    wanted = making.wanted
    vpc, subnet = (wanted.vpc, wanted.subnet) if wanted.vpc else _own(making)
    return Network(vpc=vpc, subnet=subnet, group=_group(making, vpc))


def _own(making: Making) -> tuple[str, str]:
    aws, wanted = making.aws, making.wanted
    vpc = _part(making, "VPC", "vpc", CidrBlock=wanted.vpc_cidr)
    # Nodes are known by their private DNS names.
    making.settled("ec2", "modify_vpc_attribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
    gateway = _part(making, "internet gateway", "internet")
    try:
        making.settled("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
    except CloudError as error:
        if error.code != "Resource.AlreadyAssociated":
            raise
    public = _subnet(making, vpc, "public", wanted.public_cidr)
    _route(making, vpc, public, "public", GatewayId=gateway)
    # In the same zone: a NAT gateway elsewhere would cost traffic between zones.
    zone = aws.call("ec2", "describe_subnets", SubnetIds=[public])["Subnets"][0]["AvailabilityZone"]
    nodes = _subnet(making, vpc, "nodes", wanted.node_cidr, zone=zone)
    _route(making, vpc, nodes, "nodes", NatGatewayId=_nat(making, public))
    return vpc, nodes


_CREATED = {
    "VPC": ("create_vpc", "Vpc", "vpc"),
    "internet gateway": ("create_internet_gateway", "InternetGateway", "internet-gateway"),
    "subnet": ("create_subnet", "Subnet", "subnet"),
    "route table": ("create_route_table", "RouteTable", "route-table"),
    "elastic IP": ("allocate_address", "", "elastic-ip"),
    "NAT gateway": ("create_nat_gateway", "NatGateway", "natgateway"),
    "security group": ("create_security_group", "", "security-group"),
}
"""Of each kind: the call that makes it, under which key its answer is, and what a tag calls it."""


def _part(making: Making, kind: str, part: str, **arguments: object) -> str:
    """Return the id of a part of the cluster, made if it is not there."""
    there = making.only(kind, part)
    return there.id if there else _made(making, kind, part, **arguments)


def _made(making: Making, kind: str, part: str, **arguments: object) -> str:
    """Make a part of the cluster, with its tags in the very call; return its id."""
    operation, key, resource = _CREATED[kind]
    tags = making.tags.specification(part, resource)
    answer = making.settled("ec2", operation, TagSpecifications=tags, **arguments)
    return making.note(kind, part, str((answer[key] if key else answer)[KINDS[kind].id]))


def _subnet(making: Making, vpc: str, part: str, cidr: str, *, zone: str = "") -> str:
    zone = zone or making.wanted.zone
    return _part(
        making, "subnet", part, VpcId=vpc, CidrBlock=cidr, **({"AvailabilityZone": zone} if zone else {})
    )


def _route(making: Making, vpc: str, subnet: str, part: str, **target: str) -> None:
    """Give a subnet a table of its own, with a way to everywhere."""
    table = _part(making, "route table", part, VpcId=vpc)
    (found,) = making.settled("ec2", "describe_route_tables", RouteTableIds=[table])["RouteTables"]
    if subnet not in {association.get("SubnetId") for association in found["Associations"]}:
        making.settled("ec2", "associate_route_table", RouteTableId=table, SubnetId=subnet)
    there = any(route.get("DestinationCidrBlock") == ANYWHERE for route in found["Routes"])
    # One that an earlier NAT gateway has left leads nowhere.
    operation = "replace_route" if there else "create_route"
    making.settled("ec2", operation, RouteTableId=table, DestinationCidrBlock=ANYWHERE, **target)


def _nat(making: Making, subnet: str) -> str:
    aws = making.aws
    address = _part(making, "elastic IP", "nat", Domain="vpc")
    # One that failed is listed for an hour more, and never comes to life.
    there = making.only("NAT gateway", "nat", but=("failed", "deleting"))
    nat = there.id if there else _made(making, "NAT gateway", "nat", SubnetId=subnet, AllocationId=address)

    def available() -> bool:
        filters = [{"Name": "nat-gateway-id", "Values": [nat]}]
        for gateway in aws.items("ec2", "describe_nat_gateways", "NatGateways", Filter=filters):
            if gateway["State"] in {"failed", "deleting", "deleted"}:
                raise CloudError(
                    f"NAT gateway {nat} is {gateway['State']}", code=str(gateway.get("FailureCode", "")),
                    found=str(gateway.get("FailureMessage", "AWS gives no reason")),
                    hint="`aftershock down --provider ec2`, then `up` again",
                )  # fmt: skip
            if gateway["State"] == "available":
                return True
        return False

    wait_until(
        available, within_s=GATEWAY_WITHIN_S, every_s=5.0, what=f"NAT gateway {nat}", clock=making.clock
    )
    return nat


def _group(making: Making, vpc: str) -> str:
    """Make the nodes' security group: they reach one another, as do their pods; nobody else reaches them."""
    part = "nodes"
    name, why = making.tags.name(part), "Nodes of a cluster of Aftershock"
    group = _part(making, "security group", part, VpcId=vpc, GroupName=name, Description=why)
    # A pod's address is none of the group's members': the rule for the group alone would drop it.
    rule = {
        "IpProtocol": "-1",
        "UserIdGroupPairs": [{"GroupId": group}],
        "IpRanges": [{"CidrIp": making.wanted.pod_cidr, "Description": "pods"}],
    }
    try:
        making.settled("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=[rule])
    except CloudError as error:
        if error.code != "InvalidPermission.Duplicate":
            raise
    return group
