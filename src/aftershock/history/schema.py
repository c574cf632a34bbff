"""The history's tables, version by version: a file is brought up to date by the steps that it lacks.

A version that was ever released is never edited; what comes later is a further one. Times are RFC 3339 in
UTC, which sort as they are; mappings are JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["APPLICATION", "VERSIONS"]

APPLICATION = 0x41667468
"""SQLite's application_id of a history: "Afth"."""

_FIRST = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        began TEXT NOT NULL,
        ended TEXT,
        state TEXT NOT NULL,
        why TEXT NOT NULL,
        profile TEXT NOT NULL,
        cluster TEXT NOT NULL,
        gameday TEXT NOT NULL,
        environment TEXT NOT NULL,
        planned INTEGER NOT NULL
    )
    """,
    # The same scenario in every run: what its file calls it, and the values of an outline's example.
    """
    CREATE TABLE scenarios (
        id INTEGER PRIMARY KEY,
        file TEXT NOT NULL,
        template TEXT NOT NULL,
        example TEXT NOT NULL,
        name TEXT NOT NULL,
        feature TEXT NOT NULL,
        UNIQUE (file, template, example)
    )
    """,
    # A scenario's turn in a run. Alarms are NULL where it does not say which alerts may fire.
    """
    CREATE TABLE turns (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        scenario INTEGER NOT NULL REFERENCES scenarios (id),
        folder TEXT NOT NULL,
        outcome TEXT NOT NULL,
        message TEXT NOT NULL,
        began TEXT NOT NULL,
        ended TEXT NOT NULL,
        alarms INTEGER,
        false_alarms INTEGER,
        UNIQUE (run, folder)
    )
    """,
    # `figure` is what was observed where that is a number, `said` where it is words.
    """
    CREATE TABLE verdicts (
        turn INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        judge TEXT NOT NULL,
        status TEXT NOT NULL,
        expected TEXT NOT NULL,
        figure REAL,
        said TEXT,
        unit TEXT NOT NULL,
        resolution_s REAL NOT NULL,
        reason TEXT NOT NULL,
        profile TEXT NOT NULL,
        PRIMARY KEY (turn, place)
    )
    """,
    # Recovery times, alert latencies, error budgets; `value` is NULL where it never came.
    """
    CREATE TABLE measures (
        turn INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        value REAL,
        unit TEXT NOT NULL,
        resolution REAL NOT NULL,
        PRIMARY KEY (turn, kind, subject)
    )
    """,
    "CREATE INDEX turns_by_scenario ON turns (scenario, run)",
    "CREATE INDEX runs_by_began ON runs (profile, cluster, began)",
)

# Availability, errors, MTTD, MTTR, MTBF of a run, as sums; NULL in what an older version kept.
_SUMS = ("ALTER TABLE runs ADD COLUMN figures TEXT",)

VERSIONS: Sequence[Sequence[str]] = (_FIRST, _SUMS)
"""The statements that make version 1 of nothing, version 2 of version 1, and so on."""
