"""How a pod resolves names: its own resolv.conf."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Resolving", "read_resolving"]

DEFAULT_NDOTS = 1


@dataclass(frozen=True, kw_only=True)
class Resolving:
    """The servers that are asked, the suffixes that are tried, and from how many dots on a name is whole."""

    servers: tuple[str, ...]
    search: tuple[str, ...] = ()
    ndots: int = DEFAULT_NDOTS

    def candidates(self, name: str) -> tuple[str, ...]:
        """Return the names that are asked for, in order, when an application asks for `name`."""
        if name.endswith("."):
            return (name.rstrip("."),)
        searched = tuple(f"{name}.{suffix}" for suffix in self.search)
        return (name, *searched) if name.count(".") >= self.ndots else (*searched, name)

    def means(self, chosen: str, asked: str) -> bool:
        """Whether a query for `asked` is a query for the `chosen` name: itself, or with a suffix.

        "*" chooses every name, "*.example.com" every name below example.com.
        """
        chosen = chosen.lower().rstrip(".")
        if chosen.startswith("*"):
            return asked.endswith(chosen[1:])
        return asked == chosen or any(asked == f"{chosen}.{suffix}" for suffix in self.search)


def read_resolving(file: Path) -> Resolving:
    """Read a resolv.conf. What cannot be read there is passed over, as resolvers do.

    Raises:
        OSError: it cannot be read at all.

    """
    servers: list[str] = []
    search: tuple[str, ...] = ()
    ndots = DEFAULT_NDOTS
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        word, *rest = line.split() or [""]
        if word == "nameserver" and rest and _is_address(rest[0]):
            servers.append(rest[0])
        elif word in {"search", "domain"}:
            search = tuple(suffix.lower().rstrip(".") for suffix in rest)
        elif word == "options":
            for option in rest:
                name, _, value = option.partition(":")
                ndots = int(value) if name == "ndots" and value.isdecimal() else ndots
    return Resolving(servers=tuple(dict.fromkeys(servers)), search=search, ndots=ndots)


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True
