"""Keeping in a directory: whole or not at all, again and again, and what may go wrong on the way."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aftershock.errors import KeepError, UsageError
from aftershock.keep.files import IDENTITY, MANIFEST, identity_of
from aftershock.keep.folder import FolderStore
from aftershock.keep.keeping import Kept, keep
from aftershock.keep.place import Folder
from aftershock.testing import FakeClock
from tests.unit.keep.conftest import contents

Check = Callable[[], None]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "mnt"
    folder.mkdir()
    return folder


def kept(run: Path, base: Path) -> Kept:
    return keep(run, Folder(path=base))


def elsewhere(run: Path, base: Path, before: str) -> subprocess.CompletedProcess[str]:
    """Keep the run in a process of its own, after some words of Python."""
    code = (
        "import os, resource, signal, sys; from pathlib import Path\n"
        "from aftershock.keep import folder, keeping; from aftershock.keep.place import Folder\n"
        f"{before}\n"
        "try: keeping.keep(Path(sys.argv[1]), Folder(path=Path(sys.argv[2])))\n"
        "except keeping.KeepError as error: sys.exit(str(error))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(run), str(base)], capture_output=True, text=True, check=False
    )


def test_all_of_it_is_there(run: Path, base: Path, local: Check) -> None:
    done = kept(run, base)
    there = contents(base / run.name)
    manifest = json.loads(there.pop(MANIFEST))
    assert there == contents(run)
    assert set(manifest["files"]) == set(there)
    assert manifest["run"] == run.name
    assert done.sent == done.files == len(there)
    assert str(done).startswith(f"kept: {base / run.name} (8 files, 6.0 MiB, verified; 8 sent now)")
    assert [path.name for path in base.iterdir()] == [run.name]  # nothing half-done beside it
    local()


def test_again_is_nothing_new(run: Path, base: Path) -> None:
    kept(run, base)
    before = {path: path.stat().st_mtime_ns for path in base.rglob("*")}
    done = kept(run, base)
    assert (done.sent, done.files) == (0, 8)
    assert "nothing new" in str(done)
    assert {path: path.stat().st_mtime_ns for path in base.rglob("*")} == before


def test_what_is_new_in_the_run_follows(run: Path, base: Path) -> None:
    kept(run, base)
    (run / "report.html").write_text("another report")
    (run / "one" / "plot.svg").write_text("<svg/>")
    assert kept(run, base).sent == 2
    there = contents(base / run.name)
    assert set(json.loads(there.pop(MANIFEST))["files"]) == set(there)
    assert there == contents(run)


def test_what_others_put_there_stays(run: Path, base: Path) -> None:
    kept(run, base)
    (base / run.name / "findings.md").write_text("ours")
    (run / "journal.jsonl").unlink()
    kept(run, base)
    there = contents(base / run.name)
    assert there["findings.md"] == b"ours"
    assert "journal.jsonl" in there  # nothing is deleted there either


def test_what_others_changed_there_is_not_overwritten(run: Path, base: Path, local: Check) -> None:
    kept(run, base)
    (base / run.name / "report.html").write_text("with my notes")
    with pytest.raises(KeepError, match=r"report.html was changed in .* since it was kept") as caught:
        kept(run, base)
    assert caught.value.expected.startswith("sha256 ")
    assert (base / run.name / "report.html").read_text() == "with my notes"
    local()


def test_another_run_of_that_name_is_not_overwritten(run: Path, base: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / run.name
    other.mkdir(parents=True)
    (other / "report.html").write_text("another run")
    kept(other, base)
    with pytest.raises(KeepError, match="another run is kept as") as caught:
        kept(run, base)
    assert "--to" in caught.value.hint
    assert (base / run.name / "report.html").read_text() == "another run"


def test_a_manifest_that_somebody_broke(run: Path, base: Path) -> None:
    kept(run, base)
    (base / run.name / MANIFEST).write_text("{}")
    with pytest.raises(KeepError, match="is not what was written there"):
        kept(run, base)


def test_a_copy_that_rots_is_noticed(run: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = FolderStore.put

    def rots(self: FolderStore, file, source: Path) -> None:  # type: ignore[no-untyped-def]
        put(self, file, source)
        if file.path == "one/verdicts.json":
            (self.here / file.path).write_bytes(b"[[")

    monkeypatch.setattr(FolderStore, "put", rots)
    with pytest.raises(KeepError, match=r"one/verdicts.json did not arrive whole"):
        kept(run, base)
    assert not (base / run.name).exists()


def test_killed_in_the_middle_it_goes_on(run: Path, base: Path, local: Check) -> None:
    kill = (
        "put, seen = folder.FolderStore.put, []\n"
        "def counting(self, file, source):\n"
        "    if len(seen) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    seen.append(put(self, file, source))\n"
        "folder.FolderStore.put = counting"
    )
    assert elsewhere(run, base, kill).returncode == -signal.SIGKILL
    unfinished = base / f".{run.name}.unfinished"
    assert not (base / run.name).exists()  # half a run is never taken for a whole one
    assert len(contents(unfinished)) == 3
    local()
    done = kept(run, base)
    assert (done.files, done.sent) == (8, 5)
    assert not unfinished.exists()
    assert contents(base / run.name).keys() - {MANIFEST} == contents(run).keys()


def test_a_full_disk(run: Path, base: Path, local: Check) -> None:
    """No file may grow beyond 1 MiB, as on a disk that has no more."""
    ended = elsewhere(run, base, "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))")
    assert ended.returncode == 1
    assert "two/large.bin cannot be kept" in ended.stderr
    assert "free some room" in ended.stderr
    assert f"`aftershock keep {run.name}` goes on from here" in ended.stderr
    assert not (base / run.name).exists()
    assert not list(base.rglob("*.part"))  # the half that got there is taken away
    local()
    assert kept(run, base).sent == 1  # only what was missing


def test_too_little_room_is_seen_before(run: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("aftershock.keep.folder.shutil.disk_usage", lambda _: usage)
    with pytest.raises(KeepError, match="too little room") as caught:
        kept(run, base)
    assert caught.value.found == "1000"
    assert not list(base.iterdir())


def test_a_missing_directory_is_not_made(run: Path, base: Path, local: Check) -> None:
    base.rmdir()
    with pytest.raises(KeepError, match="is no directory") as caught:
        kept(run, base)
    assert "mount what belongs there" in caught.value.hint
    assert not base.exists()
    local()


def test_a_mount_that_is_gone(run: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: Path) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr("shutil.disk_usage", gone)
    with pytest.raises(KeepError, match="the run cannot be kept"):
        kept(run, base)


def test_a_file_in_its_place(run: Path, base: Path) -> None:
    (base / f".{run.name}.unfinished").write_text("")
    with pytest.raises(KeepError, match="cannot be kept") as caught:
        kept(run, base)
    assert caught.value.found in {os.strerror(17), os.strerror(20)}  # EEXIST or ENOTDIR


def test_a_link_is_no_part_of_a_run(run: Path, base: Path) -> None:
    (run / "secret").symlink_to("/etc/hostname")
    with pytest.raises(UsageError, match="is a link"):
        kept(run, base)


def test_two_that_keep_it_at_the_same_time_agree_who_it_is(
    run: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other: list[str] = []
    exists = Path.exists

    def looks(path: Path) -> bool:
        """Let the other one do its work once this one has found no identity."""
        found = exists(path)
        if path == run / IDENTITY and not found and not other:
            other.append("")
            kept(run, base)
            other[0] = (run / IDENTITY).read_text().strip()
        return found

    monkeypatch.setattr(Path, "exists", looks)
    assert identity_of(run) == other[0]
    assert kept(run, base).sent == 0


def test_the_identity_that_another_one_is_about_to_write(run: Path) -> None:
    path = run / IDENTITY

    class Writing(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            path.write_text("0a1b\n")

    path.touch()
    assert identity_of(run, clock=Writing()) == "0a1b"


def test_an_identity_whose_maker_was_killed(run: Path) -> None:
    (run / IDENTITY).touch()
    with pytest.raises(KeepError, match="identity is empty") as caught:
        identity_of(run, clock=FakeClock())
    assert "remove it" in caught.value.hint


def test_a_full_disk_leaves_no_empty_identity(run: Path, base: Path) -> None:
    ended = elsewhere(run, base, "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))")
    assert "identity cannot be written" in ended.stderr
    assert not (run / IDENTITY).exists()


def test_its_identity_stays(run: Path, base: Path) -> None:
    kept(run, base)
    first = (run / IDENTITY).read_text()
    (base / "second").mkdir()
    kept(run, base / "second")
    assert (run / IDENTITY).read_text() == first == (base / "second" / run.name / IDENTITY).read_text()
