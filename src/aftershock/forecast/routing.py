"""Who is told of an alert, and how long Alertmanager waits before: its routing tree, read.

https://prometheus.io/docs/alerting/latest/configuration/ gives the tree's meaning and the
times that hold where none is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aftershock.forecast.promql import seconds

__all__ = ["Notify", "UndecidedError", "routes"]

_MATCHER = re.compile(r"""^\s*\{?\s*"?([^"=!~\s]+)"?\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*\}?\s*$""", re.DOTALL)


class UndecidedError(ValueError):
    """A route asks for a label of which nothing is known."""


@dataclass(frozen=True, kw_only=True)
class Notify:
    """A receiver, and the waits in seconds before it is told.

    A new group waits for `group_wait_s`, a change of one for the rest of `group_interval_s`;
    what does not change is told again after `repeat_s`.
    """

    receiver: str
    group_wait_s: float = 30.0
    group_interval_s: float = 300.0
    repeat_s: float = 14400.0

    def __str__(self) -> str:
        """Say it for a person."""
        return f"{self.receiver} after {self.group_wait_s:g} s"


def routes(config: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[Notify, ...]:
    """Return who is told of an alert of which `labels` are known, in the order of the tree.

    Raises:
        UndecidedError: that depends on a label that is not among them.
        ValueError: the tree cannot be read.

    """
    root = config.get("route") or {}
    return tuple(_walk(root, Notify(receiver=str(root.get("receiver", ""))), labels))


def _walk(route: Mapping[str, Any], inherited: Notify, labels: Mapping[str, str]) -> Iterator[Notify]:
    own = _own(route, inherited)
    matched = False
    for child in route.get("routes") or ():
        if not _matches(child, labels):
            continue
        matched = True
        yield from _walk(child, own, labels)
        if not child.get("continue"):
            break
    if not matched:
        yield own


def _own(route: Mapping[str, Any], inherited: Notify) -> Notify:
    def time(key: str, otherwise: float) -> float:
        return seconds(str(route[key])) if key in route else otherwise

    return Notify(
        receiver=str(route.get("receiver") or inherited.receiver),
        group_wait_s=time("group_wait", inherited.group_wait_s),
        group_interval_s=time("group_interval", inherited.group_interval_s),
        repeat_s=time("repeat_interval", inherited.repeat_s),
    )


def _matches(route: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = [(name, "=", str(value)) for name, value in (route.get("match") or {}).items()]
    wanted += [(name, "=~", str(value)) for name, value in (route.get("match_re") or {}).items()]
    wanted += [_matcher(str(text)) for text in route.get("matchers") or ()]
    return all(_holds(labels, *matcher) for matcher in wanted)


def _matcher(text: str) -> tuple[str, str, str]:
    found = _MATCHER.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no matcher")
    return found[1], found[2], found[3]


def _holds(labels: Mapping[str, str], name: str, sign: str, value: str) -> bool:
    if name not in labels:
        raise UndecidedError(f"who is told depends on the label {name}")
    same = labels[name] == value if "~" not in sign else bool(re.fullmatch(value, labels[name]))
    return same != sign.startswith("!")
