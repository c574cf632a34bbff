"""The lines of a watch as they arrive, and whether one has arrived already."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, Self

import urllib3
from urllib3.util import wait_for_read

from aftershock.errors import TransientError

__all__ = ["Watch"]


class Watch(Iterator[bytes]):
    """An iterator over lines that can tell whether the next one would have to be waited for.

    It knows that by `drained`; without one every line is taken to be waited for.
    """

    def __init__(self, lines: Iterator[bytes], drained: Callable[[], bool] = lambda: True) -> None:
        self._lines = lines
        self.drained = drained

    @classmethod
    def of(cls, response: urllib3.BaseHTTPResponse, *, what: str) -> Self:
        """Return the watch that `response` is the answer to. `what` is for its errors.

        Its iteration raises TransientError when the connection breaks.
        """
        ready: deque[bytes] = deque()
        return cls(_read(response, ready, what), lambda: not ready and _nothing_came(response))

    def __next__(self) -> bytes:
        return next(self._lines)

    def close(self) -> None:
        """Listen no more."""
        if isinstance(self._lines, Generator):
            self._lines.close()


def _read(response: urllib3.BaseHTTPResponse, ready: deque[bytes], what: str) -> Iterator[bytes]:
    torn = b""
    try:
        for chunk in response.stream(amt=None, decode_content=True):
            *lines, torn = (torn + chunk).split(b"\n")
            ready.extend(line for line in lines if line)
            while ready:
                yield ready.popleft()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TransientError(f"{what} broke", found=repr(error)) from error
    finally:
        response.close()  # not given back to the pool: an unfinished answer is still on the wire


def _nothing_came(response: urllib3.BaseHTTPResponse) -> bool:
    """Say whether no byte waits to be read, neither in the process nor in the kernel.

    urllib3 and http.client have no public way to ask. What they read from is a BufferedReader
    over the socket; a look into it that must not block answers for both, and for TLS between.
    """
    reader: Any = getattr(getattr(response, "_fp", None), "fp", None)
    connection: Any = response.connection
    if reader is None or connection is None or connection.sock is None:
        return True  # the answer has ended
    timeout = connection.sock.gettimeout()
    connection.sock.settimeout(0)
    try:
        # An end, too, is something that came: nothing can be read, but it need not be waited for.
        return not reader.peek(1) and not wait_for_read(connection.sock, timeout=0)
    except ssl.SSLWantReadError:
        return True
    except OSError:
        return False  # it broke: that is for the next read to tell
    finally:
        connection.sock.settimeout(timeout)
