"""A run's folder in the history: all that is kept of it, nothing secret, however often it is entered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from aftershock.history.store import History
from aftershock.report.record import read_run, write_record
from aftershock.report.remembering import facts_of, import_runs
from tests.unit.report.recorded import BEGAN, folder, recovers

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl"


def test_what_is_kept_of_a_run(tmp_path: Path) -> None:
    facts = facts_of(read_run(folder(tmp_path / "r1", recovers(), scenarios=2)))
    assert (facts.id, facts.state, facts.profile, facts.cluster) == ("r1", "finished", "ci", "kind")
    assert (facts.began, facts.planned, facts.environment) == (BEGAN, 2, {"kubernetes": "v1.34.0"})
    assert (facts.figures.scenarios, facts.figures.requests) == (2, 20)
    first, second = facts.scenarios
    assert (first.folder, first.file, first.template, first.example) == (
        "web-0", "features/web.feature", "Web", {"number": "web-0"},
    )  # fmt: skip
    assert [(one.kind, one.value) for one in second.measures] == [("recovery", 5.25)]
    assert (first.outcome, first.alarms) == ("passed", None)


def test_nothing_that_looks_like_a_credential_gets_into_the_history(tmp_path: Path) -> None:
    verdict = replace(recovers(f"said {TOKEN}"), name=f"x {TOKEN}", reason=f"token: {TOKEN}", expected=TOKEN)
    run = folder(tmp_path / "r1", verdict, message=f"Authorization: Bearer {TOKEN}")
    record = msgspec.structs.replace(read_run(run).run, why=TOKEN, environment={"a": TOKEN})
    write_record(run / "run.json", record)
    import_runs([run], tmp_path / "history.db", keep=9)
    with History(tmp_path / "history.db") as history:
        assert history.runs() == ["r1"]
    written = b"".join(path.read_bytes() for path in tmp_path.glob("history.db*"))
    assert b"redacted" in written
    assert b"eyJzdWIi" not in written


def test_what_is_wrong_with_one_folder_keeps_no_other_out(tmp_path: Path) -> None:
    good, later = folder(tmp_path / "good", recovers()), folder(tmp_path / "later", recovers(), night=1)
    (tmp_path / "none").mkdir()
    broken = folder(tmp_path / "broken", recovers())
    (broken / "web-0" / "verdicts.json").write_text("{")
    old = folder(tmp_path / "old", recovers())
    lines = (old / "web-0" / "timeline.jsonl").read_text(encoding="utf-8").replace('"failures"', '"faults"')
    (old / "web-0" / "timeline.jsonl").write_text(lines, encoding="utf-8")
    folders = [later, tmp_path / "none", broken, old, good]
    for _ in range(2):
        found = {one.folder.name: one for one in import_runs(folders, tmp_path / "history.db", keep=9)}
        assert {name for name, one in found.items() if one.entered} == {"good", "later"}
        assert "there is no recorded run" in found["none"].problem
        assert "cannot read" in found["broken"].problem
        assert "is not one that this version judges\n  found: KeyError('failures')" in found["old"].problem
        with History(tmp_path / "history.db") as history:
            assert history.runs() == ["good", "later"]


def test_a_run_older_than_all_that_are_kept_is_not_and_its_folder_stays(tmp_path: Path) -> None:
    folders = [folder(tmp_path / f"r{night}", recovers(), night=night) for night in range(3)]
    found = import_runs(folders, tmp_path / "history.db", keep=2)
    assert [one.entered for one in found] == [True, True, True]
    [again] = import_runs(folders[:1], tmp_path / "history.db", keep=2)
    assert str(again) == "r0: not entered: older than all runs that are kept"
    assert (folders[0] / "web-0" / "timeline.jsonl").is_file()
    with History(tmp_path / "history.db") as history:
        assert history.runs() == ["r1", "r2"]


def test_a_killed_run_is_entered_with_what_had_ended(tmp_path: Path) -> None:
    run = folder(tmp_path / "r1", recovers(), scenarios=2)
    write_record(run / "run.json", msgspec.structs.replace(read_run(run).run, state="running", ended=None))
    (run / "web-1" / "scenario.json").unlink()
    facts = facts_of(read_run(run))
    assert (facts.state, facts.ended, len(facts.scenarios), facts.planned) == ("running", None, 1, 2)
