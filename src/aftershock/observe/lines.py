"""The lines of a watch, decoded."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from aftershock.errors import ApiError, TransientError
from aftershock.observe.kube_types import KubeObject, Line, Status

__all__ = ["Lines"]


class Lines:
    """Decodes the lines of a watch of objects of one `kind`."""

    def __init__(self, kind: type[KubeObject]) -> None:
        line: Any = Line
        self._decoder = msgspec.json.Decoder(line[kind])

    def decode(self, text: bytes) -> Line[Any]:
        """Return a change, or a bookmark (of which only the metadata are there).

        Raises:
            ApiError: the line says that the server will not go on.
            TransientError: it says that the server cannot go on now.

        """
        try:
            line: Line[Any] = self._decoder.decode(text)
        except msgspec.ValidationError:
            # In a bookmark the API writes null for lists that it must have, and an error is a Status.
            line = msgspec.json.decode(text, type=Line[KubeObject])
            if line.type not in {"BOOKMARK", "ERROR"}:
                raise
        if line.type == "ERROR":
            raise _refusal(msgspec.json.decode(text, type=Line[Status]).object)
        return line


def _refusal(status: Status) -> ApiError | TransientError:
    message = f"the watch ended with {status.code} {status.reason}: {status.message}"
    if status.code >= HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError(message)
    return ApiError(message, status=status.code)
