"""A TCP proxy on 127.0.0.1 that can be cut: what stands between a watcher and its API server."""

from __future__ import annotations

import contextlib
import socket
import threading

__all__ = ["Wire"]

_CHUNK = 65536


class Wire:
    """Passes connections on to `target` (a port of 127.0.0.1) while it is whole.

    `cut` ends them and refuses new ones; `silence` keeps them open and passes nothing on, as
    a lost route does; `mend` ends whatever is left of that and passes on again.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._whole = True
        self._silent = threading.Event()
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        with self._lock:
            self._whole = False
            left = tuple(self._open)
        for end in left:
            self._end(end)

    def silence(self) -> None:
        """Pass nothing on; whoever is connected does not learn of it."""
        self._silent.set()

    def mend(self) -> None:
        """End what is left, and pass on what comes from now on."""
        self.cut()
        self._silent.clear()
        with self._lock:
            self._whole = True

    def close(self) -> None:
        """End everything."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            with self._lock:
                whole = self._whole
            try:
                far = socket.create_connection(("127.0.0.1", self._target)) if whole else None
            except ConnectionRefusedError:  # the API server is away
                far = None
            if far is None:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(_CHUNK):
                if self._silent.is_set():
                    continue  # lost, and so is what TCP would send after it: `mend` ends the connection
                sink.sendall(data)
        except OSError:
            pass  # ended by one side, or by `cut`
        finally:
            if not self._silent.is_set():
                self._end(source)
                self._end(sink)

    def _end(self, end: socket.socket) -> None:
        with self._lock:
            self._open.discard(end)
        with contextlib.suppress(OSError):  # the other pump was first
            end.shutdown(socket.SHUT_RDWR)
        end.close()
