"""The Kubernetes API from inside a pod: JSON over httpx, each call with a time-out, none repeated by itself.

No client library: the official one's watches hang without end unless told otherwise, and decoding into
its models costs twenty times the JSON; kopf writes to what it watches, which a component that may touch
little must not. What is needed is five verbs, an eviction and a watch.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

__all__ = [
    "ConflictError",
    "ExpiredError",
    "GoneError",
    "Json",
    "Kube",
    "KubeError",
    "NotNowError",
    "UnavailableError",
    "kube_from_inside",
]

Json = dict[str, Any]

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_S = 5.0
WATCH_S = 30
"""How long the server is asked to keep a watch: a connection that died in silence is noticed this soon."""


class KubeError(Exception):
    """The API says no, or nothing.

    KubeError
    ├── UnavailableError  it does not answer, or cannot now: ask again later
    ├── NotNowError       429: a budget does not allow the eviction, or there are too many requests
    ├── GoneError         404: there is no such object
    ├── ConflictError     409: it is not as it was, or exists already
    └── ExpiredError      410: a watch cannot go on from there
    """


class UnavailableError(KubeError):
    """It does not answer, or cannot now."""


class NotNowError(KubeError):
    """A budget, or too many requests."""


class GoneError(KubeError):
    """There is no such object."""


class ConflictError(KubeError):
    """The object is not as it was, or exists already."""


class ExpiredError(KubeError):
    """A watch cannot go on from where it was."""


_ERRORS: dict[int, type[KubeError]] = {
    HTTPStatus.NOT_FOUND: GoneError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.GONE: ExpiredError,
    HTTPStatus.TOO_MANY_REQUESTS: NotNowError,
}


class Kube:
    """Requests to one API server."""

    def __init__(self, client: httpx.AsyncClient, *, token: Callable[[], str] = str) -> None:
        self._client = client
        self._token = token

    async def get(self, path: str, **query: str) -> Json:
        """Return the object or list at `path`."""
        return await self._json("GET", path, query=query)

    async def find(self, path: str, **query: str) -> Json | None:
        """Return the object at `path`, or None where there is none."""
        try:
            return await self.get(path, **query)
        except GoneError:
            return None

    async def items(self, path: str, **query: str) -> list[Json]:
        """Return the items of the list at `path`."""
        items: list[Json] = (await self.get(path, **query))["items"]
        return items

    async def text(self, path: str, **query: str) -> str:
        """Return what `path` answers, as text."""
        return (await self._send("GET", path, query=query)).text

    async def create(self, path: str, body: Json) -> Json:
        """Create an object in the collection at `path`, or call a subresource."""
        return await self._json("POST", path, body=body)

    async def patch(self, path: str, body: Json) -> Json:
        """Merge `body` into the object (RFC 7386); a resourceVersion in it must be the current one."""
        return await self._json("PATCH", path, body=body)

    async def evict(self, *, namespace: str, name: str, uid: str) -> None:
        """Ask for the eviction of the pod of just that UID.

        Raises:
            NotNowError: its budget does not allow it.
            GoneError, ConflictError: there is none of that name, or another one.

        """
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        await self._send("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body=body)

    async def watch(self, path: str, *, version: str) -> AsyncIterator[Json]:
        """Yield the events since `version` until the server ends the watch.

        Raises:
            ExpiredError: it no longer knows that version.
            UnavailableError: there is no connection, or it broke.

        """
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_S),
            "allowWatchBookmarks": "true",
        }
        timeout = httpx.Timeout(TIMEOUT_S, read=WATCH_S + TIMEOUT_S)
        try:
            async with self._client.stream(
                "GET", path, params=query, headers=self._headers(), timeout=timeout
            ) as response:
                if response.is_error:
                    await response.aread()
                    raise _refusal("GET", path, response)
                async for line in _lines(response):
                    event: Json = json.loads(line)
                    if event["type"] == "ERROR":
                        raise _watch_error(path, event["object"])
                    yield event
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise UnavailableError(f"the watch of {path} broke: {error!r}") from error

    async def _json(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: Json | None = None
    ) -> Json:
        response = await self._send(method, path, query=query, body=body)
        try:
            found: Json = response.json()
        except ValueError as error:
            raise UnavailableError(f"{method} {path}: the answer is no JSON") from error
        return found

    async def _send(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: Json | None = None
    ) -> httpx.Response:
        headers = self._headers()
        if body is not None:
            headers["Content-Type"] = (
                "application/merge-patch+json" if method == "PATCH" else "application/json"
            )
        content = json.dumps(body) if body is not None else None
        try:
            response = await self._client.request(
                method, path, params=query, content=content, headers=headers, timeout=TIMEOUT_S
            )
        except (httpx.HTTPError, OSError) as error:
            raise UnavailableError(f"{method} {path}: no answer: {error!r}") from error
        if response.is_error:
            raise _refusal(method, path, response)
        return response

    def _headers(self) -> dict[str, str]:
        token = self._token()
        return {"Accept": "application/json, */*", **({"Authorization": f"Bearer {token}"} if token else {})}


def kube_from_inside(account: Path = ACCOUNT) -> Kube:
    """Return the API of the cluster that this pod runs in, by its service account.

    Raises:
        KeyError, OSError: this is no pod, or one without an account.

    """
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    shown = f"[{host}]" if ":" in host else host
    verify = ssl.create_default_context(cafile=str(account / "ca.crt"))
    client = httpx.AsyncClient(base_url=f"https://{shown}:{port}", verify=verify, trust_env=False)
    # Read each time: the kubelet renews it.
    return Kube(client, token=lambda: (account / "token").read_text(encoding="ascii").strip())


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield the lines as they arrive: split at line feeds alone, since texts hold other ends of lines."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def _refusal(method: str, path: str, response: httpx.Response) -> KubeError:
    try:
        said = str(response.json().get("message", ""))
    except (ValueError, AttributeError):
        said = response.text[:300]
    text = f"{method} {path}: {response.status_code} {response.reason_phrase}: {said}"
    if response.is_server_error:
        return UnavailableError(text)
    return _ERRORS.get(response.status_code, KubeError)(text)


def _watch_error(path: str, status: Json) -> KubeError:
    kind = ExpiredError if status.get("code") == HTTPStatus.GONE else UnavailableError
    return kind(f"the watch of {path}: {status.get('message', status)}")
