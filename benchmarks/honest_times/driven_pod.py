"""A server that is down when a schedule says so, and writes down when it really was.

It runs alone, in a pod, with nothing but the standard library.

APP_PORT      GET anything: 200 while up; while down 503, or the connection is refused
CONTROL_PORT  POST /schedule  [{"after_s": 1.5, "for_s": 2.0, "how": "refused"}, ...], counted from
                              the receipt; "how" is "unavailable" (503) or "refused"
              GET /flips      {"done": true, "flips": [{"at_ns": ..., "up": false}, ...]}

Outages may overlap: it is up when none is left, and refuses while any of them refuses. A flip's
time is CLOCK_REALTIME in nanoseconds, read right after the change; each is a line of stdout too.
One thread does everything, so an answer is given wholly before a flip or wholly after it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

__all__ = ["APP_PORT", "CONTROL_PORT", "DrivenServer", "How"]

APP_PORT = 8080
CONTROL_PORT = 8081

How = Literal["unavailable", "refused"]
_REASONS = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}


class DrivenServer:
    """The application that goes down, and the port by which it is told to."""

    def __init__(self, *, host: str = "", app_port: int = APP_PORT, control_port: int = CONTROL_PORT) -> None:
        self._host = host
        self._app_port = app_port
        self._control_port = control_port
        self._app: asyncio.Server | None = None
        self._control: asyncio.Server | None = None
        self._down: list[How] = []
        self._flips: list[dict[str, Any]] = []
        self._driving: asyncio.Task[None] | None = None

    async def start(self) -> tuple[int, int]:
        """Listen; return the application's and the control port."""
        await self._listen()
        self._control = await asyncio.start_server(self._answer_control, self._host, self._control_port)
        return self._app_port, _port(self._control)

    def stop(self) -> None:
        """Listen no more."""
        for server in (self._app, self._control):
            if server is not None:
                server.close()
        if self._driving is not None:
            self._driving.cancel()

    def drive(self, outages: Sequence[Mapping[str, Any]]) -> None:
        """Follow a new schedule from now on; the flips of the one before are forgotten."""
        steps: list[tuple[float, bool, How]] = []
        for outage in outages:
            begin, end = outage["after_s"], outage["after_s"] + outage["for_s"]
            steps += [(begin, False, outage["how"]), (end, True, outage["how"])]
        if self._driving is not None:
            self._driving.cancel()
        self._flips, self._down = [], []
        self._driving = asyncio.get_running_loop().create_task(self._follow(sorted(steps)))

    async def _follow(self, steps: Sequence[tuple[float, bool, How]]) -> None:
        begun = time.monotonic()
        await self._become()
        for due, ends, how in steps:
            await asyncio.sleep(max(0.0, begun + due - time.monotonic()))
            was_up = not self._down
            if ends:
                self._down.remove(how)
            else:
                self._down.append(how)
            await self._become()
            at_ns = time.time_ns()
            if was_up == bool(self._down):
                self._flips.append({"at_ns": at_ns, "up": not self._down})
                sys.stdout.write(json.dumps(self._flips[-1]) + "\n")
                sys.stdout.flush()

    async def _become(self) -> None:
        """Listen or not, as the outages under way ask; answers look at them by themselves."""
        if "refused" not in self._down:
            await self._listen()
        elif self._app is not None:
            self._app.close()
            self._app = None

    async def _listen(self) -> None:
        if self._app is None:
            self._app = await asyncio.start_server(
                self._answer, self._host, self._app_port, backlog=128, reuse_address=True
            )
            self._app_port = _port(self._app)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reply(reader, writer, lambda _verb, _body: (503 if self._down else 200, {}))

    async def _answer_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _reply(reader, writer, self._obey)

    def _obey(self, request: str, body: bytes) -> tuple[int, Any]:
        if request == "POST /schedule":
            self.drive(json.loads(body))
            return 200, {}
        if request == "GET /flips":
            return 200, {"done": self._driving is None or self._driving.done(), "flips": self._flips}
        return 404, {}


async def _reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Any) -> None:
    """Read one request, write what `answer` makes of it, and close."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(":", 1) for line in head[1:] if ":" in line)
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        status, data = answer(head[0].rpartition(" ")[0], body)
        text = json.dumps(data).encode()
        writer.write(
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode()
            + text
        )
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has gone; there is nobody to answer
    finally:
        writer.close()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def _main() -> None:
    server = DrivenServer()
    await server.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    server.stop()


if __name__ == "__main__":
    asyncio.run(_main())
