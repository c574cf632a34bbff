"""The tags that a .feature file may carry.

An unknown one is an error: a misspelt @protected must not be a silent nothing, and no tag of
pytest's own (@skip, @xfail) may turn a scenario green that never ran.

A project adds its own, one `name: meaning` a line, by `aftershock_tags` in its pytest settings. So it
declares who answers for scenarios: `owner-NAME: who that is`, and a scenario says @owner-NAME.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aftershock.errors import ConfigError

__all__ = ["SEVERITIES", "TAGS", "known_tags", "owner_of"]

_OWNER = "owner-"
SEVERITIES = ("blocker", "critical", "minor", "trivial")

TAGS: Mapping[str, str] = {
    "addon": "needs an addon of the stack: `aftershock up --with ADDON`",
    "alerting": "proves which alerts fire, and which do not",
    "autorecovery": "proves what the component that repairs does, and does not",
    "blocker": "severity in the report: nothing else counts while this fails",
    "critical": "severity in the report: above the others",
    "load": "drives load against a service",
    "maintenance": "takes a node out of service and back",
    "minor": "severity in the report: below the others",
    "network": "harms the network of pods, or of a node",
    "node": "touches a whole node, not just pods",
    "protected": "may touch protected targets, where the settings say allow_protected",
    "recovery": "proves recovery within the objective",
    "pressure": "takes memory, CPU time or disk space away",
    "scaling": "proves what the HPA does",
    "slow": "takes more than five minutes",
    "trivial": "severity in the report: good to know",
    "whole": "may take all pods of a workload at once",
}


def known_tags(added: Iterable[str] = ()) -> dict[str, str]:
    """Return every known tag with its meaning; `added` are lines `name: meaning`.

    Raises:
        ConfigError: a line is not of that form.

    """
    tags = dict(TAGS)
    for line in added:
        name, colon, meaning = (part.strip() for part in line.partition(":"))
        if not (_is_name(name) and colon and meaning):
            raise ConfigError(
                f"aftershock_tags: {line!r} declares no tag", expected="name: what the tag means", found=line
            )
        tags[name] = meaning
    return tags


def owner_of(tags: Iterable[str]) -> str:
    """Return who answers for a scenario with these tags, several with a comma; "" where nobody is named."""
    return ", ".join(sorted(tag.removeprefix(_OWNER) for tag in tags if tag.startswith(_OWNER)))


def _is_name(name: str) -> bool:
    owner = name.removeprefix(_OWNER)
    return name.isidentifier() or (owner != name and owner.replace("-", "_").isidentifier())
