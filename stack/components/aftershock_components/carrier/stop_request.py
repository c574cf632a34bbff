"""A request to stop that comes over the pod network, where the API server's own word cannot come."""

from __future__ import annotations

import socket
from typing import Self

__all__ = ["StopListener"]

WITHIN_S = 2.0


class StopListener:
    """Listens for `GET …/stop/<fault id>`. Everything else is answered 404 and changes nothing.

    Raises:
        OSError: the port is taken.

    """

    def __init__(self, port: int, fault_id: str, *, host: str = "") -> None:
        family = socket.AF_INET6 if socket.has_dualstack_ipv6() and not host else socket.AF_INET
        both = family == socket.AF_INET6
        self._socket = socket.create_server((host, port), family=family, dualstack_ipv6=both)
        self._wanted = f"/stop/{fault_id} ".encode()
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """Return the file descriptor to wait on."""
        return self._socket.fileno()

    def asked(self) -> bool:
        """Answer one request, and say whether it is the one to stop."""
        try:
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(WITHIN_S)
                line = connection.recv(1024).partition(b"\r\n")[0]
                stop = line.startswith(b"GET ") and self._wanted in line
                status = b"200 OK" if stop else b"404 Not Found"
                connection.sendall(
                    b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
        except OSError:  # whoever asked is gone; the next one may ask again
            return False
        return stop
