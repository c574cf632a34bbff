"""The API as JSON: what each answer becomes, and a watch's lines, against a small server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from aftershock.cluster.api import KubeApi
from aftershock.errors import AftershockError, ApiError, NotFoundError, TransientError

Request = tuple[str, str, dict[str, str], Any]


class Server(ThreadingHTTPServer):
    """Answers every request with `status` and `chunks`; `requests` are what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.chunks: list[bytes] = [b"{}"]
        self.torn = False  # the connection ends before the answer does
        self.requests: list[Request] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: some tests do."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.requests.append(
            (self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        )
        self.send_response(self.server.status, "")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in self.server.chunks:
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            self.wfile.flush()
        if self.server.torn:
            self.close_connection = True
            self.connection.shutdown(1)
        else:
            self.wfile.write(b"0\r\n\r\n")

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class calls them so

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(server: Server) -> Iterator[KubeApi]:
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{server.server_address[1]}"
    configuration.api_key = {"authorization": "Bearer t0ken"}
    client = ApiClient(configuration)
    yield KubeApi(client, timeout_s=5)
    client.rest_client.pool_manager.clear()


def answer(server: Server, status: int, body: object) -> None:
    server.status = status
    server.chunks = [body if isinstance(body, bytes) else json.dumps(body).encode()]


class TestRequests:
    def test_get(self, server: Server, api: KubeApi) -> None:
        answer(server, 200, {"items": [{"a": 1}]})
        assert api.items("/api/v1/pods", labelSelector="app in (a,b)") == [{"a": 1}]
        method, path, headers, body = server.requests[0]
        assert (method, path, body) == ("GET", "/api/v1/pods?labelSelector=app+in+%28a%2Cb%29", None)
        assert headers["authorization"] == "Bearer t0ken"

    @pytest.mark.parametrize(
        ("kind", "content_type"),
        [
            ("merge", "application/merge-patch+json"),
            ("strategic", "application/strategic-merge-patch+json"),
            ("apply", "application/apply-patch+yaml"),
        ],
    )
    def test_patches(self, server: Server, api: KubeApi, kind: Any, content_type: str) -> None:
        api.patch("/api/v1/nodes/a", {"spec": {}}, kind=kind)
        method, path, headers, body = server.requests[0]
        assert (method, headers["content-type"], body) == ("PATCH", content_type, {"spec": {}})
        assert path.partition("?")[2] == ("fieldManager=aftershock&force=true" if kind == "apply" else "")

    def test_text_is_as_it_came(self, server: Server, api: KubeApi) -> None:
        server.chunks = [b"line 1\n", b"line \xff2\n"]
        assert api.text("/logs") == "line 1\nline \ufffd2\n"

    @pytest.mark.parametrize("allowed", [True, False])
    def test_asking_what_we_may(self, server: Server, api: KubeApi, allowed: bool) -> None:
        answer(server, 201, {"status": {"allowed": allowed}})
        assert api.allowed("create", "pods/eviction", namespace="demo") is allowed
        assert server.requests[0][3]["spec"]["resourceAttributes"] == {
            "verb": "create", "group": "", "resource": "pods", "subresource": "eviction", "namespace": "demo",
        }  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, ApiError),
            (401, ApiError),
            (403, ApiError),
            (404, NotFoundError),
            (409, ApiError),
            (422, ApiError),
            (429, TransientError),
            (500, TransientError),
            (501, ApiError),
            (502, TransientError),
            (503, TransientError),
            (504, TransientError),
            (599, ApiError),
        ],
    )
    def test_what_a_status_becomes(
        self, server: Server, api: KubeApi, status: int, kind: type[AftershockError]
    ) -> None:
        answer(server, status, {"message": "the API's own words"})
        with pytest.raises(AftershockError) as caught:
            api.get("/api/v1/nodes")
        assert type(caught.value) is kind
        assert caught.value.message.startswith(f"GET /api/v1/nodes: {status} ")
        assert caught.value.found == "the API's own words"
        if isinstance(caught.value, ApiError):
            assert caught.value.status == status

    @pytest.mark.parametrize("body", [b"<html>no</html>", b"[1]", b""])
    def test_a_refusal_that_is_no_status_object(self, server: Server, api: KubeApi, body: bytes) -> None:
        answer(server, 403, body)
        with pytest.raises(ApiError) as caught:
            api.get("/api/v1/nodes")
        assert caught.value.found == body.decode()

    def test_an_answer_that_is_no_json(self, server: Server, api: KubeApi) -> None:
        answer(server, 200, b"<html>a login page</html>")
        with pytest.raises(ApiError, match="is no JSON") as caught:
            api.get("/api/v1/nodes")
        assert "login" in caught.value.found

    def test_find_returns_none_for_404_alone(self, server: Server, api: KubeApi) -> None:
        answer(server, 404, {})
        assert api.find("/api/v1/nodes/a") is None
        answer(server, 403, {})
        with pytest.raises(ApiError):
            api.find("/api/v1/nodes/a")

    def test_deleting_what_is_gone(self, server: Server, api: KubeApi) -> None:
        answer(server, 404, {})
        api.delete("/api/v1/pods/a")
        answer(server, 409, {})
        with pytest.raises(ApiError):
            api.delete("/api/v1/pods/a")

    def test_an_answer_that_breaks_off_is_transient(self, server: Server, api: KubeApi) -> None:
        server.chunks, server.torn = [b'{"items": ['], True
        with pytest.raises(TransientError, match="does not answer"):
            api.items("/api/v1/pods")

    def test_nobody_listens(self, server: Server, api: KubeApi) -> None:
        api.client.configuration.host = "http://127.0.0.1:9"
        with pytest.raises(TransientError, match="does not answer") as caught:
            api.get("/api/v1/nodes")
        assert "refused" in caught.value.found


class TestWatch:
    def test_lines_are_cut_wherever_the_chunks_are(self, server: Server, api: KubeApi) -> None:
        server.chunks = [b'{"a":1}\n{"b"', b":2", b'}\n\n{"c":3}\n', b'{"torn']
        assert list(api.watch("/api/v1/pods", timeout_s=60, resourceVersion="5")) == [
            b'{"a":1}', b'{"b":2}', b'{"c":3}',
        ]  # fmt: skip
        assert server.requests[0][1] == "/api/v1/pods?resourceVersion=5&watch=true&timeoutSeconds=60"

    def test_a_broken_connection_is_told_after_what_came(self, server: Server, api: KubeApi) -> None:
        server.chunks, server.torn = [b'{"a":1}\n'], True
        lines = api.watch("/api/v1/pods", timeout_s=60)
        assert next(lines) == b'{"a":1}'
        with pytest.raises(TransientError, match="broke"):
            next(lines)

    def test_a_refusal(self, server: Server, api: KubeApi) -> None:
        answer(server, 410, {"message": "too old"})
        with pytest.raises(ApiError) as caught:
            list(api.watch("/api/v1/pods", timeout_s=60))
        assert caught.value.status == 410

    def test_one_may_stop_listening(self, server: Server, api: KubeApi) -> None:
        server.chunks = [b'{"a":1}\n', b'{"b":2}\n']
        lines = api.watch("/api/v1/pods", timeout_s=60)
        next(lines)
        lines.close()
        answer(server, 200, {"fine": True})
        assert api.get("/api/v1/nodes") == {"fine": True}
