"""Power over nodes that exist in memory only."""

from __future__ import annotations

from aftershock.cluster.power import How, PowerOrigin
from aftershock.errors import CommandError, RefusedError

__all__ = ["FakePower"]


class FakePower:
    """Remembers what was asked of it. It has power over `nodes`; its first `failures` calls fail."""

    def __init__(self, *nodes: str, failures: int = 0) -> None:
        self.nodes = nodes
        self.failures = failures
        self.calls: list[tuple[str, ...]] = []

    def origin(self) -> PowerOrigin:
        """Return commands that do nothing."""
        return PowerOrigin()

    def check(self, how: How, node: str) -> None:
        """Do nothing if it is one of the nodes."""
        if node not in self.nodes:
            raise RefusedError(f"no power to {how} {node}", expected=", ".join(self.nodes), found=node)

    def take(self, how: How, node: str, *, expires_s: float) -> None:
        """Remember it."""
        self._called("take", how, node, f"{expires_s:g}")

    def give(self, how: How, node: str) -> None:
        """Remember it."""
        self._called("give", how, node)

    def _called(self, *words: str) -> None:
        self.calls.append(words)
        if self.failures:
            self.failures -= 1
            raise CommandError("the engine does not answer", command=words, code=1)
