"""The target: a web server of ours on 127.0.0.1, on a core of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

__all__ = ["GENERATOR_CORE", "TARGET_CORE", "Target", "pinned", "target"]

GENERATOR_CORE, TARGET_CORE = (
    sorted(os.sched_getaffinity(0))[:2] if len(os.sched_getaffinity(0)) > 1 else (0, 0)
)


def pinned(core: int, *words: object) -> list[str]:
    """Return the command of `words`, on one core only."""
    return ["taskset", "--cpu-list", str(core), *map(str, words)]


class Target:
    """The running server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.url = f"http://{process.stdout.readline().strip()}"

    def answered(self) -> int:
        """Return how many requests it has answered."""
        return int(requests.get(f"{self.url}/count", timeout=5).text)

    def freeze(self) -> None:
        """Stop it where it is: connections are taken by the kernel, nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def target(program: Path) -> Iterator[Target]:
    """Run the server while the block runs."""
    process = subprocess.Popen(
        pinned(TARGET_CORE, program),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GOMAXPROCS": "1"},
    )
    try:
        yield Target(process)
    finally:
        process.kill()
        process.wait()
