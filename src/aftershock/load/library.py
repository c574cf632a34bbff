"""What locustfiles share, for those of other projects as well: `from common import Shape, WebUser`.

In a checkout that is the folder loadtests/; a package has a copy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["files_with_library", "with_library"]

_LIBRARY = Path(__file__).parent / "locust-files"


def with_library(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which a locustfile finds it, after the files of its own folder."""
    paths = [path for path in (environ.get("PYTHONPATH", ""), str(_LIBRARY)) if path]
    return {**environ, "PYTHONPATH": os.pathsep.join(paths)}


def files_with_library(locustfile: Path) -> dict[str, str]:
    """Return the files beside a locustfile, and those of the library that are not among them, by name."""
    paths = {path.name: path for folder in (_LIBRARY, locustfile.parent) for path in folder.glob("*.py")}
    return {name: path.read_text(encoding="utf-8") for name, path in sorted(paths.items())}
