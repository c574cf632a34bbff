"""What belongs to a run and to none of its scenarios: Allure shows it as global attachments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

__all__ = ["attach_to_run"]


def attach_to_run(results: Path, texts: Mapping[str, str]) -> None:
    """Add `texts`, by their names, to the Allure results in the folder `results`; empty ones are left out.

    The format is Allure 3's: a file whose name ends with -globals.json names the attachments.
    """
    attachments = []
    for name, text in texts.items():
        if text:
            source = f"aftershock-{name.replace(' ', '-')}-attachment.txt"
            (results / source).write_text(text, encoding="utf-8")
            attachments.append({"name": name, "source": source, "type": "text/plain"})
    if attachments:
        content = json.dumps({"attachments": attachments, "errors": []})
        (results / "aftershock-globals.json").write_text(content + "\n", encoding="utf-8")
