"""What was found and how far its playbook is, in a ConfigMap: who takes over goes on from there.

It is written as a whole, and only over the version that was read. Whoever has been overtaken
by another replica cannot write any more, and so does not act any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from aftershock_components.autorecovery.findings import Finding
from aftershock_components.autorecovery.kube import Json, Kube, UnavailableError

__all__ = ["Act", "Incident", "Incidents", "Outcome", "Phase", "Plan"]

Phase = Literal["waiting", "acting", "acted", "returning", "closed"]
Outcome = Literal["", "acted", "nothing", "gave-up", "failed", "excluded", "over", "answered", "dry-run"]

KEPT = timedelta(hours=1)
MOST = 300
FORGOTTEN = timedelta(hours=1)
FIELD = "state"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one step is going to do, in words, and with absolute values: doing it twice is doing it once.

    `do` names the act, `about` what it is done to (kind/namespace/name), `data` is the act's own.
    """

    do: str
    what: str
    about: str
    data: dict[str, str] = {}
    numbers: dict[str, int] = {}


class Incident(msgspec.Struct, kw_only=True):
    """One finding that a playbook has taken up.

    `step` is the one to do next, `plan` what it is about to do. `done` is what was done, for the way
    back. `seen_at`: when the trouble was last there; `tried_at`: when it was first tried to do something,
    `again_at`: when it is tried next. `firing`: of an alert, whether it is.
    """

    finding: Finding
    playbook: str
    created_at: datetime
    seen_at: datetime
    phase: Phase = "waiting"
    outcome: Outcome = ""
    why: str = ""
    step: int = 0
    plan: Plan | None = None
    done: list[Plan] = []
    tried_at: datetime | None = None
    again_at: datetime | None = None
    firing: bool = False

    @property
    def key(self) -> str:
        """Return the key of its finding."""
        return self.finding.key

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done, or may have to be."""
        return self.phase in {"waiting", "acting"}


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """That something was done to `about`, because of trouble with `object`: for the limits."""

    key: str
    playbook: str
    object: str
    trigger: str
    about: str
    at: datetime


class State(msgspec.Struct, kw_only=True):
    """All that is kept. `holder` wrote it last."""

    holder: str = ""
    incidents: list[Incident] = []
    acts: list[Act] = []


class Incidents:
    """The state, as last read or written by us. `path` is the ConfigMap's, which must exist."""

    def __init__(self, kube: Kube, path: str, *, holder: str) -> None:
        self.kube = kube
        self.path = path
        self.holder = holder
        self.state = State()
        self._version = ""
        self._written = b""

    @property
    def loaded(self) -> bool:
        """Whether it was read since we last lost hold of it."""
        return bool(self._version)

    def drop(self) -> None:
        """Forget what was read: it may be another's by now."""
        self.state, self._version, self._written = State(), "", b""

    async def load(self) -> None:
        """Read it, and write ourselves in, which ends whatever another replica was about to write.

        Raises:
            KubeError: it cannot be read, or another one writes at this moment.

        """
        found = await self.kube.get(self.path)
        text = (found.get("data") or {}).get(FIELD, "")
        self.state = msgspec.json.decode(text, type=State) if text else State()
        self.state.holder = self.holder
        self._version, self._written = str(found["metadata"]["resourceVersion"]), b""
        await self.save()

    async def save(self) -> None:
        """Write it, if it has changed.

        Raises:
            KubeError: it was not written; the state is dropped, since nobody knows what holds.

        """
        if not self.loaded:
            raise UnavailableError("the incidents were not read since they were dropped")
        encoded = msgspec.json.encode(self.state)
        if encoded == self._written:
            return
        body: Json = {
            "metadata": {"resourceVersion": self._version},
            "data": {FIELD: encoded.decode()},
        }
        try:
            written = await self.kube.patch(self.path, body)
        except BaseException:
            self.drop()
            raise
        self._version, self._written = str(written["metadata"]["resourceVersion"]), encoded

    def get(self, key: str) -> Incident | None:
        """Return the incident of a finding."""
        return next((found for found in self.state.incidents if found.key == key), None)

    def of_object(self, name: str) -> list[Incident]:
        """Return the incidents of one object, the oldest first."""
        return [found for found in self.state.incidents if found.finding.object == name]

    def acts(self, *, since: datetime, playbook: str = "", object: str = "") -> list[Act]:  # noqa: A002 - what it is
        """Return what was done since then, the oldest first."""
        return [
            act
            for act in self.state.acts
            if act.at >= since and playbook in {"", act.playbook} and object in {"", act.object}
        ]

    def unmake(self, incident: Incident) -> None:
        """Forget the act that was intended: nothing came of it."""
        about = incident.plan.about if incident.plan else ""
        self.state.acts = [act for act in self.state.acts if (act.key, act.about) != (incident.key, about)]

    def prune(self, seen: Iterable[str], now: datetime) -> None:
        """Forget what is long over. What is still seen stays: it would be taken for new."""
        kept = set(seen)
        left = [
            found
            for found in self.state.incidents
            if found.phase != "closed" or found.key in kept or now - found.seen_at < KEPT
        ]
        closed = [found for found in left if found.phase == "closed" and found.key not in kept]
        surplus = {found.key for found in closed[: max(0, len(left) - MOST)]}
        self.state.incidents = [found for found in left if found.key not in surplus]
        self.state.acts = [act for act in self.state.acts if now - act.at < FORGOTTEN][-MOST:]
