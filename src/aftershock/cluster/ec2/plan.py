"""What `up` would make, and what that costs per hour: an estimate, by a dated table."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aftershock.cluster.ec2.machines import parts_of
from aftershock.ec2_settings import Ec2
from aftershock.errors import ConfigError

__all__ = ["PRICES", "Item", "Prices", "load_prices", "plan", "read_prices", "told"]

PRICES = Path("cluster/ec2/prices.toml")

NAT = "NAT gateway"
ADDRESS = "public IPv4 address"
DISK = "disk GiB"


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars per hour, of which region, as of when, and where that was read."""

    region: str
    as_of: str
    source: str
    instances: dict[str, float]
    others: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Item:
    """A part of the cluster: its kind as `parts.KINDS` has it, what it is like, its price if known."""

    kind: str
    part: str
    what: str
    per_hour: float | None = 0.0


def load_prices(root: Path, overrides: Mapping[str, float]) -> Mapping[str, float]:
    """Return the prices in force by name; those of the settings come first."""
    table = read_prices(root)
    return {**table.instances, **table.others, **overrides}


def read_prices(root: Path) -> Prices:
    """Return the table of the project.

    Raises:
        ConfigError: it is none.

    """
    path = root / PRICES
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Prices)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path} is no table of prices", found=str(error)) from error


def plan(wanted: Ec2, prices: Mapping[str, float]) -> list[Item]:
    """Return every part that the settings ask for, in the order in which they are made."""
    own = [
        Item(kind="VPC", part="vpc", what=wanted.vpc_cidr),
        Item(kind="internet gateway", part="internet", what="the public subnet's way out"),
        Item(
            kind="subnet", part="public", what=f"{wanted.public_cidr}, with the NAT gateway and nothing else"
        ),
        Item(kind="route table", part="public", what="to the internet gateway"),
        Item(kind="subnet", part="nodes", what=f"{wanted.node_cidr}, private"),
        Item(kind="elastic IP", part="nat", what="of the NAT gateway", per_hour=prices.get(ADDRESS)),
        Item(kind=NAT, part="nat", what="the nodes' way out", per_hour=prices.get(NAT)),
        Item(kind="route table", part="nodes", what="to the NAT gateway"),
    ]
    ours = [
        Item(kind="security group", part="nodes", what="the nodes and their pods reach one another"),
        Item(kind="role", part="nodes", what="lets Systems Manager reach the nodes"),
        Item(kind="instance profile", part="nodes", what="gives the nodes that role"),
        Item(kind="role", part="switch", what="lets EventBridge Scheduler start a stopped node"),
        Item(kind="key pair", part="key", what="for emergencies; no port is open for it"),
    ]
    machines = [
        Item(
            kind="instance",
            part=part,
            what=f"{kind}, {wanted.disk_gib} GiB, {wanted.image}",
            per_hour=_sum(prices.get(kind), prices.get(DISK), wanted.disk_gib),
        )
        for part, kind in parts_of(wanted).items()
    ]
    return [*([] if wanted.vpc else own), *ours, *machines]


def told(items: Collection[Item], there: Collection[tuple[str, str]] | None, table: Prices) -> list[str]:
    """Return the plan as lines: what is `there` already (by kind and part) and what would be made.

    `there` is None where nobody could look.
    """
    lines = []
    for item in items:
        state = "would make" if there is None or (item.kind, item.part) not in there else "is there  "
        price = (
            "price unknown"
            if item.per_hour is None
            else f"${item.per_hour:.4f}/h"
            if item.per_hour
            else "free"
        )
        lines.append(f"{state}  {item.kind:<17} {item.part:<14} {price:<14} {item.what}")
    known = sum(item.per_hour or 0 for item in items)
    unknown = [item.what.split(",")[0] for item in items if item.per_hour is None]
    lines.append(
        f"about ${known:.3f} per hour, ${known * 24:.2f} per day, without traffic and tax"
        + (f"; not counted: {', '.join(dict.fromkeys(unknown))}" if unknown else "")
    )
    lines.append(
        f"prices: {table.region}, as of {table.as_of}, {table.source}; yours: [tool.aftershock.ec2.prices]"
    )
    return lines


def _sum(instance: float | None, disk: float | None, gib: int) -> float | None:
    return None if instance is None or disk is None else instance + disk * gib
