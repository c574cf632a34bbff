"""A recorded run judged again: the same to the byte, and what differs is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftershock.errors import UsageError
from aftershock.judge.question import Question
from aftershock.judge.recovery import recovered_within
from aftershock.report.again import judge_again
from aftershock.report.verdicts import Verdicts
from aftershock.timeline import Timeline
from aftershock.verdict import met
from tests.conformance.generator import healthy_web

WEB = "deployment/demo/web"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two scenarios: one with two verdicts, one that broke before its first."""
    folder = tmp_path / "run1" / "web-recovers"
    folder.mkdir(parents=True)
    timeline = Timeline(folder / "timeline.jsonl")
    verdicts = Verdicts(folder / "verdicts.json", profile="nightly")
    for event in healthy_web().injected(0).pod(1, "web-1", ready=False).pod(3, "web-1").end(9).timeline:
        timeline.append(event)
    verdicts.enforce(Question.of(recovered_within, workload=WEB, within_s=30).ask(timeline))
    with pytest.raises(AssertionError):
        verdicts.enforce(Question.of(recovered_within, workload=WEB, within_s=1).ask(timeline))
    for event in healthy_web().pod(20, "web-2", ready=False).end(90).timeline:
        timeline.append(event)  # the record goes on after the verdict
    timeline.close()
    broken = tmp_path / "run1" / "another"
    broken.mkdir()
    (broken / "timeline.jsonl").touch()
    return tmp_path / "run1"


def change(run: Path, **fields: object) -> None:
    path = run / "web-recovers" / "verdicts.json"
    raw = json.loads(path.read_text())
    raw[0] |= fields
    path.write_text(json.dumps(raw))


def test_as_recorded(run: Path) -> None:
    broken, scenario = judge_again(run)
    assert (scenario.scenario, len(scenario.recorded), scenario.as_recorded) == ("web-recovers", 2, 2)
    lines = list(scenario.lines())
    assert lines[1] == f"  met: {WEB} recovers within 30 s: 2.0 s"
    assert lines[2] == f"  {WEB} recovers within 1 s: violated"
    assert "DIFFERS" not in "\n".join(lines)
    assert list(broken.lines()) == ["another", "  no verdict was given"]


def test_written_again_it_is_the_same_to_the_byte(run: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    scenario = judge_again(run)[1]
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    written = scenario.write(tmp_path / "again")
    assert written == tmp_path / "again" / "web-recovers" / "verdicts.json"
    assert written.read_bytes() == (run / "web-recovers" / "verdicts.json").read_bytes()


def test_a_scenarios_own_folder(run: Path) -> None:
    (scenario,) = judge_again(run / "web-recovers")
    assert scenario.as_recorded == 2


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"status": "unknown"}, "DIFFERS in status"),
        ({"observed": 2}, "DIFFERS in observed"),  # 2.0 by the judge: other bytes
        ({"evidence": ["seen"]}, "DIFFERS in evidence"),
    ],
)
def test_what_differs_is_told(run: Path, fields: dict[str, object], told: str) -> None:
    change(run, **fields)
    scenario = judge_again(run)[1]
    assert scenario.as_recorded == 1
    assert told in "\n".join(scenario.lines())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"question": None}, "what was asked was not kept with the verdict"),
        ({"question": {"judge": "x", "arguments": {}, "events": 1}}, "there is no judge 'x'"),
        ({"question": {"judge": "cpu_passed", "arguments": {}, "events": 9999}}, "the record is not whole"),
    ],
)
def test_what_cannot_be_judged_is_no_agreement(
    run: Path, tmp_path: Path, fields: dict[str, object], told: str
) -> None:
    change(run, **fields)
    scenario = judge_again(run)[1]
    assert scenario.as_recorded == 1
    (line,) = [line for line in scenario.lines() if "NOT JUDGED" in line]
    assert told in line
    with pytest.raises(UsageError, match="none is written"):
        scenario.write(tmp_path / "again")


def test_verdicts_of_before_questions_were_kept_are_read(run: Path) -> None:
    path = run / "web-recovers" / "verdicts.json"
    old = met("it", expected="x", observed=1).to_dict()
    del old["question"]
    path.write_text(json.dumps([old]))
    assert judge_again(run)[1].as_recorded == 0


@pytest.mark.parametrize("text", ["{", '[{"name": "it"}]', '[{"nam": "it"}]', "3"])
def test_a_file_that_holds_no_verdicts(run: Path, text: str) -> None:
    (run / "web-recovers" / "verdicts.json").write_text(text)
    with pytest.raises(UsageError, match="cannot read"):
        judge_again(run)


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no recorded run"):
        judge_again(tmp_path)
