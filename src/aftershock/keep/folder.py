"""Keeping in a directory: beside its place first, and renamed when all of it is there and verified."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aftershock.errors import KeepError
from aftershock.keep.files import MANIFEST, File, digest_of
from aftershock.keep.place import Folder

__all__ = ["FolderStore"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


class FolderStore:
    """One run's folder in a directory. Each file gets there whole or not at all."""

    at_once = 1

    def __init__(self, place: Folder, run: str) -> None:
        self.base = place.path
        self.whole = place.path / run
        self.unfinished = place.path / f".{run}.unfinished"
        self.shown = str(self.whole)

    @property
    def here(self) -> Path:
        """Where files go now: into the copy that is there, else beside its place."""
        return self.whole if self.whole.exists() else self.unfinished

    def begin(self, missing: int) -> None:
        """Do nothing if there is room for `missing` bytes.

        Raises:
            KeepError: there is not, or no directory.

        """
        with self._explained("the run"):
            there = self.base.is_dir()
        if not there:
            raise KeepError(
                f"{self.base} is no directory", expected="one that is there",
                hint="make it, or mount what belongs there",
            )  # fmt: skip
        with self._explained("the run"):
            free = shutil.disk_usage(self.base).free
        if free < missing:
            raise KeepError(
                f"{self.base} has too little room", expected=f"{missing} bytes free", found=str(free),
                hint="free some, or keep runs elsewhere (keep_to)",
            )  # fmt: skip

    def read(self, path: str) -> bytes | None:
        """Return the content of a small file that is there."""
        with self._explained(path):
            found = self.here / path
            return found.read_bytes() if found.is_file() else None

    def digest(self, file: File) -> str | None:
        """Return the SHA-256 of what is there under the file's path."""
        with self._explained(file.path):
            found = self.here / file.path
            return digest_of(found) if found.is_file() else None

    def put(self, file: File, source: Path) -> None:
        """Copy a file: under another name, onto the disk, then renamed."""
        with self._explained(file.path):
            goal = self.here / file.path
            goal.parent.mkdir(parents=True, exist_ok=True)
            self._write(goal, source)

    def finish(self, manifest: Path) -> None:
        """Put the manifest there, and the whole at its place."""
        with self._explained(MANIFEST):
            self._write(self.here / MANIFEST, manifest)
            if self.here == self.unfinished:
                for left in self.unfinished.rglob(".*.part"):
                    left.unlink()
                self.unfinished.rename(self.whole)
                _to_disk(self.base)

    @staticmethod
    def _write(goal: Path, source: Path) -> None:
        part = goal.with_name(f".{goal.name}.{os.getpid()}.part")
        try:
            with source.open("rb") as read, part.open("wb") as write:
                shutil.copyfileobj(read, write)
                write.flush()
                os.fsync(write.fileno())
            part.rename(goal)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        _to_disk(goal.parent)

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """Turn what the system says into what to do.

        Raises:
            KeepError: with it.

        """
        try:
            yield
        except OSError as error:
            hint = "see why, then keep the run again"
            if error.errno in _FULL:
                hint = f"free some room in {self.base}, then keep the run again"
            elif error.errno in _DENIED:
                hint = f"let this user write in {self.base}, then keep the run again"
            raise KeepError(
                f"{path} cannot be kept in {self.here}", found=error.strerror or str(error), hint=hint
            ) from error


def _to_disk(folder: Path) -> None:
    """Have the names in a folder survive a crash of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
