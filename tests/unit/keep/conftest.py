"""A run's folder, and a real server of S3 to keep it in."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from minio import Minio

from aftershock.clock import wait_until
from aftershock.config import state_dir

ACCESS, SECRET = "AKIAHARNESS", "s3cr3t-of-the-harness"
BUCKET = "runs"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run, as one leaves it: small files, a folder per scenario, and a large one."""
    folder = tmp_path / "reports" / "20261122T010203Z-ab12"
    for name, content in {
        "journal.jsonl": b'{"state": "undone"}\n',
        "report.html": b"<html></html>",
        "one/timeline.jsonl": b"{}\n" * 1000,
        "one/verdicts.json": b"[]",
        "one/with space & ümlaut.txt": b"x",
        "two/empty": b"",
        "two/large.bin": os.urandom(1 << 16) * 96,  # 6 MiB: sent in parts
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, by path; nothing but files."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def local(run: Path) -> Callable[[], None]:
    """Return a check that the run's own folder is as it was."""
    before = contents(run)

    def check() -> None:
        now = contents(run)
        now.pop("identity", None)
        assert now == before

    return check


@dataclass(frozen=True)
class Storage:
    """A versitygw on 127.0.0.1 with one bucket, its objects in a directory."""

    port: int
    root: Path

    @property
    def place(self) -> str:
        return f"s3://{BUCKET}/nightly?endpoint=http://127.0.0.1:{self.port}"

    @property
    def kept(self) -> Path:
        return self.root / BUCKET / "nightly"

    def client(self) -> Minio:
        return Minio(f"127.0.0.1:{self.port}", ACCESS, SECRET, secure=False, region="us-east-1")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    """Start a server for all tests of the session."""
    built = state_dir() / "programs" / "bin" / "versitygw"
    program = str(built) if built.exists() else shutil.which("versitygw")
    assert program, f"`aftershock tool versitygw` (or `make test`) builds {built}"
    root = tmp_path_factory.mktemp("s3")
    sidecar = tmp_path_factory.mktemp("s3-metadata")
    storage = Storage(port=free_port(), root=root)
    words = [program, "--port", f"127.0.0.1:{storage.port}", "--quiet", "posix", "--sidecar", str(sidecar)]
    environ = {"ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET, "PATH": os.environ["PATH"]}
    with (root.parent / "versitygw.log").open("wb") as log:
        process = subprocess.Popen([*words, str(root)], env=environ, stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(storage.port), within_s=20, every_s=0.05, what="versitygw to listen")
        yield storage
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def storage(server: Storage, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Return the server with an empty bucket, and the credentials in the environment."""
    shutil.rmtree(server.root / BUCKET, ignore_errors=True)
    server.client().make_bucket(BUCKET)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    return server
