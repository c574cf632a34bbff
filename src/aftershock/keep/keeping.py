"""Keeping a run: each file checked, sent where it is not there yet, and checked again when it is.

It may be repeated at any time and goes on where it ended. What is at the place and is not the run's
own, or was changed there since, is never overwritten; nothing is ever deleted, here or there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from aftershock.counting import counted
from aftershock.errors import KeepError
from aftershock.keep.bucket import BucketStore, needed
from aftershock.keep.files import IDENTITY, MANIFEST, File, contents, files_of, identity_of, read_manifest
from aftershock.keep.folder import FolderStore
from aftershock.keep.place import Bucket, Place

__all__ = ["Kept", "Store", "check_place", "keep"]

MIB = 1 << 20


class Store(Protocol):
    """One run's place. `at_once` is how many files may be under way together."""

    shown: str
    at_once: int

    def begin(self, missing: int) -> None:
        """Look whether `missing` bytes can be kept at all; called first."""
        ...

    def read(self, path: str) -> bytes | None:
        """Return the content of a small file that is there; None where there is none."""
        ...

    def digest(self, file: File) -> str | None:
        """Return the SHA-256 of what is there under the file's path, read there; None if nothing is."""
        ...

    def put(self, file: File, source: Path) -> None:
        """Bring a file there, whole or not at all."""
        ...

    def finish(self, manifest: Path) -> None:
        """Bring the manifest there, which says that all is."""
        ...


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is at the place now, all of it verified; `sent` files of it only since just now."""

    where: str
    files: int
    size: int
    sent: int

    def __str__(self) -> str:
        """Say it in a line."""
        new = "nothing new" if not self.sent else f"{self.sent} sent now"
        return (
            f"kept: {self.where} ({counted(self.files, 'file')}, {self.size / MIB:.1f} MiB, verified; {new})"
        )


def check_place(place: Place) -> None:
    """Do nothing if this machine has what it takes to keep runs there; asks nobody.

    Raises:
        EnvironmentUnusableError: it has not.

    """
    if isinstance(place, Bucket):
        needed()


def keep(run: Path, place: Place) -> Kept:
    """Have the run's folder at the place, whole and verified.

    Raises:
        KeepError: it is not; what is wrong, and what to do. The folder is untouched.

    """
    try:
        return _keep(run, _store(place, run.name))
    except KeepError as error:
        again = f"{run} is as it was, and `aftershock keep {run.name}` goes on from here"
        error.hint = "; ".join(part for part in (error.hint, again) if part)
        raise


def _store(place: Place, run: str) -> Store:
    return BucketStore(place, run) if isinstance(place, Bucket) else FolderStore(place, run)


def _keep(run: Path, store: Store) -> Kept:
    identity = identity_of(run)
    files = files_of(run)
    store.begin(0)
    there = store.read(IDENTITY)
    if there is not None and there.decode("ascii", "replace").strip() != identity:
        raise KeepError(
            f"another run is kept as {store.shown}", expected="no run there, or this one",
            hint="keep this one elsewhere (--to); run ids that nobody chooses do not repeat",
        )  # fmt: skip
    recorded = read_manifest(known) if (known := store.read(MANIFEST)) else {}
    if there is None:
        store.begin(sum(file.size for file in files))
    # First of all, so that what comes after it can be told from another run's.
    mine = [file for file in files if file.path == IDENTITY]
    others = [file for file in files if file.path != IDENTITY]
    bring = partial(_bring, store=store, run=run, recorded=recorded)
    with ThreadPoolExecutor(store.at_once) as pool:
        try:
            sent = sum(map(bring, mine)) + sum(pool.map(bring, others))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    manifest = contents(run.name, identity=identity, files=files)
    if known != manifest:
        with tempfile.TemporaryDirectory(prefix="aftershock-keep-") as scratch:
            written = Path(scratch) / MANIFEST
            written.write_bytes(manifest)
            store.finish(written)
    return Kept(where=store.shown, files=len(files), size=sum(file.size for file in files), sent=sent)


def _bring(file: File, *, store: Store, run: Path, recorded: Mapping[str, str]) -> bool:
    """Have one file there; return whether it had to be sent."""
    there = store.digest(file)
    if there == file.sha256:
        return False
    if there is not None and file.path in recorded and there != recorded[file.path]:
        raise KeepError(
            f"{file.path} was changed in {store.shown} since it was kept",
            expected=f"sha256 {recorded[file.path]}",
            found=there,
            hint="move that one out of the way if this run's is wanted, then keep the run again",
        )
    store.put(file, run / file.path)
    arrived = store.digest(file)
    if arrived != file.sha256:
        raise KeepError(
            f"{file.path} did not arrive whole in {store.shown}",
            expected=f"sha256 {file.sha256}",
            found=arrived or "nothing",
            hint="if the run still writes, let it end; then keep it again",
        )
    return True
