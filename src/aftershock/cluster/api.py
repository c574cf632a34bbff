"""The Kubernetes API as JSON, over the official client's connection, credentials and TLS.

Objects stay dictionaries as the API documents them: building the client's model objects
costs twenty times the decoding, and a watch of ten thousand pods feels it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from http.client import responses
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import urllib3

from aftershock.cluster.watch import Watch
from aftershock.errors import ApiError, NotFoundError, TransientError

__all__ = ["Json", "KubeApi", "PatchKind", "credentials"]

Json = dict[str, Any]
PatchKind = Literal["merge", "strategic", "apply"]

_PATCH_TYPES: dict[PatchKind, str] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_RETRYABLE = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
FIELD_MANAGER = "aftershock"


class Client(Protocol):
    """What is used of the official client's ApiClient: host, credentials, connections."""

    configuration: Any
    rest_client: Any
    default_headers: dict[str, str]


def credentials(client: Client) -> dict[str, str]:
    """Return the headers that say who asks.

    Read where the client's own code reads them: its call for that takes other arguments in every version.
    """
    return {setting["key"]: setting["value"] for setting in client.configuration.auth_settings().values()}


class KubeApi:
    """Requests to one API server. Every call has a time-out; none retries by itself."""

    def __init__(self, client: Client, *, timeout_s: float = 10.0) -> None:
        self.client = client
        self.timeout_s = timeout_s

    def get(self, path: str, **query: str) -> Json:
        """Return the object or list at `path`. Query words are the API's own (labelSelector=…)."""
        return self._json("GET", path, query=query)

    def find(self, path: str, **query: str) -> Json | None:
        """Return the object at `path`, or None where there is none."""
        try:
            return self.get(path, **query)
        except NotFoundError:
            return None

    def text(self, path: str, *, timeout_s: float | None = None, **query: str) -> str:
        """Return what `path` answers as it is: logs, metrics, health checks."""
        return self._send("GET", path, query=query, timeout_s=timeout_s).data.decode("utf-8", "replace")

    def items(self, path: str, **query: str) -> list[Json]:
        """Return the items of the list at `path`."""
        items: list[Json] = self.get(path, **query)["items"]
        return items

    def post(self, path: str, body: Json, **query: str) -> Json:
        """Create an object, or call a subresource (eviction, token)."""
        return self._json("POST", path, query=query, body=body)

    def patch(self, path: str, body: Json, *, kind: PatchKind = "merge", **query: str) -> Json:
        """Patch an object; `apply` is server-side apply as FIELD_MANAGER, with force."""
        if kind == "apply":
            query = {"fieldManager": FIELD_MANAGER, "force": "true", **query}
        return self._json("PATCH", path, query=query, body=body, content_type=_PATCH_TYPES[kind])

    def put(self, path: str, body: Json) -> Json:
        """Replace an object; the API refuses a stale resourceVersion with 409."""
        return self._json("PUT", path, body=body)

    def delete(self, path: str, body: Json | None = None) -> None:
        """Delete the object at `path`; one that is gone already is no error."""
        try:
            self._json("DELETE", path, body=body)
        except NotFoundError:
            return

    def watch(self, path: str, *, timeout_s: float, **query: str) -> Watch:
        """Begin a watch, and return its lines as they arrive, undecoded, until the server ends it.

        When this returns the server has begun it. It is asked to end it after `timeout_s`; a
        connection that stays silent for longer than that is given up.

        Raises:
            ApiError: the server refuses it.
            TransientError: there is no connection, or (while the lines are read) it broke.

        """
        query = {**query, "watch": "true", "timeoutSeconds": str(int(timeout_s))}
        response = self._send("GET", path, query=query, timeout_s=timeout_s + 15, stream=True)
        return Watch.of(response, what=f"the watch of {path}")

    def identity(self) -> str:
        """Return what tells this cluster from every other: the UID of its kube-system namespace."""
        found = self.find("/api/v1/namespaces/kube-system")
        return str(found["metadata"]["uid"]) if found else ""

    def allowed(self, verb: str, resource: str, *, group: str = "", namespace: str = "") -> bool:
        """Ask the API whether we may do `verb` on `resource` (as "pods/eviction")."""
        name, _, subresource = resource.partition("/")
        attributes = {"verb": verb, "group": group, "resource": name, "subresource": subresource}
        review = self.post(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {"spec": {"resourceAttributes": {**attributes, "namespace": namespace}}},
        )
        return bool(review["status"]["allowed"])

    def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> Json:
        answer = self._send(method, path, query=query, body=body, content_type=content_type)
        try:
            decoded: Json = json.loads(answer.data)
        except ValueError as error:
            raise ApiError(
                f"{method} {path}: the answer is no JSON", status=answer.status, found=_excerpt(answer.data)
            ) from error
        return decoded

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
        timeout_s: float | None = None,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request and read the whole answer; with `stream` its body is not read yet."""
        headers = {
            "Accept": "application/json, */*",
            **self.client.default_headers,
            **credentials(self.client),
        }
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            response: urllib3.BaseHTTPResponse = self.client.rest_client.pool_manager.request(
                method,
                self.client.configuration.host + path + (f"?{urlencode(query)}" if query else ""),
                body=json.dumps(body) if body is not None else None,
                headers=headers,
                timeout=urllib3.Timeout(connect=5.0, read=timeout_s or self.timeout_s),
                retries=False,
                preload_content=not stream,
            )
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise _refusal(method, path, response.status, response.data)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TransientError(
                f"{method} {path}: the API server does not answer", found=repr(error)
            ) from error
        return response


def _refusal(method: str, path: str, status: int, body: bytes) -> ApiError | TransientError:
    """Make the error of an answer that says no, with the API's own message."""
    try:
        said = str(json.loads(body).get("message", ""))
    except (ValueError, AttributeError):
        said = _excerpt(body)
    headline = f"{method} {path}: {status} {responses.get(status, '(no standard status)')}"
    if status in _RETRYABLE:
        return TransientError(headline, found=said)
    if status == HTTPStatus.NOT_FOUND:
        return NotFoundError(headline, status=status, found=said)
    return ApiError(headline, status=status, found=said)


def _excerpt(body: bytes) -> str:
    """Return the beginning of an answer, for a person."""
    return body[:500].decode("utf-8", "replace")
