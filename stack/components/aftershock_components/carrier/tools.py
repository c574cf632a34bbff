"""Programs that act on a network namespace: the image's own, else those of the node."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from aftershock_components.carrier.namespaces import CLONE_NEWNET, CLONE_NEWNS, Network, enter
from aftershock_components.carrier.orders import OrderError

__all__ = ["ToolError", "Tools"]

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WITHIN_S = 20.0
# Where the image's legacy iptables may write; the node's has its own place.
OWN_LOCK = {"XTABLES_LOCKFILE": "/dev/shm/aftershock-xtables.lock"}  # noqa: S108 - this container's own memory


class ToolError(OrderError, OSError):
    """A program is missing, or did not do what it was told."""


class Tools:
    """Runs programs in `network`. With `of_node` only the node's own are taken, in its file system."""

    def __init__(self, network: Network, *, proc: Path, of_node: bool = False) -> None:
        self.network = network
        self.proc = proc
        self.of_node = of_node

    def has(self, program: str, *args: str) -> bool:
        """Whether `program` is there and answers `args` without an error."""
        try:
            self.run(program, *(args or ("--version",)))
        except ToolError:
            return False
        return True

    def run(self, program: str, *args: str, given: str = "") -> str:
        """Run a program, with `given` on its standard input, and return what it prints.

        Raises:
            ToolError: it is neither in the image nor on the node, or it failed.

        """
        outside = self.of_node or shutil.which(program, path=PATH) is None
        try:
            done = self._run([program, *args], given, outside=outside)
        except (OSError, subprocess.SubprocessError) as error:
            where = "on the node" if outside else "in the image"
            raise ToolError(f"{program} cannot be run {where}: {error}") from error
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise ToolError(f"{' '.join([program, *args])} failed ({done.returncode}): {said}")
        return done.stdout

    def _run(self, argv: Sequence[str], given: str, *, outside: bool) -> subprocess.CompletedProcess[str]:
        """Run in the network, and in the node's file system if the program is to come from there."""
        node = os.open(self.proc / "1" / "ns" / "mnt", os.O_RDONLY | os.O_CLOEXEC) if outside else None

        def prepare() -> None:
            enter(self.network.fd, CLONE_NEWNET)
            if node is not None:
                enter(node, CLONE_NEWNS)

        try:
            return subprocess.run(
                argv,
                input=given,
                capture_output=True,
                text=True,
                check=False,
                timeout=WITHIN_S,
                env={"PATH": PATH, "LC_ALL": "C", **({} if outside else OWN_LOCK)},
                preexec_fn=prepare,
            )
        finally:
            if node is not None:
                os.close(node)
