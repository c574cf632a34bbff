"""The record of a run: written whole, read as it was, refused where it is none of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from aftershock.errors import UsageError
from aftershock.report.record import RunRecord, ScenarioRecord, StepRecord, read_run, write_record

AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
RUN = RunRecord(id="r1", began=AT, state="running", profile="ci", cluster="kind", planned=("a", "b"))
A = ScenarioRecord(
    name="A", template="A", feature="F", file="features/a.feature", line=3, outcome="passed",
    began=AT, ended=AT, tags=("recovery",), example=(("service", "web"),),
    steps=(StepRecord(text="Given x", outcome="passed", began=AT, seconds=1.5),),
)  # fmt: skip


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_record(tmp_path / "run.json", RUN)
    write_record(tmp_path / "a" / "scenario.json", A)
    recorded = read_run(tmp_path)
    assert recorded.run == RUN
    # The second was never run, or its run was killed.
    assert list(recorded.scenarios()) == [(tmp_path / "a", A)]
    assert recorded.verdicts(tmp_path / "a") == []
    assert list(recorded.events(tmp_path / "a")) == []
    assert not list(tmp_path.rglob("*.new"))


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no recorded run"):
        read_run(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", '{"id": 3}', "[]"])
def test_a_file_that_is_none_of_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot read"):
        read_run(tmp_path)


def test_a_later_version(tmp_path: Path) -> None:
    write_record(tmp_path / "run.json", msgspec.structs.replace(RUN, format=99))
    with pytest.raises(UsageError, match="later version"):
        read_run(tmp_path)
