"""A pod's network for the tests of carriers: an iptables, a tc and a systemd in memory."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aftershock_components.carrier.namespaces import Address, Network
from aftershock_components.carrier.orders import Order
from aftershock_components.carrier.tools import ToolError, Tools

BUILT_IN = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
}


class FakeNetwork(Network):
    """A namespace that nobody enters."""

    @contextmanager
    def inside(self) -> Iterator[None]:
        yield


def network(*addresses: Address, inode: int = 7) -> FakeNetwork:
    return FakeNetwork(fd=os.open("/dev/null", os.O_RDONLY), device=4, inode=inode, addresses=addresses)


@dataclass
class FakeTools(Tools):
    """Programs of one namespace. `missing` ones are not there, `unsupported` words iptables refuses."""

    network: Network = field(default_factory=network)
    proc: Path = Path("/proc")
    of_node: bool = False
    missing: set[str] = field(default_factory=set)
    unsupported: set[str] = field(default_factory=set)
    tables: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    qdiscs: dict[str, str] = field(default_factory=dict)
    timers: dict[str, str] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)

    def table(self, program: str, table: str) -> dict[str, list[str]]:
        """Return the chains of a table, each with its rules, of the family of `program`."""
        family = "6" if program.startswith("ip6") else "4"
        return self.tables.setdefault(f"{family} {table}", {name: [] for name in BUILT_IN[table]})

    def rules(self, table: str, chain: str) -> list[str]:
        return self.table("iptables", table)[chain]

    def own(self) -> dict[str, list[str]]:
        """Return the chains of a fault, whatever their table."""
        return {
            name: rules
            for chains in self.tables.values()
            for name, rules in chains.items()
            if name.startswith("AFTERSHOCK")
        }

    def has(self, program: str, *args: str) -> bool:
        try:
            self.run(program, *args)
        except ToolError:
            return False
        return True

    def run(self, program: str, *args: str, given: str = "") -> str:
        self.calls.append([program, *args])
        if program in self.missing or (program == "unshare" and "netem" in self.missing):
            raise ToolError(f"{program} cannot be run: no such file")
        if program.endswith("-restore"):
            return self._restore(program, given)
        if program in {"tc", "unshare"}:
            return self._tc(args)
        if program.startswith("systemd"):
            unit = next(word.partition("=")[2] for word in args if word.startswith("--unit="))
            self.timers[f"{unit}.timer"] = args[-1]
            return ""
        if program == "systemctl":
            return self._systemctl(args)
        return self._list(program, args)

    def _list(self, program: str, args: tuple[str, ...]) -> str:
        if program.endswith("-save"):
            everything = [
                rule for chains in self.tables.values() for rules in chains.values() for rule in rules
            ]
            return "".join(f"-A {rule}\n" for rule in everything)
        if "-S" not in args:
            return "iptables v1.8.9"
        chains = self.table(program, args[args.index("-t") + 1])
        asked = args[args.index("-S") + 1 :]
        lines = [f"-P {name} ACCEPT" for name in chains if name.isupper() and not name.startswith("AFTER")]
        lines += [f"-N {name}" for name in chains if name.startswith("AFTER")]
        lines += [f"-A {name} {rule}" for name, rules in chains.items() for rule in rules if name in asked]
        return "\n".join(lines)

    def _restore(self, program: str, given: str) -> str:
        for word in self.unsupported:
            if re.search(rf"(^|\s){re.escape(word)}(\s|$)", given):
                raise ToolError(f"no such thing: {word}")
        chains: dict[str, list[str]] = {}
        for line in given.splitlines():
            if line.startswith("*"):
                chains = self.table(program, line[1:])
            elif line.startswith(":"):
                chains[line[1:].split()[0]] = []
            elif line != "COMMIT":
                _change(chains, *line.split(" ", 2))
        return ""

    def _tc(self, args: tuple[str, ...]) -> str:
        if args[0] == "--net":
            return ""
        verb, interface = args[1], args[3]
        if verb == "show":
            return self.qdiscs.get(interface, "qdisc noqueue 0: root refcnt 2")
        if verb == "add":
            handle = args[args.index("handle") + 1]
            self.qdiscs[interface] = f"qdisc netem {handle} root refcnt 2 " + " ".join(
                args[args.index("netem") :]
            )
        else:
            del self.qdiscs[interface]
        return ""

    def _systemctl(self, args: tuple[str, ...]) -> str:
        if args[-1] not in self.timers:
            raise ToolError("inactive")
        if args[0] == "stop":
            del self.timers[args[-1]]
        return ""


class Said(list[dict[str, Any]]):
    """What an act says."""

    def __call__(self, event: str, **facts: Any) -> None:
        self.append({"event": event, **facts})


def order(proc: Path, *, until: float = 0.0, **options: Any) -> Order:
    return Order(
        fault_id="fault-0", until=until, pod_uid="uid", container_id="cid", options=options, proc=proc
    )


def _change(chains: dict[str, list[str]], verb: str, name: str, rule: str = "") -> None:
    match verb:
        case "-A":
            chains[name].append(rule)
        case "-I":
            chains[name].insert(0, rule.removeprefix("1 "))
        case "-D":
            chains[name].remove(rule)
        case "-F":
            chains[name].clear()
        case "-X":
            assert not chains.pop(name)
            assert not [rule for rules in chains.values() for rule in rules if name in shlex.split(rule)]
