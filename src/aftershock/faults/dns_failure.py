"""DNS failure: a pod's questions for chosen names are refused, answered late, or answered wrongly.

Everything else that it asks is handed through. Proof comes from a second carrier that only asks, in
the pod's own network, with the pod's own resolv.conf.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Unpack

from aftershock.cluster.api import Json
from aftershock.errors import RefusedError
from aftershock.faults.chosen import Pods, WhichPods
from aftershock.faults.looks import Figures, Look
from aftershock.faults.networked import NetworkFault
from aftershock.faults.tools import Tools

__all__ = ["NAME", "DnsFailure", "Mode"]

NAME = "dns-failure"
SHARE = 0.8
# An address that is nobody's, set apart for documentation (RFC 5737).
NOBODY = "192.0.2.1"

Mode = Literal["refused", "servfail", "nxdomain", "slow", "wrong"]


class DnsFailure(NetworkFault):
    """Questions of the pods for `names` fail by `mode`; "slow" by `delay_s`, "wrong" with `address`.

    A name is meant as an application says it: with whatever suffix the resolver adds, too.
    """

    name = NAME
    act = "dns"

    def __init__(
        self,
        tools: Tools,
        *,
        names: Sequence[str],
        mode: Mode = "refused",
        delay_s: float = 0.0,
        address: str = NOBODY,
        for_s: float,
        **which: Unpack[WhichPods],
    ) -> None:
        super().__init__(tools, Pods(**which), for_s=for_s, port=0)
        self.names = tuple(names)
        self.mode = mode
        self.delay_s = delay_s
        self.address = address
        if mode == "slow" and delay_s <= 0:
            raise RefusedError(
                "slow answers need a delay", expected="a delay above 0 s", found=f"{delay_s:g} s"
            )
        if mode == "wrong" and not _is_address(address):
            raise RefusedError("wrong answers need an address", expected="an address", found=repr(address))
        if not names or any(name.startswith("*") for name in names):
            raise RefusedError(
                "names are needed that can be asked for",
                expected="names without *, so that the fault can be proven",
                found=", ".join(names) or "none",
            )

    def options(self) -> Mapping[str, Any]:
        """Return which names, and how they fail."""
        more: Mapping[str, Mapping[str, Any]] = {
            "slow": {"delay_ms": self.delay_s * 1000},
            "wrong": {"address": self.address},
        }
        return {"mode": self.mode, "names": list(self.names), **more.get(self.mode, {})}

    def effect(self) -> str:
        """Say how which names fail."""
        how = {"slow": f"{self.delay_s * 1000:g} ms late", "wrong": f"wrongly, with {self.address}"}
        return f"is answered {how.get(self.mode, self.mode)} when it asks for {', '.join(self.names)}"

    def more_aim(self, pod: Json, aim: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - as the others'
        """Return nothing more: what is measured is in the pod."""
        return {}

    def looks(self, aims: Sequence[Mapping[str, Any]]) -> list[Look]:
        """Return a look in each pod's own network."""
        patience_ms = 2000 + 2 * self.delay_s * 1000
        options = {"names": list(self.names), "tries": 1 if self.delay_s else 3, "timeout_ms": patience_ms}
        return [Look(node=aim["node"], aim=aim, options=options) for aim in aims]

    def fine(self, before: Figures) -> bool:
        """Whether the name was found each time."""
        return bool(before["outcomes"].get("found") == before["tries"])

    def shows(self, before: Figures, since: Sequence[Figures]) -> bool:
        """Whether the answers are those of the fault."""
        now = since[-1]
        if self.mode == "slow":
            longer_ms = now["took_ms"]["median"] - before["took_ms"]["median"]
            return self.fine(now) and bool(longer_ms >= SHARE * self.delay_s * 1000)
        if self.mode == "wrong":
            return bool(now["addresses"] == [self.address] != before["addresses"])
        return bool(now["outcomes"] == {self.mode: now["tries"]})


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True
