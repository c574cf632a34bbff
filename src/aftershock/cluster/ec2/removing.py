"""Removal: of everything that bears a cluster's tags, or of what a failed `up` had made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from aftershock.clock import Clock, wait_until
from aftershock.cluster.ec2.parts import Found, instances
from aftershock.cluster.ec2.session import Aws
from aftershock.cluster.progress import Progress
from aftershock.errors import CloudError, DeadlineError, ResidueError, TransientError

__all__ = ["ORDER", "remove"]

ORDER = (
    "schedule", "instance", "NAT gateway", "elastic IP", "security group", "subnet", "route table",
    "internet gateway", "VPC", "key pair", "instance profile", "role",
)  # fmt: skip

ENDS_WITHIN_S = 300.0
# What EC2 and IAM say of something whose user has just gone, but not everywhere yet.
_STILL_USED = {
    "ConcurrentModification", "DeleteConflict", "DependencyViolation", "EntityTemporarilyUnmodifiable",
    "IncorrectInstanceState", "InvalidIPAddress.InUse",
}  # fmt: skip
# The same, of an address whose NAT gateway has just gone: it looks as if it were somebody else's.
_NOT_FREE_YET = ("elastic IP", "AuthFailure")
# While one of these is there, the network that it uses cannot be removed: that is tried, but not waited for.
_HOLDING = {"instance", "NAT gateway", "security group", "subnet"}
_NETWORK = {"elastic IP", "security group", "subnet", "route table", "internet gateway", "VPC"}


def remove(
    aws: Aws,
    found: Sequence[Found],
    *,
    progress: Progress,
    clock: Clock | None = None,
    within_s: float = ENDS_WITHIN_S,
) -> None:
    """Remove all of `found`, each kind after what needs it; what is gone already is no error.

    One that cannot be removed keeps none of the others.

    Raises:
        ResidueError: something is left; it names it, with the reason.

    """
    left: dict[str, str] = {}
    for kind in ORDER:
        items = [item for item in found if item.kind == kind]
        # All at once, then wait for all: each takes minutes. One that was refused is not waited for.
        held = kind in _NETWORK and any(item.kind in _HOLDING for item in found if str(item) in left)
        for act in _ACTS[kind]:
            for item in [item for item in items if str(item) not in left]:
                try:
                    _tried(aws, item, act, within_s=0.0 if held else within_s, clock=clock)
                except (CloudError, DeadlineError) as error:
                    left[str(item)] = error.found or error.message
        _tell(progress, [item for item in items if str(item) not in left])
    if left:
        foreign = " `aws ec2 describe-network-interfaces` shows who uses a network."
        raise ResidueError(
            f"{len(left)} of {len(found)} things are left in {aws.region}",
            expected="nothing",
            found="; ".join(f"{item}: {why}" for item, why in left.items()),
            hint="`aftershock down --provider ec2` tries again; what runs costs money until then."
            + (foreign if "DependencyViolation" in "".join(left.values()) else ""),
        )


def _tell(progress: Progress, removed: Iterable[Found]) -> None:
    for item in removed:
        progress.say(f"removed {item}")


Act = Callable[[Aws, Found], bool | None]


def _tried(aws: Aws, item: Found, act: Act, *, within_s: float, clock: Clock | None) -> None:
    def done() -> bool:
        try:
            return act(aws, item) is not False
        except CloudError as error:
            if error.code in _STILL_USED or (item.kind, error.code) == _NOT_FREE_YET:
                raise TransientError(error.found) from error
            raise

    wait_until(done, within_s=within_s, every_s=2.0, what=f"{item} to be removed", clock=clock)


def _one(service: str, operation: str, key: str, *, many: bool = False) -> Act:
    """Return the act of a single call that names the thing."""

    def act(aws: Aws, item: Found) -> None:
        aws.unless_gone(service, operation, **{key: [item.id] if many else item.id})

    return act


def _instance_gone(aws: Aws, item: Found) -> bool:
    return all(found["State"]["Name"] == "terminated" for found in instances(aws, item.id))


def _gateway_gone(aws: Aws, item: Found) -> bool:
    filters = [{"Name": "nat-gateway-id", "Values": [item.id]}]
    gateways = aws.items("ec2", "describe_nat_gateways", "NatGateways", Filter=filters)
    return all(gateway["State"] in {"deleted", "failed"} for gateway in gateways)


def _detach_gateway(aws: Aws, item: Found) -> None:
    for attachment in _listed(item, "Attachments"):
        aws.unless_gone(
            "ec2", "detach_internet_gateway", InternetGatewayId=item.id, VpcId=attachment["VpcId"]
        )


def _empty_role(aws: Aws, item: Found) -> None:
    """Take from a role what it was given: IAM deletes only empty ones."""
    attached = aws.items("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=item.id)
    for policy in attached:
        aws.unless_gone("iam", "detach_role_policy", RoleName=item.id, PolicyArn=policy["PolicyArn"])
    for name in aws.items("iam", "list_role_policies", "PolicyNames", RoleName=item.id):
        aws.unless_gone("iam", "delete_role_policy", RoleName=item.id, PolicyName=name)


def _empty_profile(aws: Aws, item: Found) -> None:
    for role in _listed(item, "Roles"):
        aws.unless_gone(
            "iam", "remove_role_from_instance_profile", InstanceProfileName=item.id, RoleName=role["RoleName"]
        )


def _free_table(aws: Aws, item: Found) -> None:
    """Take a route table from its subnets, which may not have told that they are gone."""
    for association in _listed(item, "Associations"):
        aws.unless_gone(
            "ec2", "disassociate_route_table", AssociationId=association["RouteTableAssociationId"]
        )


def _listed(item: Found, key: str) -> Iterable[Mapping[str, str]]:
    found: Iterable[Mapping[str, str]] = item.raw.get(key, ())
    return found


_ACTS: Mapping[str, tuple[Act, ...]] = {
    "schedule": (_one("scheduler", "delete_schedule", "Name"),),
    "instance": (_one("ec2", "terminate_instances", "InstanceIds", many=True), _instance_gone),
    "NAT gateway": (_one("ec2", "delete_nat_gateway", "NatGatewayId"), _gateway_gone),
    "elastic IP": (_one("ec2", "release_address", "AllocationId"),),
    "security group": (_one("ec2", "delete_security_group", "GroupId"),),
    "subnet": (_one("ec2", "delete_subnet", "SubnetId"),),
    "route table": (
        _free_table,
        _one("ec2", "delete_route_table", "RouteTableId"),
    ),
    "internet gateway": (_detach_gateway, _one("ec2", "delete_internet_gateway", "InternetGatewayId")),
    "VPC": (_one("ec2", "delete_vpc", "VpcId"),),
    "key pair": (_one("ec2", "delete_key_pair", "KeyName"),),
    "instance profile": (_empty_profile, _one("iam", "delete_instance_profile", "InstanceProfileName")),
    "role": (_empty_role, _one("iam", "delete_role", "RoleName")),
}
