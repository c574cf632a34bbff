"""Who has power over nodes, from this machine.

A kind node is a container, and its engine does it. On other clusters EC2 does, or commands of the
settings, and what stops a node there must end by itself: nobody else may be left to start it.
"""

from __future__ import annotations

from pathlib import Path

from aftershock.cluster.api import KubeApi
from aftershock.cluster.ec2.power import Ec2Power
from aftershock.cluster.kind.engine import Engine, engine_of
from aftershock.cluster.kind.nodes import Nodes
from aftershock.cluster.power import How, Power, PowerOrigin
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell
from aftershock.config import NodePower, Settings, state_dir
from aftershock.errors import CommandError, RefusedError

__all__ = ["CommandPower", "KindPower", "power_from", "power_of"]


class KindPower:
    """The container engine that holds the nodes of a kind cluster."""

    def __init__(self, cluster: str, *, state: Path) -> None:
        self.cluster = cluster
        self.state = state
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The engine; looked for once."""
        if self._engine is None:
            log = self.state / "logs" / "power.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            self._engine = engine_of(self.cluster, log=log, state=self.state)
        return self._engine

    def origin(self) -> PowerOrigin:
        """Return the cluster's name."""
        return PowerOrigin(cluster=self.cluster)

    def check(self, how: How, node: str) -> None:
        """Do nothing if the node is one of our containers, and runs."""
        if how not in {"pause", "stop"}:
            raise RefusedError(
                f"nothing can {how} {node}", expected="a node that is an EC2 instance", found="kind"
            )
        nodes = sorted(self.engine.containers(self.cluster))
        state = self.engine.state(node) if node in nodes else "no container of that name"
        if state != "running":
            raise RefusedError(
                f"{node} is no running node of the kind cluster {self.cluster}",
                expected=f"one of {', '.join(nodes)}, running",
                found=state,
            )

    def take(self, how: How, node: str, *, expires_s: float) -> None:  # noqa: ARG002 - the guardian's to keep
        """Freeze all processes of the node, or end them without a word, as a cut cable does."""
        self.engine.run(*(("pause",) if how == "pause" else ("stop", "--time", "0")), node)

    def give(self, how: How, node: str) -> None:
        """Let the node go on, or boot it."""
        state = self.engine.state(node)
        if state != "running":
            try:
                self.engine.run("unpause" if state == "paused" else "start", node)
            except CommandError:
                # The guardian may do the same at this very moment.
                if self.engine.state(node) != "running":
                    raise
        if how == "stop":
            # Also where it runs: whoever started it may have been cut short after that.
            names = list(self.engine.containers(self.cluster))
            Nodes(engine=self.engine, names=names, progress=Progress()).rejoin(node)


class CommandPower:
    """Commands of the settings; they know how to stop and start a node."""

    def __init__(self, commands: NodePower, *, shell: Shell) -> None:
        self.commands = commands
        self.shell = shell

    def origin(self) -> PowerOrigin:
        """Return the commands."""
        return PowerOrigin(commands=self.commands)

    def check(self, how: How, node: str) -> None:
        """Do nothing if there is a command for it."""
        if how != "stop" or not self.commands.stop:
            raise RefusedError(
                f"there is no command to {how} {node}",
                expected="node_power in [tool.aftershock], with stop and start; pausing works on kind only, "
                "rebooting and terminating on EC2",
                found="none",
            )

    def take(self, how: How, node: str, *, expires_s: float) -> None:  # noqa: ARG002 - `check` has refused to pause
        """Run the command that stops the node for that time."""
        self._run(self.commands.stop, node=node, expires_s=str(round(expires_s)))

    def give(self, how: How, node: str) -> None:  # noqa: ARG002 - as above
        """Run the command that starts it."""
        self._run(self.commands.start, node=node)

    def _run(self, words: tuple[str, ...], **values: str) -> None:
        self.shell.run(*(_filled(word, values) for word in words))


def power_of(settings: Settings, *, cluster: str, api: KubeApi | None = None) -> Power | None:
    """Return what has power over the nodes of the settings' cluster; None if nothing has.

    `cluster` is what kind calls our cluster; EC2 asks `api` which instances the nodes are.
    """
    if settings.cluster == "kind":
        return power_from(PowerOrigin(cluster=cluster))
    if settings.node_power.ec2 and api is not None:
        return Ec2Power.of(settings.ec2, api)
    return power_from(PowerOrigin(commands=settings.node_power)) if settings.node_power.stop else None


def power_from(origin: PowerOrigin) -> Power:
    """Return the power that has this origin."""
    state = state_dir()
    if origin.ec2 is not None:
        return Ec2Power.from_origin(origin.ec2)
    if origin.cluster:
        return KindPower(origin.cluster, state=state)
    (state / "logs").mkdir(exist_ok=True)
    return CommandPower(origin.commands, shell=Shell(log=state / "logs" / "power.log"))


def _filled(word: str, values: dict[str, str]) -> str:
    """Put the values into their places; other braces stay as they are."""
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word
