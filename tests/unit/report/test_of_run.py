from __future__ import annotations

import json
from pathlib import Path

from aftershock.report.of_run import attach_to_run


def test_every_text_is_an_attachment_that_is_there(tmp_path: Path) -> None:
    attach_to_run(tmp_path, {"figures": "MTTR 3 s", "no alerts": "", "all alerts": "NodeDown"})
    [index] = tmp_path.glob("*-globals.json")
    attachments = json.loads(index.read_text())["attachments"]
    assert [(one["name"], (tmp_path / one["source"]).read_text()) for one in attachments] == [
        ("figures", "MTTR 3 s"),
        ("all alerts", "NodeDown"),
    ]


def test_without_texts_nothing_is_written(tmp_path: Path) -> None:
    attach_to_run(tmp_path, {"alerts": ""})
    assert list(tmp_path.iterdir()) == []
