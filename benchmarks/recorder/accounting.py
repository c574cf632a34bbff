"""Whether a timeline has every write of a pod that the API server's audit log tells of.

The truth is the version that each write made. A version is seen if the timeline has it, in a
gap if the write was under way at some instant of a recorded gap of its namespace, else lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from math import inf
from pathlib import Path
from typing import Any

import msgspec

from aftershock.clock import from_rfc3339
from aftershock.timeline import Event

__all__ = ["Account", "Write", "account", "read_audit"]

NO_VERSION = 0
"""Of a deletion whose answer named none: another one had removed the pod meanwhile."""

State = tuple[str, bool, int, bool]
"""Phase, Ready, restarts of all containers, and whether its deletion was asked for."""


@dataclass(frozen=True, kw_only=True)
class Write:
    """A write of a pod that succeeded. It took effect between `began` and `ended`."""

    verb: str
    uid: str
    namespace: str
    name: str
    version: int
    state: State
    began: datetime
    ended: datetime


@dataclass(kw_only=True)
class Account:
    """How many transitions there were of each kind, and where they are."""

    seen: Counter[str] = field(default_factory=Counter)
    in_gap: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    told_wrong: int = 0
    """Versions that are in the timeline in another state than the API server answered."""
    invented: int = 0
    """Versions that are in the timeline as a change, and that no write made."""
    late: list[tuple[float, float]] = field(default_factory=list)
    """Lag and resolution, in seconds, of events that claim a change to be later than its write's answer."""
    lost_writes: list[Write] = field(default_factory=list)
    lag_s: list[float] = field(default_factory=list)
    """From the API server's answer to a write until the timeline's event, for what was seen."""


class _Container(msgspec.Struct):
    restartCount: int = 0  # noqa: N815 - the API's name


class _Condition(msgspec.Struct):
    type: str
    status: str


class _Status(msgspec.Struct):
    phase: str = ""
    conditions: list[_Condition] = []
    containerStatuses: list[_Container] = []  # noqa: N815


class _Meta(msgspec.Struct):
    uid: str = ""
    namespace: str = ""
    name: str = ""
    resourceVersion: str = ""  # noqa: N815
    deletionTimestamp: str | None = None  # noqa: N815


class _Pod(msgspec.Struct):
    kind: str = ""
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    status: _Status | str = ""  # a refusal is a Status object, whose `status` is a word


class _Code(msgspec.Struct):
    code: int = 0


class _Line(msgspec.Struct):
    verb: str
    requestReceivedTimestamp: str  # noqa: N815
    stageTimestamp: str  # noqa: N815
    responseStatus: _Code = msgspec.field(default_factory=_Code)  # noqa: N815
    responseObject: msgspec.Raw = msgspec.Raw()  # noqa: N815


def read_audit(path: Path) -> Iterator[Write]:
    """Yield the writes of pods in an audit log at level RequestResponse, in its order."""
    decoder = msgspec.json.Decoder(_Line)
    pods = msgspec.json.Decoder(_Pod)
    with path.open("rb") as log:
        for text in log:
            line = decoder.decode(text)
            if not bytes(line.responseObject) or line.responseStatus.code >= HTTPStatus.BAD_REQUEST:
                continue
            pod = pods.decode(line.responseObject)
            if pod.kind != "Pod" or isinstance(pod.status, str):
                continue
            yield Write(
                verb=line.verb,
                uid=pod.metadata.uid,
                namespace=pod.metadata.namespace,
                name=pod.metadata.name,
                version=int(pod.metadata.resourceVersion or NO_VERSION),
                state=_state(pod, pod.status),
                began=from_rfc3339(line.requestReceivedTimestamp),
                ended=from_rfc3339(line.stageTimestamp),
            )


def _state(pod: _Pod, status: _Status) -> State:
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in status.conditions)
    restarts = sum(container.restartCount for container in status.containerStatuses)
    return status.phase, ready, restarts, pod.metadata.deletionTimestamp is not None


def _told(data: Mapping[str, Any]) -> State:
    """Return the same of a timeline's event."""
    restarts = sum(container["restarts"] for container in data["containers"])
    return data["phase"] or "", bool(data["ready"]), restarts, data["deletion_at"] is not None


class _Record:
    """What a timeline holds of pods."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.versions: dict[tuple[str, int], Event] = {}
        self.ended: dict[str, Event] = {}  # by UID: DELETED or GONE
        self.asked: dict[str, Event] = {}  # by UID: the first that says that its deletion was asked for
        self.gaps: list[tuple[str, datetime, datetime | None]] = []
        for event in events:
            data = event.data
            if event.kind == "gap":
                until = from_rfc3339(data["until"]) if data["until"] else None
                self.gaps.append((data["namespace"], from_rfc3339(data["from"]), until))
            elif event.kind == "pod":
                if data["type"] in {"DELETED", "GONE"}:
                    self.ended.setdefault(data["uid"], event)
                else:
                    self.versions.setdefault((data["uid"], int(data["resource_version"])), event)
                    if data["deletion_at"]:
                        self.asked.setdefault(data["uid"], event)

    def blind(self, write: Write) -> bool:
        """Say whether some instant of the write is inside a gap."""
        return any(
            namespace == write.namespace
            and write.ended >= start
            and (end is None or write.began <= end)
            for namespace, start, end in self.gaps
        )  # fmt: skip


def account(events: Iterable[Event], writes: Iterable[Write], *, left: set[str], since: datetime) -> Account:
    """Account for the writes that began at `since` or later, up to the end of `writes`.

    `since` is when the recorder had listed everything for the first time; earlier writes only
    say what the state was before. `left` are the UIDs of the pods that are there at the end.
    """
    record = _Record(events)
    result = Account()
    # A version that two answers tell of was made by the earlier; the later wrote nothing.
    unique: dict[tuple[str, int], Write] = {}
    for write in sorted(writes, key=lambda write: (write.version or inf, write.ended)):
        unique.setdefault((write.uid, write.version), write)
    deletes = _deletes(unique.values())
    # Where the record has the version that the last one made, it only asked: the audit log of an API
    # server that was killed lacks the removal.
    removals = {
        uid: asked[-1]
        for uid, asked in deletes.items()
        if uid not in left and (uid, asked[-1].version) not in record.versions
    }
    before: dict[str, State] = {}
    for write in unique.values():
        kind = _kind(write, before.get(write.uid))
        before[write.uid] = write.state
        if write.began < since or (
            write.verb == "delete" and write not in (deletes[write.uid][0], deletes[write.uid][-1])
        ):
            continue
        if write is removals.get(write.uid):
            _put(result, record, write, "deletion", record.ended.get(write.uid))
            continue
        # What was made by one whose answer named no version is only known by what it says.
        known = write.version != NO_VERSION
        event = record.versions.get((write.uid, write.version)) if known else record.asked.get(write.uid)
        if event is not None and _told(event.data) != write.state:
            result.told_wrong += 1
        _put(result, record, write, kind, event)
    result.invented = sum(
        event.data["type"] in {"ADDED", "MODIFIED"}
        and key not in unique
        # A removal marks the pod before it takes it away: two versions by one write.
        and not (event.data["deletion_at"] and key[0] in deletes)
        for key, event in record.versions.items()
    )
    return result


def _deletes(writes: Iterable[Write]) -> dict[str, list[Write]]:
    """Return the deletes of each pod, by UID. `writes` come by version, those without one last.

    The last delete of a pod that is gone is what removed it, the first one asked for it; between
    them are those of a kubelet, or kwok, that asks again. One without a version removed nothing if
    another one did; it asked first unless another one did that too.
    """
    found: dict[str, list[Write]] = {}
    for write in writes:
        if write.verb != "delete":
            continue
        same = found.setdefault(write.uid, [])
        # Before the only one, between the first and the last of several.
        same.insert(len(same) if write.version != NO_VERSION else len(same) // 2, write)
    return found


def _put(result: Account, record: _Record, write: Write, kind: str, event: Event | None) -> None:
    if event is not None and event.data["type"] != "GONE":
        result.seen[kind] += 1
        if event.data["type"] != "LISTED":
            lag_s = (event.at - write.ended).total_seconds()
            result.lag_s.append(lag_s)
            if lag_s > event.resolution_s:
                result.late.append((lag_s, event.resolution_s))
    elif record.blind(write):
        result.in_gap[kind] += 1
    else:
        result.lost[kind] += 1
        result.lost_writes.append(write)


def _kind(write: Write, before: State | None) -> str:
    """Name what the write changed."""
    if write.verb == "create":
        return "creation"
    if write.version == NO_VERSION:
        return "deletion asked"
    if before is None:
        return "other change"
    changed = [
        name
        for name, old, new in zip(("phase", "ready", "restart", "deletion asked"), before, write.state,
                                  strict=True)
        if old != new
    ]  # fmt: skip
    return changed[-1] if changed else "other change"
