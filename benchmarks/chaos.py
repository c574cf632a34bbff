"""Chaos Toolkit's command as benches run it, without the user's own settings, which may change it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["chaos_run"]


def chaos_run(experiment: Path, *options: str, journal: Path) -> list[str]:
    """Return the words of `chaos run` with more `options`."""
    chaos = [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file"]
    run = ["--settings", os.devnull, "run", *options]
    return [*chaos, *run, "--journal-path", str(journal), str(experiment)]
