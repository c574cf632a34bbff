"""One run: its id, its folder under reports/, and the folders of its scenarios."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aftershock.clock import Clock, SystemClock
from aftershock.errors import ConfigError

__all__ = ["Run", "joined_run", "new_run", "slugs"]

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SLUG_LENGTH = 80


@dataclass(frozen=True, kw_only=True)
class Run:
    """One `pytest features/`. `folder` is reports/<id>/; it exists once the run has begun.

    `lane` numbers, from 1, a process of the run that runs some of its scenarios beside others; 0 is the
    run's own process.
    """

    id: str
    folder: Path
    lane: int = 0

    @property
    def journal_folder(self) -> Path:
        """Where this process keeps its journal: each its own, so that none undoes what another has begun."""
        return self.folder / "lanes" / str(self.lane) if self.lane else self.folder


def new_run(reports: Path, *, run_id: str | None = None, clock: Clock | None = None) -> Run:
    """Name a run and its folder below `reports`; nothing is made on the disk.

    Without a `run_id` it is the time (UTC, to the second) and four random hex digits.

    Raises:
        ConfigError: `run_id` cannot name a folder, or was used before.

    """
    if run_id is None:
        at = (clock or SystemClock()).now()
        return _run(reports, f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")
    if not _RUN_ID.fullmatch(run_id):
        raise ConfigError(
            f"--run-id {run_id!r} cannot name a run",
            expected="letters, digits, dots, underscores and hyphens; at most 63; a letter or digit first",
        )
    run = _run(reports, run_id)
    if run.folder.exists():
        raise ConfigError(
            f"--run-id {run_id!r} was used before: {run.folder} is there",
            expected="a new id for every run: what an earlier one observed is never overwritten",
            hint="leave --run-id out, or remove that folder",
        )
    return run


def joined_run(reports: Path, *, run_id: str, lane: int) -> Run:
    """Return a run that has begun, as its process number `lane` sees it."""
    return Run(id=run_id, folder=reports / run_id, lane=lane)


def _run(reports: Path, run_id: str) -> Run:
    return Run(id=run_id, folder=reports / run_id)


def slugs(names: Sequence[str]) -> list[str]:
    """Return a folder name for each of `names`, in their order; no two are the same."""
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        base = (
            re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:_SLUG_LENGTH].rstrip("-") or "scenario"
        )
        slug = next(
            s for n in range(1, len(names) + 1) if (s := base if n == 1 else f"{base}-{n}") not in taken
        )
        taken.add(slug)
        result.append(slug)
    return result
