"""What is never touched, and why."""

from __future__ import annotations

from aftershock_components.autorecovery.kube import Json
from aftershock_components.autorecovery.playbooks import Exclusions

__all__ = ["why_excluded", "why_named"]


def why_excluded(found: Json, rules: Exclusions, *, containers: tuple[str, ...] = ()) -> str:
    """Return why an object (and those containers of it) is not to be touched, "" if it may be."""
    meta = found["metadata"]
    by_name = why_named(meta.get("namespace", ""), (meta["name"], *containers), rules)
    if by_name:
        return by_name
    for label in rules.labels:
        if label in (meta.get("labels") or {}):
            return f"{meta['name']} bears the label {label}"
    if (meta.get("annotations") or {}).get(rules.opt_out) == "true":
        return f"{meta['name']} bears the annotation {rules.opt_out}"
    return ""


def why_named(namespace: str, names: tuple[str, ...], rules: Exclusions) -> str:
    """Return why what has those names is not to be touched, "" if it may be."""
    if namespace in rules.namespaces:
        return f"the namespace {namespace} is excluded"
    for name in names:
        for word in rules.words:
            if word in name:
                return f"the name {name} contains {word}"
    return ""
