"""Who is to be told now: from the alerts that Alertmanager has, and what was told before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aftershock_components.escalation.policy import Level, Policy

__all__ = ["Alert", "Due", "Escalator", "Told", "alerts_of"]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert as Alertmanager has it. `quiet`: silenced, which acknowledges it, or inhibited."""

    fingerprint: str
    labels: Mapping[str, str]
    starts_at: datetime
    summary: str = ""
    quiet: bool = False

    @property
    def key(self) -> str:
        """What tells this incident from the next one of the same alert."""
        return f"{self.fingerprint}@{self.starts_at.isoformat()}"


@dataclass(frozen=True, kw_only=True)
class Due:
    """One message that is due: to one channel, because of one level, or because it is over."""

    alert: Alert
    level: Level
    channel: str
    over: bool = False

    @property
    def key(self) -> str:
        """What is remembered once it was delivered."""
        return f"{self.alert.key} {self.level.level} {self.channel}{' over' if self.over else ''}"


class Told:
    """What was delivered, kept in a file so that a restart tells nobody twice.

    What the ends of its incidents leave is dropped when the file is read anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, key: str) -> None:
        """Remember `key`.

        Raises:
            OSError: the file cannot be written.

        """
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{key}\n")
        self._keys.add(key)

    def keep(self, incidents: Iterable[str]) -> None:
        """Forget all incidents but these."""
        kept = set(incidents)
        left = {key for key in self._keys if key.split(" ", 1)[0] in kept}
        if left != self._keys:
            self._path.write_text("".join(f"{key}\n" for key in sorted(left)), encoding="utf-8")
            self._keys = left


class Escalator:
    """Decides; delivers nothing. A message is due until `delivered` says that it was."""

    def __init__(self, policy: Policy, told: Told) -> None:
        self.policy = policy
        self._told = told
        self._known: dict[str, Alert] = {}

    def due(self, alerts: Iterable[Alert], now: datetime) -> list[Due]:
        """Return what is due at `now`, given every alert that Alertmanager has then."""
        present = {alert.key: alert for alert in alerts}
        found = [due for alert in present.values() for due in self._levels(alert, now)]
        ended = [alert for key, alert in self._known.items() if key not in present]
        found += [due for alert in ended for due in self._ends(alert)]
        owing = {due.alert.key for due in found if due.over}
        self._known = present | {alert.key: alert for alert in ended if alert.key in owing}
        self._told.keep(self._known)
        return found

    def delivered(self, due: Due) -> None:
        """Remember that it was."""
        self._told.add(due.key)

    def level_of(self, alert: Alert, now: datetime) -> int:
        """Return the highest level whose time has come, 0 for none."""
        return max((level.level for level in self._reached(alert, now)), default=0)

    def _reached(self, alert: Alert, now: datetime) -> Iterator[Level]:
        if alert.quiet:
            return
        waited_s = (now - alert.starts_at).total_seconds()
        yield from (level for level in self.policy.levels_for(alert.labels) if level.after_s <= waited_s)

    def _levels(self, alert: Alert, now: datetime) -> Iterator[Due]:
        for level in self._reached(alert, now):
            for channel in level.channels:
                due = Due(alert=alert, level=level, channel=channel)
                if due.key not in self._told:
                    yield due

    def _ends(self, alert: Alert) -> Iterator[Due]:
        """Yield the end for each channel that was told of the beginning, once."""
        seen: set[str] = set()
        for level in self.policy.levels_for(alert.labels):
            for channel in level.channels:
                over = Due(alert=alert, level=level, channel=channel, over=True)
                began = Due(alert=alert, level=level, channel=channel)
                if channel not in seen and began.key in self._told:
                    seen.add(channel)
                    if over.key not in self._told:
                        yield over


def alerts_of(text: str | bytes) -> list[Alert]:
    """Read what Alertmanager's /api/v2/alerts answers.

    Raises:
        ValueError, KeyError, TypeError: it is nothing of the kind.

    """
    return [
        Alert(
            fingerprint=raw["fingerprint"],
            labels=raw["labels"],
            starts_at=datetime.fromisoformat(raw["startsAt"]),
            summary=raw["annotations"].get("summary", ""),
            quiet=bool(raw["status"]["silencedBy"] or raw["status"]["inhibitedBy"]),
        )
        for raw in json.loads(text)
    ]
