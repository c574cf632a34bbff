"""Tags and names: how everything that belongs to a cluster is known, by us and by its owner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aftershock.clock import rfc3339
from aftershock.cluster.api import Json

__all__ = ["CLUSTER", "EXPIRES", "PART", "RUN", "Tags", "tag_of"]

CLUSTER = "aftershock.dev/cluster"
PART = "aftershock.dev/part"
OWNER = "aftershock.dev/owner"
RUN = "aftershock.dev/run"
EXPIRES = "aftershock.dev/expires"


@dataclass(frozen=True, kw_only=True)
class Tags:
    """The tags of one cluster: its name and owner, the `up` that made it, and when it has expired."""

    cluster: str
    owner: str = ""
    run: str = ""
    expires: datetime | None = None

    def name(self, part: str) -> str:
        """Return the name that a part bears: aftershock-NAME-PART."""
        return f"aftershock-{self.cluster}-{part}"

    def of(self, part: str) -> list[Json]:
        """Return all tags of a part, as the APIs take them."""
        values = {
            "Name": self.name(part),
            CLUSTER: self.cluster,
            PART: part,
            OWNER: self.owner,
            RUN: self.run,
            EXPIRES: rfc3339(self.expires) if self.expires else "",
        }
        return [{"Key": key, "Value": value} for key, value in values.items()]

    def specification(self, part: str, *resources: str) -> list[Json]:
        """Return what tags `resources` (as "vpc") in the very call that makes them: none is ever without."""
        return [{"ResourceType": resource, "Tags": self.of(part)} for resource in resources]

    @property
    def filters(self) -> list[Json]:
        """What finds all of the cluster."""
        return [{"Name": f"tag:{CLUSTER}", "Values": [self.cluster]}]


def tag_of(tags: Iterable[Json], key: str) -> str:
    """Return the value of one tag; "" if it is not there."""
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == key), "")
