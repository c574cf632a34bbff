"""A value in a file of the kernel: written for a while, and put back if it is still ours."""

from __future__ import annotations

from pathlib import Path

from aftershock_components.carrier.changes import Changes, Entry

__all__ = ["KIND", "put_back", "write"]

KIND = "value"


def write(file: Path, value: str, *, changes: Changes) -> None:
    """Write `value` into `file`, whose path must name what it belongs to for all time (a container's id)."""
    before = file.read_text(encoding="ascii").strip()
    if before != value:
        changes.remember(KIND, file=str(file), before=before, value=value)
        file.write_text(value, encoding="ascii")


def put_back(entry: Entry) -> bool:
    """Put back what was there, unless the file is gone or someone else has written to it since."""
    file = Path(entry["file"])
    try:
        if file.read_text(encoding="ascii").strip() != entry["value"]:
            return False
        file.write_text(entry["before"], encoding="ascii")
    except FileNotFoundError:
        return False
    return True
