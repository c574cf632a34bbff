"""What is made of one scenario's record: a picture, a table, the Events that matter; nothing of nothing."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from aftershock.report.evidence import write_evidence
from tests.conformance.generator import healthy_web
from tests.unit.report.told import FIRED, RECOVERED, scenario, story, write_scenario


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    told = story()
    for subject, ns, kind in (("pod/else/x", "else", "ADDED"), ("node/worker", "", "ADDED"),
                              ("pod/demo/web-2", "demo", "LISTED")):  # fmt: skip
        told.add(
            9, "kubernetes", "event", subject, reason="Odd", message="token: abcdefgh", severity="Warning",
            type=kind, namespace=ns, count=1,
        )  # fmt: skip
    write_scenario(tmp_path / "a", scenario(), told.timeline, [FIRED, RECOVERED])
    write_evidence(tmp_path / "a", name="A pod is killed")
    return tmp_path / "a"


def test_the_picture_stands_alone(folder: Path) -> None:
    picture = ET.fromstring((folder / "timeline.svg").read_text(encoding="utf-8"))
    assert picture.find("{*}style") is not None
    assert picture.findtext("{*}title") == "A pod is killed"


def test_the_verdicts_are_a_table(folder: Path) -> None:
    text = (folder / "verdicts.html").read_text(encoding="utf-8")
    assert "PodOOMKilled fires within 20 s" in text
    assert "4.5 s" in text


def test_events_of_the_target_and_of_nodes_since_the_fault(folder: Path) -> None:
    lines = (folder / "events.txt").read_text(encoding="utf-8").splitlines()
    assert lines == [
        "2026-03-01T12:00:04.000000Z  Warning BackOff (x2)  pod/demo/web-1: Back-off <restarting>",
        "2026-03-01T12:00:09.000000Z  Warning Odd  node/worker: token: <redacted>",
    ]


def test_without_a_record_nothing_is_written(tmp_path: Path) -> None:
    write_evidence(tmp_path, name="x")
    assert not list(tmp_path.iterdir())


def test_without_verdicts_and_events_there_is_a_picture_alone(tmp_path: Path) -> None:
    write_scenario(tmp_path / "a", scenario(), healthy_web().end(9).timeline, [])
    write_evidence(tmp_path / "a", name="x")
    made = {path.name for path in (tmp_path / "a").iterdir()}
    assert made == {"scenario.json", "timeline.jsonl", "verdicts.json", "timeline.svg"}
