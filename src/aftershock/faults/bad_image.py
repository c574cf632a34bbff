"""Bad image: a Deployment is given an image that nobody can pull.

Proof is the API's: a new pod of that image waits because it cannot be had. How many of the
old pods stay is the Deployment's strategy.
"""

from __future__ import annotations

from typing import Unpack

from aftershock.cluster.api import Json
from aftershock.faults.patched import Leaf, leaf
from aftershock.faults.tools import Tools
from aftershock.faults.workload_patch import TemplatePatch, WhichWorkload

__all__ = ["NAME", "NO_IMAGE", "BadImage"]

NAME = "bad-image"
# RFC 2606: nobody will ever own a name under .invalid, so nobody can offer an image there.
NO_IMAGE = "registry.invalid/aftershock/no-such-image:none"
MISSING = frozenset({"ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"})


class BadImage(TemplatePatch):
    """The workload's container gets `image`, by default one that cannot exist."""

    name = NAME

    def __init__(self, tools: Tools, *, image: str = NO_IMAGE, **which: Unpack[WhichWorkload]) -> None:
        super().__init__(tools, **which)
        self.image = image

    def leaves(self, found: Json) -> list[Leaf]:
        """Return the one leaf: the container's image."""
        return [leaf(found, self.place(found, "image"), self.image)]

    def effect(self) -> str:
        """Say what becomes of the workload, after its name."""
        return f"is rolled out with the image {self.image}"

    def failure(self, pod: Json, status: Json) -> str:  # noqa: ARG002 - the pod is for other faults
        """Return why the image is not there."""
        reason = ((status.get("state") or {}).get("waiting") or {}).get("reason") or ""
        return reason if reason in MISSING else ""
