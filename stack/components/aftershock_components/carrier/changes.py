"""What an act changes on a node: written down there before it is changed, and put back.

The file outlives the carrier. Another one, of the same fault, puts back what a killed one
could not. Each kind of change knows how: a function that is given the entry, puts it back
if it is still there, and says whether it had to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Changes", "Entry", "PutBack"]

Entry = dict[str, Any]
PutBack = Callable[[Entry], bool]


class Changes:
    """The changes of one fault, in the file `state`. `kinds` says how each kind is put back."""

    def __init__(self, *, state: Path, kinds: Mapping[str, PutBack]) -> None:
        self.state = state
        self.kinds = kinds

    def remember(self, kind: str, **facts: Any) -> None:
        """Write down what is about to be changed, and wait until the disk has it."""
        self._write([*self.remembered(), {"kind": kind, **facts}])

    def remembered(self) -> list[Entry]:
        """Return what is written down, oldest first."""
        try:
            entries: list[Entry] = json.loads(self.state.read_text(encoding="ascii"))
        except FileNotFoundError:
            return []
        return entries

    def put_back(self) -> list[Entry]:
        """Put everything back, latest first, and forget it; return what had to be. Idempotent.

        Every entry is tried. What cannot be put back stays written down.

        Raises:
            OSError: something could not be put back; of several, the first.

        """
        restored, left, errors = [], [], []
        for entry in reversed(self.remembered()):
            try:
                if self.kinds[entry["kind"]](entry):
                    restored.append(entry)
            except OSError as error:
                left.insert(0, entry)
                errors.append(error)
        if errors:
            self._write(left)
            raise errors[0]
        self.state.unlink(missing_ok=True)
        return restored

    def _write(self, entries: list[Entry]) -> None:
        self.state.parent.mkdir(parents=True, exist_ok=True)
        draft = self.state.with_suffix(".draft")
        with draft.open("w", encoding="ascii") as file:
            json.dump(entries, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.state)  # whole or not at all
