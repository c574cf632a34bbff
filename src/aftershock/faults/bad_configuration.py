"""Bad configuration: a Deployment's application is configured so that it does not run.

By a wrong value of an environment variable, or by a command that is not in the image. Proof
is the API's: the container of a new pod with that configuration has ended with an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from aftershock.cluster.api import Json
from aftershock.errors import RefusedError
from aftershock.faults.patched import Leaf, leaf
from aftershock.faults.tools import Tools
from aftershock.faults.workload_patch import TemplatePatch, WhichWorkload

__all__ = ["NAME", "NO_COMMAND", "BadConfiguration"]

NAME = "bad-configuration"
NO_COMMAND = ("/aftershock/no-such-command",)


class BadConfiguration(TemplatePatch):
    """The workload's container gets other values of the variables in `env`, or else another `command`."""

    name = NAME

    def __init__(
        self,
        tools: Tools,
        *,
        env: Mapping[str, str] | None = None,
        command: tuple[str, ...] = NO_COMMAND,
        **which: Unpack[WhichWorkload],
    ) -> None:
        super().__init__(tools, **which)
        self.env = dict(env or {})
        self.command = command

    def leaves(self, found: Json) -> list[Leaf]:
        """Return a leaf for each variable, or the one of the command.

        Raises:
            RefusedError: a variable has no plain value now, so there is none to put back.

        """
        if not self.env:
            return [leaf(found, self.place(found, "command"), list(self.command))]
        # The values of these alone enter the journal; others may be secrets.
        leaves = [
            leaf(found, self.place(found, "env", f"name={name}", "value"), value)
            for name, value in self.env.items()
        ]
        lacking = [name for name, item in zip(self.env, leaves, strict=True) if not (item.had and item.set)]
        if lacking:
            raise RefusedError(
                f"cannot configure {', '.join(lacking)} of {found['metadata']['name']} badly",
                expected="variables that have a plain value now, and another value for each",
                found="no plain value now, or an empty one to be set",
            )
        return leaves

    def effect(self) -> str:
        """Say what becomes of the workload, after its name."""
        # Names alone: a value may be a secret.
        how = (
            f"other values of {', '.join(sorted(self.env))}" if self.env else f"the command {self.command[0]}"
        )
        return f"is rolled out with {how}"

    def failure(self, pod: Json, status: Json) -> str:  # noqa: ARG002 - the pod is for other faults
        """Return how the container ended."""
        for state in (status.get("state") or {}, status.get("lastState") or {}):
            ended = state.get("terminated") or {}
            if ended.get("exitCode"):
                return f"{ended.get('reason', 'Error')}, exit code {ended['exitCode']}"
        return ""
