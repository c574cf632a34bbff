"""The way in: tunnels to what nobody else reaches.

The nodes are in a private subnet. A tunnel is a session of Systems Manager's, held by AWS'
session-manager-plugin: it needs no bastion, no open port and no public address.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from aftershock.clock import Clock, wait_until
from aftershock.cluster.connect import NODE_PORTS
from aftershock.cluster.ec2.session import Aws
from aftershock.cluster.ports import occupied
from aftershock.errors import CommandError, EnvironmentUnusableError

__all__ = ["API_HERE", "TUNNELS", "Tunnels", "check_free", "check_tools", "held"]

API_PORT = 6443
API_HERE = 16443
"""Where a tunnel to the API server begins, on 127.0.0.1."""

TUNNELS: Mapping[int, int] = {
    API_HERE: API_PORT,
    **{port: port for name, port in NODE_PORTS.items() if not name.startswith("monitoring/")},
}
"""Ports of 127.0.0.1, and of the control plane's machine; monitoring is reached through the API server."""

PLUGIN = "session-manager-plugin"
DOCUMENT = "AWS-StartPortForwardingSession"
OPENS_WITHIN_S = 20.0
GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide"
TOOLS: Mapping[str, tuple[str, str]] = {
    "openssl": ("what makes the key of the kubeconfig", "install openssl"),
    PLUGIN: (
        "AWS' plugin, which carries a tunnel to a machine without a public address",
        f"{GUIDE}/session-manager-working-with-install-plugin.html",
    ),
}
"""Programs that lead to a cluster: what each is, and where it comes from."""


class Tunnels:
    """Tunnels from ports of 127.0.0.1 to ports of an instance; each a process of AWS' plugin."""

    def __init__(
        self, aws: Aws, instance: str, ports: Mapping[int, int], *, log: Path, clock: Clock | None
    ) -> None:
        self.aws = aws
        self.instance = instance
        self.ports = ports
        self.log = log
        self.clock = clock
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def open(self) -> list[int]:
        """Open those that are not open; return their ports here.

        Raises:
            CloudError: AWS said no.
            CommandError: one ends at once.
            DeadlineError: one does not open.

        """
        ended = [port for port in self.ports if port not in self._running or self._ended(port)]
        for port in ended:
            self._running[port] = self._start(port)
        for port in ended:
            self._opened(port)
        return ended

    def close(self) -> None:
        """End them all."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait()

    def keep(self, say: Callable[[str], None]) -> NoReturn:
        """Open anew whatever ends, for ever. Raises as `open`.

        Systems Manager ends a session that was idle for 20 minutes, and any of them now and then.
        """
        while True:
            # Until a child has ended, which is left to be asked for.
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            ports = ", ".join(str(port) for port in self.open())
            say(f"{datetime.now().astimezone():%H:%M:%S} opened anew: {ports}")

    def _start(self, here: int) -> subprocess.Popen[bytes]:
        asked = {
            "Target": self.instance,
            "DocumentName": DOCUMENT,
            "Parameters": {"portNumber": [str(self.ports[here])], "localPortNumber": [str(here)]},
        }
        answer = self.aws.call("ssm", "start_session", **asked)
        session = {name: answer[name] for name in ("SessionId", "StreamUrl", "TokenValue")}
        # As AWS' own command line calls it. The token is good for this one session, and for its start only.
        words = [PLUGIN, json.dumps(session), self.aws.region, "StartSession", "", json.dumps(asked)]
        words.append(str(self.aws.client("ssm").meta.endpoint_url))
        with self.log.open("ab") as out:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def _ended(self, port: int) -> bool:
        return self._running[port].poll() is not None

    def _opened(self, port: int) -> None:
        def opened() -> bool:
            if self._ended(port):
                raise CommandError(
                    f"the tunnel to port {port} has ended", command=[PLUGIN],
                    code=self._running[port].returncode,
                    tail=self.log.read_text(errors="replace").splitlines()[-5:],
                    hint=f"the whole log: {self.log}",
                )  # fmt: skip
            return occupied(port)

        what = f"a tunnel on port {port}"
        wait_until(opened, within_s=OPENS_WITHIN_S, every_s=0.2, what=what, clock=self.clock)


def check_tools(programs: Iterable[str] = TOOLS) -> None:
    """Do nothing if these programs are on the PATH.

    Raises:
        EnvironmentUnusableError: one is missing.

    """
    for program in programs:
        if shutil.which(program) is None:
            expected, hint = TOOLS[program]
            raise EnvironmentUnusableError(
                f"there is no {program} on the PATH", expected=expected, found="none", hint=hint
            )


def check_free(ports: Iterable[int]) -> None:
    """Do nothing if nobody listens on these ports of 127.0.0.1.

    Raises:
        EnvironmentUnusableError: somebody does.

    """
    taken = [port for port in ports if occupied(port)]
    if taken:
        raise EnvironmentUnusableError(
            "ports of 127.0.0.1 that the tunnels need are in use",
            expected=", ".join(str(port) for port in ports) + " free",
            found=", ".join(str(port) for port in taken),
            hint="end what uses them: `aftershock tunnel` elsewhere, or the kind cluster (`aftershock down`)",
        )


@contextmanager
def held(
    aws: Aws, instance: str, ports: Mapping[int, int], *, log: Path, clock: Clock | None = None
) -> Iterator[Tunnels]:
    """Hold tunnels from ports of 127.0.0.1 to ports of an instance while the block runs.

    Raises:
        EnvironmentUnusableError: the plugin is missing, a port is taken, or a tunnel does not open.

    """
    check_tools([PLUGIN])
    check_free(ports)
    tunnels = Tunnels(aws, instance, ports, log=log, clock=clock)
    try:
        tunnels.open()
        yield tunnels
    finally:
        tunnels.close()
