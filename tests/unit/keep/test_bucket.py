"""Keeping in S3-compatible storage: a real server, and servers that refuse, fail, lie or are not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from aftershock.errors import EnvironmentUnusableError, KeepError
from aftershock.keep import bucket
from aftershock.keep.files import MANIFEST
from aftershock.keep.keeping import Kept, check_place, keep
from aftershock.keep.place import Bucket, read_place
from tests.unit.keep.conftest import SECRET, Storage, contents, free_port

Check = Callable[[], None]
Break = Callable[[str, str], int | bytes | None]


def kept(run: Path, place: str) -> Kept:
    return keep(run, read_place(place, root=Path("/")))


def at(port: int) -> str:
    return f"s3://runs/nightly?endpoint=http://127.0.0.1:{port}"


class _Proxy(BaseHTTPRequestHandler):
    """Passes requests on to the storage, but for those that the test breaks."""

    protocol_version = "HTTP/1.1"
    server: Any

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path))
        broken = self.server.breaks(self.command, self.path)
        if isinstance(broken, int):
            said = f"<Error><Code>Code{broken}</Code><Message>{SECRET}</Message></Error>".encode()
            return self._answer(broken, said, {"Content-Type": "application/xml"})
        connection = HTTPConnection("127.0.0.1", self.server.behind)
        # The Host is signed, so it stays the proxy's.
        connection.request(self.command, self.path, body=body, headers=dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        headers = {name: value for name, value in answer.getheaders() if name.lower() != "content-length"}
        return self._answer(answer.status, broken if isinstance(broken, bytes) else content, headers)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815 - the base class's names

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def before(storage: Storage, breaks: Break) -> Iterator[Any]:
    """Put a proxy before the storage."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    server.daemon_threads = True
    server.behind, server.breaks, server.asked = storage.port, breaks, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait between tries."""
    retry = bucket.urllib3.Retry
    monkeypatch.setattr(bucket.urllib3, "Retry", lambda **given: retry(**{**given, "backoff_factor": 0}))


def test_all_of_it_is_there(run: Path, storage: Storage, local: Check) -> None:
    done = kept(run, storage.place)
    there = contents(storage.kept / run.name)
    manifest = json.loads(there.pop(MANIFEST))
    assert there == contents(run)
    assert set(manifest["files"]) == set(there)
    assert str(done).startswith(
        f"kept: s3://runs/nightly/{run.name} (8 files, 6.0 MiB, verified; 8 sent now)"
    )
    shown = storage.client().stat_object("runs", f"nightly/{run.name}/report.html")
    assert shown.content_type == "text/html"  # a browser opens it where it is
    local()


def test_again_is_nothing_new(run: Path, storage: Storage) -> None:
    kept(run, storage.place)
    with before(storage, lambda *_: None) as proxy:
        assert kept(run, at(proxy.server_port)).sent == 0
        assert {method for method, _ in proxy.asked} == {"GET"}


def test_what_is_new_in_the_run_follows(run: Path, storage: Storage) -> None:
    kept(run, storage.place)
    (run / "report.html").write_text("another report")
    (run / "one" / "plot.svg").write_text("<svg/>")
    assert kept(run, storage.place).sent == 2
    there = contents(storage.kept / run.name)
    there.pop(MANIFEST)
    assert there == contents(run)


def test_what_others_changed_there_is_not_overwritten(run: Path, storage: Storage) -> None:
    kept(run, storage.place)
    key = f"nightly/{run.name}/report.html"
    path = run.parent / "mine.html"
    path.write_text("with my notes")
    storage.client().fput_object("runs", key, str(path))
    with pytest.raises(KeepError, match="was changed in s3://runs/nightly"):
        kept(run, storage.place)
    assert (storage.kept / run.name / "report.html").read_text() == "with my notes"


def test_another_run_of_that_name_is_not_overwritten(run: Path, storage: Storage, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / run.name
    other.mkdir(parents=True)
    (other / "report.html").write_text("another run")
    kept(other, storage.place)
    with pytest.raises(KeepError, match="another run is kept as s3://"):
        kept(run, storage.place)
    assert (storage.kept / run.name / "report.html").read_text() == "another run"


def test_nobody_answers(run: Path, storage: Storage, local: Check) -> None:
    with pytest.raises(KeepError, match=r"cannot be listed at 127\.0\.0\.1") as caught:
        kept(run, at(free_port()))
    assert caught.value.found == "no answer: NewConnectionError"
    assert f"`aftershock keep {run.name}` goes on from here" in caught.value.hint
    local()


@pytest.mark.parametrize(
    "case",
    [(403, "403 Code403", "check the credentials"), (404, "404 Code404", "make the bucket"),
     (507, "507", ""), (500, "no answer: ResponseError", "keep the run again"),
     (503, "no answer: ResponseError", "keep the run again")],
)  # fmt: skip
def test_the_storage_says_no(run: Path, storage: Storage, local: Check, case: tuple[int, str, str]) -> None:
    """It takes three files, then no more; what it says of that is not repeated."""
    status, found, hint = case
    taken: list[str] = []

    def breaks(method: str, path: str) -> int | None:
        if method not in {"PUT", "POST"}:
            return None
        taken.append(path)
        return status if len(taken) > 3 else None

    with before(storage, breaks) as proxy, pytest.raises(KeepError, match="cannot be kept at") as caught:
        kept(run, at(proxy.server_port))
    assert found in caught.value.found
    assert hint in caught.value.hint
    assert SECRET not in str(caught.value)
    assert not (storage.kept / run.name / MANIFEST).exists()  # so nobody takes it for whole
    local()
    assert kept(run, storage.place).sent == 5  # and goes on where it ended


def test_one_refusal_is_tried_again(run: Path, storage: Storage) -> None:
    refused: list[str] = []

    def breaks(method: str, path: str) -> int | None:
        if method == "PUT" and path.endswith("verdicts.json") and not refused:
            refused.append(path)
            return 503
        return None

    with before(storage, breaks) as proxy:
        assert kept(run, at(proxy.server_port)).sent == 8
    assert refused


def test_what_did_not_arrive_whole_is_noticed(run: Path, storage: Storage) -> None:
    def breaks(method: str, path: str) -> bytes | None:
        return b"[[" if method == "GET" and path.endswith("verdicts.json") else None

    with before(storage, breaks) as proxy, pytest.raises(KeepError, match="did not arrive whole"):
        kept(run, at(proxy.server_port))
    assert not (storage.kept / run.name / MANIFEST).exists()


def test_wrong_credentials(run: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    with pytest.raises(KeepError) as caught:
        kept(run, storage.place)
    assert caught.value.found == "403 SignatureDoesNotMatch"
    assert "another-secret" not in str(caught.value)


def test_a_user_that_nobody_knows(run: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODY")
    with pytest.raises(KeepError, match="cannot be listed") as caught:
        kept(run, storage.place)
    assert "AKIANOBODY" not in str(caught.value)


def test_no_credentials(run: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(KeepError) as caught:
        kept(run, storage.place)
    assert caught.value.found == "no credentials"
    assert "AWS_PROFILE" in caught.value.hint


def test_credentials_of_a_profile(
    run: Path, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    file.write_text(f"[lab]\naws_access_key_id = {os.environ['AWS_ACCESS_KEY_ID']}\n"
                    f"aws_secret_access_key = {SECRET}\n")  # fmt: skip
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert kept(run, storage.place).sent == 8


def test_no_bucket(run: Path, storage: Storage) -> None:
    with pytest.raises(KeepError) as caught:
        kept(run, storage.place.replace("runs", "others"))
    assert caught.value.found == "404 NoSuchBucket"
    assert "make the bucket" in caught.value.hint


@pytest.mark.parametrize("content", [b"<html>hello</html>", b"hello", b""])
def test_a_server_of_something_else(run: Path, storage: Storage, content: bytes) -> None:
    with before(storage, lambda *_: content) as proxy, pytest.raises(KeepError) as caught:
        kept(run, at(proxy.server_port))
    assert caught.value.message.startswith("the runs in s3://runs/nightly")
    assert "check the endpoint" in caught.value.hint


def test_killed_in_the_middle_it_goes_on(run: Path, storage: Storage, local: Check) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from aftershock.keep import bucket, keeping; from aftershock.keep.place import read_place\n"
        "send, seen = bucket.BucketStore.put, []\n"
        "def counting(self, file, source):\n"
        "    if len(seen) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    seen.append(send(self, file, source))\n"
        "bucket.BucketStore.put, bucket.BucketStore.at_once = counting, 1\n"
        "keeping.keep(Path(sys.argv[1]), read_place(sys.argv[2], root=Path('/')))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(run), storage.place], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(contents(storage.kept / run.name)) == 3
    assert not (storage.kept / run.name / MANIFEST).exists()
    local()
    assert kept(run, storage.place).sent == 5


def test_without_the_client_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "minio", None)
    with pytest.raises(EnvironmentUnusableError, match="client library is not there") as caught:
        check_place(Bucket(name="runs"))
    assert "aftershock[s3]" in caught.value.hint
