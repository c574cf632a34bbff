"""One collection as it is now: a list, then a watch from there, and again whenever that breaks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from aftershock_components.autorecovery.kube import ExpiredError, Json, Kube, KubeError

__all__ = ["Kept", "Watching"]

log = logging.getLogger("uvicorn.error")

AGAIN_S = 1.0
LONGEST_S = 15.0
BETWEEN_S = 0.2
"""Between two watches: nothing is missed by it, and a server that ends each at once is not flooded."""


class Kept(Protocol):
    """What is known of a collection, by UID. `synced`: it was listed at least once."""

    objects: dict[str, Json]
    synced: bool


class Watching:
    """Keeps a collection; `changed` is called after every change, `breaks` counts the lists made anew."""

    def __init__(
        self,
        kube: Kube,
        path: str,
        *,
        changed: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.kube = kube
        self.path = path
        self.changed = changed
        self.sleep = sleep
        self.objects: dict[str, Json] = {}
        self.synced = False
        self.breaks = 0
        self.problem = ""

    async def forever(self) -> None:
        """List and watch until cancelled. An API server that is away is asked again, ever less often."""
        pause_s = AGAIN_S
        while True:
            try:
                version = await self.look()
                pause_s = AGAIN_S
                while True:  # a watch that the server ended in good order goes on from where it was
                    version = await self.follow(version)
                    await self.sleep(BETWEEN_S)
            except ExpiredError as error:
                self._broke(error)  # listed anew at once: that is what the server asks for
                pause_s = AGAIN_S
            except KubeError as error:
                self._broke(error)
                await self.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_S)

    def _broke(self, error: KubeError) -> None:
        self.breaks += 1
        self.problem = str(error)
        log.warning("autorecovery: %s; it is listed anew", error)

    async def look(self) -> str:
        """List once; return the version from which a watch goes on."""
        found = await self.kube.get(self.path)
        self.objects = {item["metadata"]["uid"]: item for item in found["items"]}
        self.synced, self.problem = True, ""
        self.changed()
        return str(found["metadata"]["resourceVersion"])

    async def follow(self, version: str) -> str:
        """Watch once, from `version`; return the version that was reached."""
        async for event in self.kube.watch(self.path, version=version):
            found = event["object"]
            version = str(found["metadata"]["resourceVersion"])
            if event["type"] == "BOOKMARK":
                continue
            if event["type"] == "DELETED":
                self.objects.pop(found["metadata"]["uid"], None)
            else:
                self.objects[found["metadata"]["uid"]] = found
            self.changed()
        return version
