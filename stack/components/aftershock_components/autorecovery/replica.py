"""One replica: it watches, asks for the Lease, and looks while it leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aftershock_components.autorecovery.engine import Engine
from aftershock_components.autorecovery.kube import KubeError
from aftershock_components.autorecovery.leading import RENEW_S, Leading
from aftershock_components.autorecovery.seeing import Seeing
from aftershock_components.autorecovery.steps.protocol import annotations_of
from aftershock_components.autorecovery.watching import Watching
from aftershock_components.durations import seconds

__all__ = ["DRY_RUN", "Replica"]

DRY_RUN = "autorecovery.aftershock.dev/dry-run"

LEAST_S = 0.2  # between two looks: a rollout changes pods many times a second


class Replica:
    """The tasks of one replica, and what is to be said of them.

    It changes nothing where `dry_run`, or while the object at the path `switch`, its own deployment, bears
    the annotation DRY_RUN: so it can be let and stopped without a restart.
    """

    def __init__(
        self,
        engine: Engine,
        leading: Leading,
        seeing: Seeing,
        watches: tuple[Watching, ...],
        *,
        say: Callable[..., None],
        switch: str,
        dry_run: bool = False,
    ) -> None:
        self.engine = engine
        self.leading = leading
        self.seeing = seeing
        self.watches = watches
        self.say = say
        self.switch = switch
        self.dry_run = dry_run
        self.problem = ""
        self._changed = asyncio.Event()
        self._led = False
        for watch in watches:
            watch.changed = self._changed.set

    def tasks(self) -> list[asyncio.Task[None]]:
        """Start what runs for as long as the replica lives."""
        forever = [*(watch.forever() for watch in self.watches), self._ask(), self._look_forever()]
        return [asyncio.create_task(each) for each in forever]

    async def _ask(self) -> None:
        while True:
            await self.ask_once()
            await asyncio.sleep(RENEW_S)

    async def ask_once(self) -> None:
        """Ask for the Lease, and say when we begin or end to lead."""
        try:
            await self.leading.look()
            await self._read_switch()
        except KubeError as error:
            self._trouble(f"the Lease or the switch: {error}")
        leads = bool(self.leading)
        if leads != self._led:
            self._led = leads
            self.say("leads" if leads else "follows", holder=self.leading.holder)
        if not leads:
            self.engine.incidents.drop()

    async def _read_switch(self) -> None:
        found = await self.engine.setting.kube.get(self.switch)
        dry_run = self.dry_run or annotations_of(found).get(DRY_RUN) == "true"
        if dry_run != self.engine.dry_run:
            self.engine.dry_run = dry_run
            self.say("dry-run" if dry_run else "may-act")

    async def _look_forever(self) -> None:
        every_s = seconds(self.engine.books.look_every)
        while True:
            self._changed.clear()  # before the look: what changes in the middle of it is looked at next
            await self.look_once()
            await asyncio.sleep(LEAST_S)
            try:
                await asyncio.wait_for(self._changed.wait(), every_s)
            except TimeoutError:
                continue

    async def look_once(self) -> None:
        """Look, if we lead and see anything. What fails is said, and done at the next look."""
        if not (self.leading and self.seeing.synced):
            return
        try:
            await self.engine.look(await self.seeing.findings(), leads=lambda: bool(self.leading))
            self.problem = ""
        except KubeError as error:
            self._trouble(str(error))

    def _trouble(self, what: str) -> None:
        if what != self.problem:
            self.say("problem", says=what)
        self.problem = what
