"""A history of an older version is brought up to date after a copy; any other is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aftershock.errors import HistoryError
from aftershock.history import opening
from aftershock.history.opening import open_history
from aftershock.history.schema import VERSIONS
from aftershock.history.store import History
from tests.unit.history.made import recovery, run, scenario

FIRST = Path(__file__).parent / "version-1.sql"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file as version 1 wrote it, with one run."""
    path = tmp_path / "history.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST.read_text(encoding="utf-8"))
    return path


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def tables(path: Path) -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT name, sql FROM sqlite_master"))


def test_the_first_version_was_never_edited(old: Path, tmp_path: Path) -> None:
    open_history(tmp_path / "new.db", versions=VERSIONS[:1]).close()
    assert tables(tmp_path / "new.db") == tables(old)


def test_an_older_file_is_copied_and_brought_up_to_date(old: Path) -> None:
    before = tables(old)
    with History(old) as history:
        assert history.runs() == ["old"]
        assert [point.value for one in history.series() for point in one.points] == [4.5]
        # What version 1 did not keep is not known, and not made up.
        assert history.figures()[1] == 0
        history.add(run(1, scenario(recovery(5.0))), keep=9)
        assert history.figures()[1] == 1
    assert version(old) == len(VERSIONS) == 2
    copy = old.with_name("history.db.version-1")
    assert (version(copy), tables(copy)) == (1, before)
    assert not list(old.parent.glob("*.new"))


def test_a_migrated_file_has_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    open_history(old).close()
    open_history(tmp_path / "new.db").close()
    assert tables(old) == tables(tmp_path / "new.db")


def test_a_step_that_fails_changes_nothing(old: Path) -> None:
    before = tables(old)
    broken = (*VERSIONS, ("CREATE TABLE more (id INTEGER)", "ALTER TABLE missing ADD COLUMN x"))
    with pytest.raises(HistoryError, match="no such table: missing"):
        open_history(old, versions=broken)
    assert (version(old), tables(old)) == (1, before)
    with History(old) as history:
        assert history.runs() == ["old"]


def test_one_that_another_process_has_just_brought_up_to_date_is_left_as_it_is(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = opening._copy

    def slow(connection: sqlite3.Connection, target: Path) -> None:
        copy(connection, target)
        monkeypatch.setattr(opening, "_copy", copy)
        open_history(old).close()  # the other one, before our transaction

    monkeypatch.setattr(opening, "_copy", slow)
    with History(old) as history:  # a second ALTER TABLE would fail
        assert history.runs() == ["old"]
    assert version(old) == len(VERSIONS)


def test_a_later_version_is_refused_and_left_alone(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = old.read_bytes()
    with pytest.raises(HistoryError, match="later version") as refused:
        History(old)
    assert "version 2 or older" in str(refused.value)
    assert old.read_bytes() == before


def test_a_database_of_others_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="is no history of Aftershock"):
        History(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.write_text("notes\n" * 200, encoding="utf-8")
    with pytest.raises(HistoryError, match="not a database") as refused:
        History(path)
    assert "move the file away" in str(refused.value)
    assert path.read_text(encoding="utf-8").startswith("notes")


def test_a_place_where_no_file_can_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match="cannot be used"):
        History(tmp_path / "file" / "history.db")
