"""Write the metadata that an installed package has: its version and entry points. The image has no pip."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def register(pyproject: Path, folder: Path) -> None:
    """Write NAME-VERSION.dist-info into `folder`, from what pyproject.toml says of the project."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
    )
    groups = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{point} = {target}" for point, target in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    register(Path(sys.argv[1]), Path(sys.argv[2]))
