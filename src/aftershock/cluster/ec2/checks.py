"""What is asked of AWS before anything is made: what would only be refused after minutes of making."""

from __future__ import annotations

import ipaddress
import re

from aftershock.cluster.ec2.machines import find_image, parts_of
from aftershock.cluster.ec2.session import Aws
from aftershock.ec2_settings import Ec2
from aftershock.errors import ConfigError

__all__ = ["check_wanted"]


def check_wanted(aws: Aws, wanted: Ec2) -> str:
    """Return the zone for the nodes, if there are the image, the instance types and the network.

    Raises:
        CloudError: AWS said no.
        ConfigError: something of it is not there, or does not fit.

    """
    find_image(aws, wanted)
    zones = _zones(aws, wanted)
    zone = _existing(aws, wanted) if wanted.vpc else wanted.zone or zones[0]
    if zone not in zones:
        raise ConfigError(
            f"the instance types of the settings are not offered in {zone}",
            expected=f"one of {', '.join(zones)}, for {_types(wanted)}",
            found=zone,
            hint="another ec2.subnet" if wanted.vpc else "set ec2.zone, or leave it out",
        )
    return zone


def _zones(aws: Aws, wanted: Ec2) -> list[str]:
    """Return the region's own zones (no Local Zones) that offer all instance types, in order."""
    plain = re.compile(rf"{re.escape(aws.region)}[a-z]")
    found: set[str] | None = None
    for kind in set(parts_of(wanted).values()):
        offers = aws.items(
            "ec2", "describe_instance_type_offerings", "InstanceTypeOfferings",
            LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [kind]}],
        )  # fmt: skip
        zones = {offer["Location"] for offer in offers if plain.fullmatch(offer["Location"])}
        found = zones if found is None else found & zones
    if not found:
        raise ConfigError(
            f"no zone of {aws.region} offers the instance types of the settings",
            expected="ec2.control_plane and ec2.worker in [tool.aftershock] that one zone has both of",
            found=_types(wanted),
        )
    return sorted(found)


def _types(wanted: Ec2) -> str:
    return " and ".join(sorted({wanted.control_plane, wanted.worker}))


def _existing(aws: Aws, wanted: Ec2) -> str:
    """Return the zone of the settings' own subnet, if pods and services can live beside its VPC."""
    (subnet,) = aws.call("ec2", "describe_subnets", SubnetIds=[wanted.subnet])["Subnets"]
    if subnet["VpcId"] != wanted.vpc:
        raise ConfigError(
            f"{wanted.subnet} is no subnet of {wanted.vpc}",
            expected=f"ec2.subnet in {wanted.vpc}",
            found=f"it is in {subnet['VpcId']}",
        )
    (vpc,) = aws.call("ec2", "describe_vpcs", VpcIds=[wanted.vpc])["Vpcs"]
    theirs = [entry["CidrBlock"] for entry in vpc.get("CidrBlockAssociationSet", ())] or [vpc["CidrBlock"]]
    for name, ours in (("pod_cidr", wanted.pod_cidr), ("service_cidr", wanted.service_cidr)):
        # Machines there could not be reached from pods; and the nodes let in whatever has a pod's address.
        if any(ipaddress.IPv4Network(ours).overlaps(ipaddress.IPv4Network(one)) for one in theirs):
            raise ConfigError(
                f"ec2.{name} in [tool.aftershock] overlaps {wanted.vpc}",
                expected="a range with no address in common with the VPC",
                found=f"{ours}, and {', '.join(theirs)}",
            )
    return str(subnet["AvailabilityZone"])
