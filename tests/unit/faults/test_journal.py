"""The journal: on the disk before the act, and readable whatever tore it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aftershock.errors import UsageError
from aftershock.faults.journal import Journal, Record


def record(fault_id: str = "a") -> Record:
    return Record(
        run_id="run1",
        fault_id=fault_id,
        fault="node-drain",
        state="planned",
        target=["node/worker"],
        undo={"node": "worker"},
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def test_no_file_is_no_record(journal: Journal) -> None:
    assert list(journal.latest()) == []


def test_there_and_back(journal: Journal) -> None:
    journal.write(record())
    assert list(journal.latest()) == [record()]


def test_the_last_record_of_a_fault_counts(journal: Journal) -> None:
    for entry in (record("a"), record("b"), record("a").advanced("injected"), record("b").advanced("undone")):
        journal.write(entry)
    assert [(entry.fault_id, entry.state) for entry in journal.latest()] == [
        ("a", "injected"),
        ("b", "undone"),
    ]
    assert [entry.fault_id for entry in journal.open_records()] == ["a"]


def test_open_records_come_latest_first(journal: Journal) -> None:
    for name in "abc":
        journal.write(record(name))
    assert [entry.fault_id for entry in journal.open_records()] == ["c", "b", "a"]


def test_a_torn_last_line_is_an_act_that_had_not_begun(journal: Journal) -> None:
    journal.write(record("a"))
    with journal.path.open("ab") as file:
        file.write(b'{"run_id":"run1","fault_id":"b"')
    assert [entry.fault_id for entry in journal.latest()] == ["a"]


def test_what_is_written_after_a_torn_line_is_kept(journal: Journal) -> None:
    journal.write(record("a"))
    with journal.path.open("ab") as file:
        file.write(b'{"run_id":"run1","fault_id":"b"')
    journal.write(record("a").advanced("undone"))
    assert journal.open_records() == []
    journal.write(record("c"))
    assert [entry.fault_id for entry in journal.latest()] == ["a", "c"]


def test_a_file_that_is_torn_in_its_first_line(journal: Journal) -> None:
    journal.path.write_bytes(b'{"run_id"')
    journal.write(record("a"))
    assert [entry.fault_id for entry in journal.latest()] == ["a"]


@pytest.mark.parametrize("wrong", [b"{", b"{}", b"[]", b'{"run_id":"run1","fault_id":"b"'])
def test_any_other_line_that_is_no_record_is_named(journal: Journal, wrong: bytes) -> None:
    journal.path.write_bytes(wrong + b"\n")
    journal.write(record())
    with pytest.raises(UsageError, match=r"journal\.jsonl:1: no journal record"):
        list(journal.latest())
