"""The manifests of the reaper, for a cluster of one's own: it undoes what a vanished harness left."""

from __future__ import annotations

import re
from pathlib import Path

from aftershock.errors import ConfigError

__all__ = ["write_reaper"]

_SOURCE = Path(__file__).parent / "reaper-manifests"
_OURS = "aftershock.dev/components"
_IMAGE = re.compile(r"(?P<name>[\w./:-]+?)(?::(?P<tag>[\w.-]+)|@(?P<digest>sha256:[0-9a-f]{64}))")


def write_reaper(folder: Path, *, image: str) -> list[Path]:
    """Write the manifests into `folder`, to be applied by `kubectl apply -k`, with `image` for the reaper.

    Raises:
        ConfigError: something is there already, or the image is named without a tag or digest.

    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", expected="a new folder", hint="name another one")
    parts = _IMAGE.fullmatch(image)
    if parts is None:
        raise ConfigError(f"{image!r} names no image", expected="NAME:TAG or NAME@DIGEST", found=image)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in sorted(_SOURCE.glob("*.yaml")):
        text = source.read_text(encoding="utf-8")
        if source.name == "kustomization.yaml":
            which = "newTag" if parts["tag"] else "digest"
            text += f"images:\n  - name: {_OURS}\n    newName: {parts['name']}\n"
            text += f'    {which}: "{parts["tag"] or parts["digest"]}"\n'
        (folder / source.name).write_text(text, encoding="utf-8")
        written.append(folder / source.name)
    return written
