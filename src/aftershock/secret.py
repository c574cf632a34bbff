"""A value that is used and never written: what a step takes as `{token:Secret}`.

A feature file says where it is (`env:SHOP_TOKEN`, `file:secrets/token`), so it stands in no
repository; code gets it by `reveal()`. Whoever prints, formats or logs the object itself gets the
place. The value is known to aftershock.redaction from then on, so where code does pass it on, it
does not reach what is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from aftershock.errors import ConfigError
from aftershock.redaction import SHORTEST, know

__all__ = ["Secret", "read_secret"]

_PLACES = "env:NAME (a variable of the environment) or file:PATH (from the project's folder)"


class Secret:
    """The secret at `place`. Equal to another only if it is the same object."""

    __slots__ = ("_value", "place")

    def __init__(self, value: str, *, place: str) -> None:
        know(value)
        self._value = value
        self.place = place

    def reveal(self) -> str:
        """Return the value, to be used and not to be kept."""
        return self._value

    def __str__(self) -> str:
        return f"<secret {self.place}>"

    __repr__ = __str__

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: that would write the value."""
        raise TypeError(f"{self} is not written anywhere")


def read_secret(place: str, *, root: Path, environ: Mapping[str, str] | None = None) -> Secret:
    """Return the secret at `place`: "env:NAME", or "file:PATH" with a path from `root`.

    Raises:
        ConfigError: that is no place, nothing is there, or it is too short to be kept out of texts.

    """
    kind, _, name = place.partition(":")
    if kind == "env" and name:
        value = (os.environ if environ is None else environ).get(name, "")
    elif kind == "file" and name:
        value = _content(root / name, place)
    else:
        know(place)  # whoever writes a secret here does not want to see it in an error either
        raise ConfigError("a secret is named by where it is, not written down", expected=_PLACES)
    value = value.strip()
    if not value:
        raise ConfigError(
            f"there is no secret at {place}",
            expected=f"{name}, set and not empty" if kind == "env" else "a file that is not empty",
            hint=f"export {name}=…" if kind == "env" else f"write the secret to {root / name}",
        )
    if len(value) < SHORTEST:
        raise ConfigError(
            f"the secret at {place} is too short",
            expected=f"{SHORTEST} characters or more: a shorter one stands by chance in many texts, "
            "and could not be kept out of reports",
            found=f"{len(value)}",
        )
    return Secret(value, place=place)


def _content(path: Path, place: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the secret at {place}", found=str(error)) from error
