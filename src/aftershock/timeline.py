"""What was observed, in order. Append-only; every verdict is made from it and nothing else.

An event says when (`at`, wall time, UTC; `mono`, this machine's monotonic seconds, or None
for another machine's clock), who saw it (`source`), what kind of thing it is, about whom
(`subject`, as `kind/namespace/name` or a plain name), its data, and the largest error
of its time (`resolution_s`, seconds).

No judging here, no I/O but reading and writing the file.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from aftershock.clock import Clock, SystemClock, from_rfc3339, rfc3339
from aftershock.errors import UsageError

__all__ = ["Event", "Source", "Timeline", "read_timeline"]

Source = Literal["kubernetes", "client", "prometheus", "alertmanager", "load", "harness"]
SOURCES: tuple[Source, ...] = get_args(Source)

_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = msgspec.json.Decoder().decode  # four times as fast as json, and as exact
_encode_api = msgspec.json.Encoder().encode  # three times as fast, but a NaN becomes null: the API has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing observed. Times in seconds, `at` in UTC."""

    at: datetime
    mono: float | None
    source: Source
    kind: str
    subject: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    resolution_s: float = 0.0

    def to_json(self) -> str:
        """Return the event as one line of timeline.jsonl."""
        fields = {
            "at": rfc3339(self.at),
            "mono": self.mono,
            "source": self.source,
            "kind": self.kind,
            "subject": self.subject,
            "data": self.data,
            "resolution_s": self.resolution_s,
        }
        return _encode_api(fields).decode() if self.source == "kubernetes" else _encode(fields)

    @classmethod
    def from_json(cls, line: str) -> Event:
        """Read a line that `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: it is no such line.

        """
        raw = _decoded(line)
        if raw["source"] not in SOURCES:
            raise ValueError(f"unknown source {raw['source']!r}")
        return cls(
            at=from_rfc3339(raw["at"]),
            mono=raw["mono"],
            source=raw["source"],
            kind=raw["kind"],
            subject=raw["subject"],
            data=raw["data"],
            resolution_s=raw["resolution_s"],
        )


def _decoded(line: str) -> Any:
    """Return the object in `line`, also where it holds a NaN, which is no JSON."""
    try:
        return _decode(line)
    except msgspec.DecodeError:
        return json.loads(line)


class Timeline:
    """Events in the order of their arrival. Safe to append to from several threads.

    With a `path` every event is also written there at once, so that a killed run leaves
    what it had seen.
    """

    def __init__(self, path: Path | None = None, *, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self._events: list[Event] = []
        self._latest: float | None = None
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8", buffering=1) if path else None

    def append(self, event: Event) -> Event:
        """Keep `event` and return it."""
        with self._lock:
            self._events.append(event)
            self._latest = event.mono if event.mono is not None else self._latest
            if self._file:
                self._file.write(event.to_json() + "\n")
        return event

    def record(
        self,
        source: Source,
        kind: str,
        subject: str = "",
        *,
        resolution_s: float = 0.0,
        **data: Any,
    ) -> Event:
        """Append an event that is happening now, by this machine's clocks."""
        return self.append(
            Event(
                at=self.clock.now(),
                mono=self.clock.monotonic(),
                source=source,
                kind=kind,
                subject=subject,
                data=data,
                resolution_s=resolution_s,
            )
        )

    @property
    def latest(self) -> float | None:
        """When an event of this machine's clocks arrived last, by its monotonic clock; None if none did."""
        return self._latest

    def select(
        self,
        *,
        source: Source | None = None,
        kind: str | None = None,
        where: Callable[[Event], bool] | None = None,
    ) -> list[Event]:
        """Return the events of that source and kind for which `where` holds, oldest arrival first."""
        return [
            event
            for event in self
            if (source is None or event.source == source)
            and (kind is None or event.kind == kind)
            and (where is None or where(event))
        ]

    def close(self) -> None:
        """Close the file; the events stay readable."""
        with self._lock:
            if self._file:
                self._file.close()
                self._file = None

    def __iter__(self) -> Iterator[Event]:
        with self._lock:
            snapshot = tuple(self._events)
        return iter(snapshot)

    def __len__(self) -> int:
        return len(self._events)


def read_timeline(path: Path) -> Timeline:
    """Read a timeline.jsonl. A torn last line, as a killed run leaves it, is dropped.

    Raises:
        UsageError: the file is missing, or a line other than the last is no event.

    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(
            f"cannot read {path}", found=str(error), expected="a timeline.jsonl of a run"
        ) from error
    timeline = Timeline()
    for number, line in enumerate(lines, start=1):
        try:
            timeline.append(Event.from_json(line))
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            raise UsageError(f"{path}:{number}: no timeline event", found=str(error)) from error
    return timeline
