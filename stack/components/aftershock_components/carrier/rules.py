"""Rules of iptables that a fault adds, each in a chain of its own, and takes away again exactly.

A chain's name comes from the fault's id, so that it can be found with no memory of the fault,
and nothing else is touched: what is put back is that chain and the jump to it. The jump carries
the end of the fault where the kernel can compare times (xt_time), so that the rules of a carrier
that was killed end by themselves.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from aftershock_components.carrier.changes import Changes, Entry, PutBack
from aftershock_components.carrier.namespaces import find_network
from aftershock_components.carrier.orders import Order
from aftershock_components.carrier.tools import ToolError, Tools

__all__ = ["KIND", "Chain", "add_rules", "chain_name", "programs", "putting_back"]

KIND = "iptables"
# Wait for another program that holds iptables' lock, seconds.
LOCK = ("-w", "10")

MakeTools = Callable[[Entry], "Tools | None"]


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A chain to add: in `table`, entered first of all from `hook`, with `rules` (less -A and its name)."""

    table: str
    hook: str
    rules: tuple[str, ...]


def chain_name(fault_id: str, hook: str) -> str:
    """Return the name of a fault's chain for that hook: 24 characters of the 28 that may be."""
    return f"AFTERSHOCK-{hashlib.sha256(fault_id.encode()).hexdigest()[:10]}-{hook[:2]}"


def programs(tools: Tools, *, family: int) -> str:
    """Return the flavour of iptables that this namespace uses.

    It is the legacy one where that alone has rules, else nft, else what there is. Listing
    legacy rules would make the kernel set up their tables, so it is asked first which exist.

    Raises:
        ToolError: there is no iptables at all.

    """
    base = "iptables" if family == 4 else "ip6tables"  # noqa: PLR2004 - IP's version
    with tools.network.inside():
        old = Path(f"/proc/thread-self/net/{base.removesuffix('tables')}_tables_names")
        has_old = old.exists() and bool(old.read_text(encoding="ascii").split())
    legacy, nft = f"{base}-legacy", f"{base}-nft"
    if has_old and _rules_in(tools, legacy) and not _rules_in(tools, nft):
        return legacy
    for program in (nft, base, legacy):
        if tools.has(program):
            return program
    raise ToolError(f"there is no {base}, neither in the carrier's image nor on the node")


def add_rules(
    chains_for: Callable[[int], Sequence[Chain]], *, order: Order, tools: Tools, changes: Changes
) -> bool:
    """Add chains for each IP version that the namespace uses; say whether the kernel ends them by itself.

    `chains_for` is given the IP version. The chains of a table appear all at once.

    Raises:
        ToolError: iptables is missing, or refuses them.

    """
    bounded = [_add(chains_for(family), family, order, tools, changes) for family in tools.network.families]
    return all(bounded)


def putting_back(proc: Path, *, make_tools: MakeTools | None = None) -> PutBack:
    """Return what takes remembered chains away, in the namespace where they were added."""
    return partial(_put_back, make_tools or partial(_tools, proc))


def _add(chains: Sequence[Chain], family: int, order: Order, tools: Tools, changes: Changes) -> bool:
    program = programs(tools, family=family)
    changes.remember(
        KIND,
        program=program,
        of_node=tools.of_node,
        device=tools.network.device,
        inode=tools.network.inode,
        chains=[[chain.table, chain.hook, chain_name(order.fault_id, chain.hook)] for chain in chains],
    )
    ends = datetime.fromtimestamp(order.until, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    try:
        _restore(tools, program, _script(chains, order.fault_id, f"-m time --datestop {ends} "))
    except ToolError:
        _restore(tools, program, _script(chains, order.fault_id, ""))
        return False
    return True


def _script(chains: Sequence[Chain], fault_id: str, limit: str) -> str:
    """Return the input of iptables-restore. The jump comes last: what it leads to is complete."""
    lines: list[str] = []
    for table in dict.fromkeys(chain.table for chain in chains):
        mine = [(chain_name(fault_id, chain.hook), chain) for chain in chains if chain.table == table]
        lines.append(f"*{table}")
        lines += [f":{name} - [0:0]" for name, _ in mine]
        lines += [f"-A {name} {rule}" for name, chain in mine for rule in chain.rules]
        lines += [f"-I {chain.hook} 1 {limit}-j {name}" for name, chain in mine]
        lines.append("COMMIT")
    return "\n".join([*lines, ""])


def _restore(tools: Tools, program: str, script: str) -> None:
    tools.run(f"{program}-restore", *LOCK, "--noflush", given=script)


def _tools(proc: Path, entry: Entry) -> Tools | None:
    network = find_network(proc, device=entry["device"], inode=entry["inode"])
    return None if network is None else Tools(network, proc=proc, of_node=entry["of_node"])


def _put_back(make_tools: MakeTools, entry: Entry) -> bool:
    tools = make_tools(entry)
    if tools is None:  # the pod is gone, and its network with it
        return False
    program = entry["program"]
    there = [
        (table, hook, chain) for table, hook, chain in entry["chains"] if _has(tools, program, table, chain)
    ]
    for table, hook, chain in there:
        jumps = [line for line in _listed(tools, program, table, hook) if _jumps_to(line, chain)]
        lines = [f"*{table}", *(line.replace("-A", "-D", 1) for line in jumps)]
        _restore(tools, program, "\n".join([*lines, f"-F {chain}", f"-X {chain}", "COMMIT", ""]))
    return bool(there)


def _has(tools: Tools, program: str, table: str, chain: str) -> bool:
    """Whether a chain exists.

    Raises:
        ToolError: the table cannot be listed: nothing can be said.

    """
    return f"-N {chain}" in tools.run(program, *LOCK, "-t", table, "-S").splitlines()


def _listed(tools: Tools, program: str, table: str, hook: str) -> list[str]:
    return tools.run(program, *LOCK, "-t", table, "-S", hook).splitlines()


def _jumps_to(line: str, chain: str) -> bool:
    words = shlex.split(line)
    return words[0] == "-A" and words[-2:] == ["-j", chain]


def _rules_in(tools: Tools, program: str) -> bool:
    """Whether that flavour holds any rule here."""
    try:
        return any(line.startswith("-A") for line in tools.run(f"{program}-save").splitlines())
    except ToolError:
        return False
