"""Notifications in the order of their receipt: bounded in memory, appended to a file.

The file outlives the container (it is on the pod's emptyDir) and is read back at the
start. It is bounded too: at its limit it becomes `<name>.1`, in place of the one before.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

__all__ = ["Notification", "NotificationStore", "parse_instant", "rfc3339"]


def rfc3339(at: datetime) -> str:
    """`at` in UTC with microseconds: 2026-11-02T10:00:00.000000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 time.

    Raises:
        ValueError: it is none, or has no offset.

    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return at.astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One call of the webhook. `sequence` counts from 1 and has no gaps."""

    sequence: int
    received_at: datetime
    payload: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return it as /notifications shows it and the file keeps it."""
        return {
            "sequence": self.sequence,
            "received_at": rfc3339(self.received_at),
            "payload": self.payload,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Notification:
        """Read what `to_dict` wrote.

        Raises:
            ValueError, KeyError, TypeError: it is nothing of the kind.

        """
        return cls(
            sequence=int(raw["sequence"]),
            received_at=parse_instant(raw["received_at"]),
            payload=dict(raw["payload"]),
        )


class NotificationStore:
    """The notifications kept. For one thread: the server's event loop.

    `keep` is how many stay in memory, `file_limit` bytes how long the file may grow.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep: int = 10_000,
        file_limit: int = 16 * 2**20,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path = path
        self.file_limit = file_limit
        self.now = now
        self.unreadable_lines = 0
        self._kept: deque[Notification] = deque(maxlen=keep)
        self._began: datetime | None = None
        for part in (self._rotated, path):
            self._load(part)
        if self._began is None:
            self._began = now()
            self._write({"began": rfc3339(self._began)})

    @property
    def complete_from(self) -> datetime:
        """The instant since which nothing is missing: the log's beginning, or the oldest kept."""
        if self._kept and self._kept[0].sequence > 1:
            return self._kept[0].received_at + timedelta(microseconds=1)
        return self._began or self.now()

    def append(self, payload: dict[str, Any]) -> Notification:
        """Keep `payload` as received now.

        The file comes first: what was answered with success is never lost.

        Raises:
            OSError: the file cannot be written; nothing was kept.

        """
        notification = Notification(
            sequence=self._kept[-1].sequence + 1 if self._kept else 1,
            received_at=self.now(),
            payload=payload,
        )
        self._write(notification.to_dict())
        self._kept.append(notification)
        return notification

    def since(self, instant: datetime | None) -> list[Notification]:
        """Return what was received at `instant` or later (all that is kept, for None), oldest first."""
        return [kept for kept in self._kept if instant is None or kept.received_at >= instant]

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def _rotated(self) -> Path:
        return self.path.with_name(self.path.name + ".1")

    def _write(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        if self.path.exists() and self.path.stat().st_size + len(line) > self.file_limit:
            self.path.replace(self._rotated)
        with self.path.open("ab") as file:
            file.write(line)

    def _load(self, path: Path) -> None:
        """Read back `path`. A line torn by a kill is counted, closed and passed over."""
        content = path.read_bytes() if path.exists() else b""
        for line in content.splitlines():
            try:
                record = json.loads(line)
                if "began" in record:
                    self._began = parse_instant(record["began"])
                else:
                    self._kept.append(Notification.from_dict(record))
            except (ValueError, KeyError, TypeError):
                self.unreadable_lines += 1
        if content and not content.endswith(b"\n"):
            with path.open("ab") as file:
                file.write(b"\n")
