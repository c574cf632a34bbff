"""Settings of a cluster on EC2: [tool.aftershock.ec2] in pyproject.toml."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated

import msgspec

from aftershock.errors import ConfigError

__all__ = ["Ec2", "check_ranges"]

_AboveZero = Annotated[float, msgspec.Meta(gt=0)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,22}[a-z0-9]$")]  # part of names of roles
_Tag = Annotated[str, msgspec.Meta(pattern=r"^[\w .:/=+@-]{0,256}$")]  # what IAM takes as a tag
_Cidr = Annotated[str, msgspec.Meta(pattern=r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$")]


class Ec2(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cluster that `aftershock up --provider ec2` makes.

    name              tells it from others in the same account and region
    region            "" is what AWS' own configuration says (AWS_REGION, the profile)
    zone              availability zone of the nodes; "" lets EC2 choose
    owner             who to ask about it, a tag; "" is who the credentials belong to
    hours             after how many hours it has expired, a tag: `down --provider ec2 --expired` removes it
    control_plane     instance type of the control plane
    worker            instance type of the workers
    workers           how many
    disk_gib          each node's disk
    image, image_owner  the newest image of that name (* is anything) and owner is taken
    kubernetes        version of kubeadm, kubelet and the control plane
    vpc, subnet       an existing VPC and one of its subnets, with a way out to the internet; "" makes both
    vpc_cidr, node_cidr, public_cidr  of the VPC that is made; nodes have no public address
    pod_cidr, service_cidr  inside the cluster
    switch_role       role that EventBridge Scheduler takes to start a stopped instance; "" is the one that
                      `up` made, if it made one
    prices            US dollars per hour, in place of those of cluster/ec2/prices.toml
    """

    name: _Name = "aftershock"
    region: str = ""
    zone: str = ""
    owner: _Tag = ""
    hours: _AboveZero = 8.0
    control_plane: str = "t3.medium"
    worker: str = "t3.medium"
    workers: Annotated[int, msgspec.Meta(ge=1, le=20)] = 2
    disk_gib: Annotated[int, msgspec.Meta(ge=16, le=1000)] = 24
    image: str = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"
    image_owner: str = "099720109477"
    kubernetes: Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d+\.\d+$")] = "1.34.4"
    vpc: str = ""
    subnet: str = ""
    vpc_cidr: _Cidr = "10.20.0.0/16"
    node_cidr: _Cidr = "10.20.1.0/24"
    public_cidr: _Cidr = "10.20.0.0/24"
    pod_cidr: _Cidr = "10.244.0.0/16"
    service_cidr: _Cidr = "10.96.0.0/16"
    switch_role: str = ""
    prices: dict[str, _AboveZero] = {}


def check_ranges(wanted: Ec2) -> None:
    """Do nothing if the addresses of the EC2 cluster fit together.

    Raises:
        ConfigError: a range is none, or lies where it must not.

    """
    ranges: dict[str, ipaddress.IPv4Network] = {}
    for name in ("vpc_cidr", "node_cidr", "public_cidr", "pod_cidr", "service_cidr"):
        try:
            ranges[name] = ipaddress.IPv4Network(getattr(wanted, name))
        except ValueError as error:
            raise ConfigError(f"ec2.{name} in [tool.aftershock] is no range", found=str(error)) from error
    apart = [("pod_cidr", "service_cidr")]
    if not wanted.vpc:  # AWS is asked for the ranges of one that exists
        apart += [("node_cidr", "public_cidr"), ("pod_cidr", "vpc_cidr"), ("service_cidr", "vpc_cidr")]
        _check_inside(ranges)
    for one, other in apart:
        if ranges[one].overlaps(ranges[other]):
            raise ConfigError(
                f"ec2.{one} and ec2.{other} in [tool.aftershock] overlap",
                expected="ranges with no address in common",
                found=f"{ranges[one]} and {ranges[other]}",
            )
    if bool(wanted.vpc) != bool(wanted.subnet):
        raise ConfigError(
            "ec2 in [tool.aftershock] names only one of vpc and subnet",
            expected="both, or neither: then they are made",
            found=f"vpc {wanted.vpc!r}, subnet {wanted.subnet!r}",
        )


def _check_inside(ranges: Mapping[str, ipaddress.IPv4Network]) -> None:
    for inner in ("node_cidr", "public_cidr"):
        if not ranges[inner].subnet_of(ranges["vpc_cidr"]):
            raise ConfigError(
                f"ec2.{inner} in [tool.aftershock] lies outside ec2.vpc_cidr",
                expected=f"a part of {ranges['vpc_cidr']}",
                found=str(ranges[inner]),
            )
