"""The policy: levels by time unacknowledged, and how far each class of alerts goes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Literal

import msgspec

from aftershock_components.durations import seconds

__all__ = ["Channel", "Class", "Level", "Policy", "PolicyError", "read_policy"]


class PolicyError(ValueError):
    """The policy cannot be carried out; says what was expected, and what was found."""


class Channel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and how somebody is told: `to` is an address for mail, `key` a routing key for pages."""

    kind: Literal["slack", "pagerduty", "mail"]
    url: str
    to: str = ""
    key: str = ""


class Level(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens once an alert has been unacknowledged for `after` ("5m")."""

    level: int
    after: str
    channels: tuple[str, ...]
    act: tuple[str, ...] = ()

    @property
    def after_s(self) -> int:
        """`after` in seconds."""
        return seconds(self.after)


class Class(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alerts that escalate alike, up to `up_to`: by name, or by labels that they have."""

    name: str
    up_to: int
    alerts: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with `labels` is of this class."""
        named = labels.get("alertname") in self.alerts
        labelled = bool(self.labels) and self.labels.items() <= labels.items()
        return named or labelled


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it. The first class that an alert is of counts; one of none is not escalated."""

    look_every: str
    levels: tuple[Level, ...]
    classes: tuple[Class, ...]
    channels: Mapping[str, Channel]

    @property
    def look_every_s(self) -> int:
        """`look_every` in seconds: how late a level may be."""
        return seconds(self.look_every)

    def class_of(self, labels: Mapping[str, str]) -> Class | None:
        """Return the class of an alert with `labels`, None if it is of none."""
        return next((found for found in self.classes if found.holds(labels)), None)

    def levels_for(self, labels: Mapping[str, str]) -> tuple[Level, ...]:
        """Return the levels that an alert with `labels` goes through, the first first."""
        found = self.class_of(labels)
        return tuple(level for level in self.levels if found and level.level <= found.up_to)


def read_policy(text: str) -> Policy:
    """Read a policy in TOML.

    Raises:
        PolicyError: it is none, or names a channel or a level that it does not define.

    """
    try:
        policy = msgspec.convert(tomllib.loads(text), Policy)
        times = [level.after_s for level in policy.levels]
        _ = policy.look_every_s
    except ValueError as error:
        raise PolicyError(f"the escalation policy cannot be read: {error}") from error
    numbers = [level.level for level in policy.levels]
    if numbers != sorted(set(numbers)) or times != sorted(set(times)):
        raise PolicyError(f"levels have to rise, and their times with them; found {numbers} after {times} s")
    unknown = {name for level in policy.levels for name in level.channels} - policy.channels.keys()
    if unknown:
        raise PolicyError(f"levels name channels that are not defined: {', '.join(sorted(unknown))}")
    beyond = [found.name for found in policy.classes if found.up_to not in numbers]
    if beyond:
        raise PolicyError(f"classes go up to levels that are not defined: {', '.join(beyond)}")
    return policy
