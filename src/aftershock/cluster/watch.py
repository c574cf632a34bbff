"""The lines of a watch as they arrive, and whether one has arrived already."""

from __future__ import annotations

import io
import select
import ssl
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, Self

import urllib3

from aftershock.errors import ApiError, TransientError

__all__ = ["Watch"]

_READ = 16384  # bytes; TLS hands out no more at once
_GATHER = 64  # reads at once at most: an API server in a hurry must not keep us from its lines


class Watch(Iterator[bytes]):
    """An iterator over lines that can tell whether the next one would have to be waited for.

    `ready` says whether there is one, or an end or a break; `drained` whether nothing has arrived,
    not even part of a line. Without `drained` every line is taken to be waited for.
    """

    def __init__(
        self,
        lines: Iterator[bytes],
        drained: Callable[[], bool] = lambda: True,
        ready: Callable[[], bool] | None = None,
    ) -> None:
        self._lines = lines
        self.drained = drained
        self.ready = ready or (lambda: not drained())

    @classmethod
    def of(cls, response: urllib3.BaseHTTPResponse, *, what: str) -> Self:
        """Return the watch that `response` is the answer to. `what` is for its errors.

        Its iteration raises TransientError when the connection breaks.

        Raises:
            ApiError: the answer does not come in chunks, as that of every API server does.
            TransientError: the connection has broken already.

        """
        if not getattr(response, "chunked", False):
            raise ApiError(f"{what} is not answered in chunks", status=response.status)
        try:
            arriving = _Arriving(response)
        except OSError as error:
            raise TransientError(f"{what} broke", found=repr(error)) from error
        return cls(_read(arriving, what), arriving.drained, arriving.ready)

    def __next__(self) -> bytes:
        return next(self._lines)

    def close(self) -> None:
        """Listen no more."""
        if isinstance(self._lines, Generator):
            self._lines.close()


def _read(arriving: _Arriving, what: str) -> Iterator[bytes]:
    try:
        while (line := arriving.next()) is not None:
            yield line
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TransientError(f"{what} broke", found=repr(error)) from error
    finally:
        arriving.close()


class _Arriving:
    """Reads an answer from its socket: at each look everything that has arrived.

    urllib3 and http.client read one chunk at a time and cannot say whether one is there. For
    thousands of small chunks that took more CPU than everything that is done with them.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        # They have no public way to their socket, nor to what they have read beyond the headers. The
        # connection knows it no more if the server has said that it will close it.
        answer: Any = response
        reader = answer._fp.fp  # noqa: SLF001
        self._response = answer
        self._socket = reader.raw._sock  # noqa: SLF001
        self._timeout_s = self._socket.gettimeout()
        self._socket.settimeout(0)
        self._within = getattr(self._socket, "pending", lambda: 0)  # bytes that TLS has read already
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._raw = _read_already(reader)
        self._torn = b""
        self._lines: deque[bytes] = deque()
        self._ended = False
        self._broken: OSError | None = None
        self._closed = False
        self._unwrap()

    def ready(self) -> bool:
        """Say whether `next` needs not wait: a line, an end or a break has arrived."""
        if self._closed:
            return False
        try:
            if not (self._lines or self._ended or self._broken):
                self._receive(within_s=0)
        except OSError as error:
            self._broken = error  # that is for the next read to tell
        return bool(self._lines or self._ended or self._broken)

    def drained(self) -> bool:
        """Say whether no byte of a further line, nor an end or a break, has arrived."""
        return self._closed or not (self.ready() or self._raw or self._torn)

    def next(self) -> bytes | None:
        """Wait for a line; None at the end. A break is told after what came before it."""
        while not (self._lines or self._ended or self._broken):
            if not self._receive(within_s=self._timeout_s):
                raise TimeoutError(f"nothing came for {self._timeout_s:g} s")
        if self._lines:
            return self._lines.popleft()
        if self._broken:
            raise self._broken
        return None

    def close(self) -> None:
        """Give the connection back, unless there may be more of the answer on it."""
        if self._closed:
            return
        self._closed = True
        if self._ended and not self._raw:
            self._socket.settimeout(self._timeout_s)
            self._response._fp.close()  # noqa: SLF001 - else it takes the answer to be unfinished
            self._response.release_conn()
        self._response.close()

    def _receive(self, *, within_s: float) -> bool:
        """Read all that has arrived, or the first that arrives within that time; False if nothing does.

        Most looks find nothing. To ask first costs much less than the exception of a read in vain.
        """
        if not self._within() and not self._poll.poll(within_s * 1000):
            return False
        try:
            for _ in range(_GATHER):
                data = self._socket.recv(_READ)
                if not data:
                    self._broken = ConnectionError("it ended in the middle of the answer")
                    break
                self._raw += data
                self._unwrap()
                if self._ended or not (self._within() or self._poll.poll(0)):
                    break
        except (BlockingIOError, ssl.SSLWantReadError):
            pass  # part of what TLS needs before it can tell
        return True

    def _unwrap(self) -> None:
        """Take lines from the chunks that are whole."""
        at = 0
        while (end := self._raw.find(b"\r\n", at)) >= 0:
            begin = end + 2
            after = begin + _size(self._raw[at:end])
            if len(self._raw) < after + 2:
                break
            at = after + 2
            if after == begin:
                self._ended = True
                break
            self._split(self._raw[begin:after])
        self._raw = self._raw[at:]

    def _split(self, chunk: bytes) -> None:
        begin = 0
        while (end := chunk.find(b"\n", begin)) >= 0:
            if line := self._torn + chunk[begin:end]:
                self._lines.append(line)
            self._torn = b""
            begin = end + 1
        self._torn += chunk[begin:]


def _size(head: bytes) -> int:
    """Return the size that a chunk's first line says.

    Raises:
        ConnectionError: it says none.

    """
    try:
        return int(head.split(b";", 1)[0], 16)
    except ValueError as error:
        raise ConnectionError(f"no chunk begins with {head[:20]!r}") from error


def _read_already(reader: io.BufferedReader) -> bytes:
    """Return what has been read of the answer together with its headers."""
    try:
        return reader.read(len(reader.peek(1)))
    except ssl.SSLWantReadError:
        return b""
