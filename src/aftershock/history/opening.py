"""Opening a history: a new one is made, an older one is brought up to date, any other is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from aftershock.errors import HistoryError
from aftershock.history.schema import APPLICATION, VERSIONS

__all__ = ["open_history", "told", "transaction"]

_BUSY_S = 30.0
"""How long to wait for another process that writes; one run's import takes well below a second."""


def open_history(path: Path, *, versions: Sequence[Sequence[str]] = VERSIONS) -> sqlite3.Connection:
    """Return a connection to the history in `path`, made or brought up to date.

    It is in WAL mode: who reads is not held up by who writes. An older file is copied beside itself first
    (history.db.version-1). `versions` is how it is made; tests give an older one.

    Raises:
        HistoryError: it cannot be opened, is none of ours, or is of a later version.

    """
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        with told(path):
            _prepare(connection, path, versions)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(
    connection: sqlite3.Connection, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE"
) -> Iterator[None]:
    """Do all of it or nothing; others may read meanwhile what was before. DEFERRED is for reading."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours.

    Raises:
        HistoryError: SQLite, or the file system, refused.

    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise HistoryError(
            f"the history in {path} cannot be used; what it held before is as it was",
            found=f"{type(error).__name__}: {error}",
            hint=_hint(error),
        ) from error


def _hint(error: BaseException) -> str:
    again = "the run's folder is whole: `aftershock history --import FOLDER` enters it later"
    if "full" in str(error) or "disk I/O" in str(error) or isinstance(error, OSError):
        return f"make room on the disk; {again}"
    if "not a database" in str(error) or "malformed" in str(error):
        return "move the file away; `aftershock history --import reports/*` makes a new one of the runs"
    return again


def _prepare(connection: sqlite3.Connection, path: Path, versions: Sequence[Sequence[str]]) -> None:
    version = _known_version(connection, path, len(versions))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # what was imported is on the disk
    connection.execute("PRAGMA foreign_keys = ON")
    if version == len(versions):
        return
    if version:
        _copy(connection, path.with_name(f"{path.name}.version-{version}"))
    with transaction(connection):
        # Read again: another process may have done it while we waited for our turn.
        for number in range(_version(connection), len(versions)):
            for statement in versions[number]:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(versions)}")


def _known_version(connection: sqlite3.Connection, path: Path, known: int) -> int:
    """Return the file's version, 0 for an empty file.

    Raises:
        HistoryError: it is none of ours, or later than `known`.

    """
    # In one statement: another process may be making the file at this moment.
    application, version, tables = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master) "
        "FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if application != APPLICATION and (tables or version):
        raise HistoryError(
            f"{path} is no history of Aftershock",
            expected="a file of its own",
            hint="set `history` to another file",
        )
    if version > known:
        raise HistoryError(
            f"{path} was written by a later version of Aftershock",
            expected=f"version {known} or older",
            found=f"version {version}",
            hint="use that version, or set `history` to another file; nothing was changed",
        )
    return int(version)


def _copy(connection: sqlite3.Connection, copy: Path) -> None:
    """Keep the file as it is now; an earlier copy is only replaced by a whole one."""
    fresh = copy.with_name(f"{copy.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(fresh)) as target:
            connection.backup(target)
        fresh.replace(copy)
    finally:
        fresh.unlink(missing_ok=True)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
