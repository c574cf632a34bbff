"""The timeline is redacted as it comes in; a fault that would need a secret in the journal is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aftershock import redaction
from aftershock.clean import CleanJournal, CleanTimeline
from aftershock.errors import RefusedError
from aftershock.faults.journal import Record
from aftershock.redaction import Known
from aftershock.testing import FakeClock
from aftershock.timeline import read_timeline

SECRET = "tok-77ab41c9"


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Known()
    fresh.add(SECRET)
    monkeypatch.setattr(redaction, "_KNOWN", fresh)


def test_what_is_kept_is_what_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    timeline = CleanTimeline(path, clock=FakeClock())
    timeline.record(
        "harness", "note", f"of {SECRET}", said=["Authorization: Bearer abcdef123", {"token": "t"}]
    )
    timeline.record("kubernetes", "modified", "pod/a", env={"X": SECRET, "password": "measured"})
    timeline.record("harness", "quiet", "pod/a", pair=(1, 2))
    timeline.close()

    kept = list(timeline)
    assert SECRET not in path.read_text()
    assert kept[0].subject == "of <redacted>"
    assert kept[0].data == {"said": ["Authorization: Bearer <redacted>", {"token": "<redacted>"}]}
    assert kept[1].data == {"env": {"X": "<redacted>", "password": "measured"}}
    assert kept[2].data == {"pair": (1, 2)}
    assert [event.to_json() for event in read_timeline(path)] == [event.to_json() for event in kept]


def record(**undo: object) -> Record:
    return Record(
        run_id="r1", fault_id="f1", fault="bad-configuration", state="planned",
        target=["deployment/demo/web"], undo=undo, expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("undo", "found"),
    [
        ({"before": SECRET}, "a credential in what its undo on deployment/demo/web needs"),
        ({"before": "postgres://me:hunter2@db/shop"}, "a credential in what its undo on"),
        ({"at": ["env", "name=DB_PASSWORD", "value"], "before": "short"}, "the value of DB_PASSWORD"),
    ],
)
def test_a_fault_that_would_write_a_secret_is_refused_before_the_act(
    tmp_path: Path, undo: dict[str, object], found: str
) -> None:
    journal = CleanJournal(tmp_path / "journal.jsonl")
    with pytest.raises(RefusedError, match="would write a secret into the journal") as caught:
        journal.write(record(**undo))
    assert found in caught.value.found
    assert "hunter2" not in str(caught.value)
    assert not journal.path.exists()


def test_what_was_done_is_always_written(tmp_path: Path) -> None:
    journal = CleanJournal(tmp_path / "journal.jsonl")
    done = record(before="plain")
    journal.write(done)
    journal.write(record(before=SECRET).advanced("undone"))  # whatever has become known meanwhile
    assert [found.state for found in journal.latest()] == ["undone"]
