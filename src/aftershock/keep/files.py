"""What there is to keep: a run's files with their digests, and what tells the run from others."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aftershock.clock import Clock, wait_until
from aftershock.errors import DeadlineError, KeepError, UsageError

__all__ = [
    "IDENTITY",
    "MANIFEST",
    "File",
    "contents",
    "digest_of",
    "files_of",
    "identity_of",
    "read_manifest",
]

IDENTITY = "identity"
"""A file of random hex digits, made when a run is first kept: ids may repeat, runs do not."""

WRITTEN_WITHIN_S = 5.0

MANIFEST = "kept.json"
"""Written last, and only at the place: where it is, all that it lists had arrived and been verified."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of the run's folder: its path in it, its bytes, and their SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class _Entry(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class _Manifest(msgspec.Struct, frozen=True):
    run: str
    identity: str
    files: dict[str, _Entry]


def identity_of(run: Path, *, clock: Clock | None = None) -> str:
    """Return what tells the run in this folder from every other; made and written if it is not there.

    Of several that keep the run at the same time one makes it, and the others wait for what it writes.

    Raises:
        KeepError: it cannot be written, or whoever made it did not come to write it.

    """
    path = run / IDENTITY
    try:
        if not path.exists():
            _make_identity(path)
        return wait_until(
            lambda: path.read_text(encoding="ascii").strip() or None,
            within_s=WRITTEN_WITHIN_S,
            every_s=0.05,
            what=f"what {path} is to hold",
            clock=clock,
        )
    except OSError as error:
        raise KeepError(f"{path} cannot be written", found=error.strerror or str(error)) from error
    except DeadlineError as error:
        raise KeepError(
            f"{path} is empty",
            expected="random hex digits, which tell the run from others",
            hint="whoever made it was killed before it wrote: remove it, then keep the run again",
        ) from error


def _make_identity(path: Path) -> None:
    """Write it, unless another one has made the file meanwhile: only one does."""
    try:
        with path.open("x", encoding="ascii") as made:
            made.write(f"{secrets.token_hex(16)}\n")
    except FileExistsError:
        return
    except OSError:
        path.unlink(missing_ok=True)  # on a full disk it got there without a word in it
        raise


def files_of(run: Path) -> list[File]:
    """Return every file below the run's folder, in order of their paths.

    Raises:
        UsageError: a link is among them: what it leads to is no part of the run.
        KeepError: one cannot be read.

    """
    found = []
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run).as_posix()
        if path.is_symlink():
            raise UsageError(
                f"{path} is a link", expected="files and folders, as a run writes them", hint="remove it"
            )
        if path.is_file() and name != MANIFEST:
            try:
                found.append(File(path=name, size=path.stat().st_size, sha256=digest_of(path)))
            except OSError as error:
                raise KeepError(f"{path} cannot be read", found=error.strerror or str(error)) from error
    return found


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def contents(run: str, *, identity: str, files: Iterable[File]) -> bytes:
    """Return the manifest of what was kept."""
    listed = {file.path: {"size": file.size, "sha256": file.sha256} for file in files}
    return json.dumps({"run": run, "identity": identity, "files": listed}, indent=1).encode()


def read_manifest(content: bytes) -> Mapping[str, str]:
    """Return the digests that a manifest lists, by path.

    Raises:
        KeepError: it is none.

    """
    try:
        read = msgspec.json.decode(content, type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeepError(
            f"{MANIFEST} at the place is not what was written there",
            found=str(error),
            hint="look what happened to it, then remove it and keep the run again",
        ) from error
    return {path: entry.sha256 for path, entry in read.files.items()}
