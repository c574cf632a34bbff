"""Whether a TCP port of 127.0.0.1 is taken."""

from __future__ import annotations

import errno
import socket

__all__ = ["occupied"]


def occupied(port: int) -> bool:
    """Say whether something listens on `port`, by trying to."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise
    return False
