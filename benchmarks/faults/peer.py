"""A node drained by Chaos Toolkit: `chaosk8s.node.actions.drain_nodes` under `chaos run`.

What is best for it: the node is named, its pods have what it needs of them (volumes, a
controller), no budget refuses (it asks once and gives up), and its time is that of the activity
alone, from the journal: neither Python's start nor the hypothesis, nor the rollback count. It
looks whether the pods are gone at once, and then every 10 s, for which there is no argument.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aftershock.cluster.api import Json
from aftershock.cluster.connection import Cluster
from aftershock.errors import CommandError
from benchmarks.chaos import chaos_run

__all__ = ["Drained", "drain_nodes", "drained_in", "experiment"]

_WITHIN_S = 120
_ENDS_WITHIN_S = 180.0
_TAIL = 15


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What became of the activity: how long it took, and why it failed ("" if it did not)."""

    took_s: float
    failed: str = ""


def drain_nodes(cluster: Cluster, node: str, *, folder: Path) -> Drained:
    """Run the experiment; return what its journal says. The node is open again then.

    Raises:
        CommandError: `chaos run` wrote no journal.

    """
    source, journal = folder / "drain.json", folder / "drain.journal.json"
    journal.unlink(missing_ok=True)
    source.write_text(json.dumps(experiment(node)), encoding="utf-8")
    environ = {**os.environ, "KUBERNETES_CONTEXT": cluster.context}
    if cluster.kubeconfig:
        environ["KUBECONFIG"] = cluster.kubeconfig
    words = chaos_run(source, "--rollback-strategy", "always", journal=journal)
    done = subprocess.run(
        words, env=environ, capture_output=True, text=True, check=False, timeout=_ENDS_WITHIN_S
    )
    if not journal.exists():
        tail = (done.stdout + done.stderr).splitlines()[-_TAIL:]
        raise CommandError("`chaos run` failed", command=words[1:], code=done.returncode, tail=tail)
    return drained_in(json.loads(journal.read_text(encoding="utf-8")))


def experiment(node: str) -> Json:
    """Return an experiment that drains `node`, and opens it again."""

    def action(name: str, func: str, **arguments: object) -> Json:
        provider = {"type": "python", "module": "chaosk8s.node.actions", "func": func}
        return {
            "type": "action",
            "name": name,
            "provider": {**provider, "arguments": {"name": node, **arguments}},
        }

    return {
        "title": f"{node} is drained",
        "description": "To see how long it takes.",
        "method": [action("drain", "drain_nodes", timeout=_WITHIN_S)],
        "rollbacks": [action("open", "uncordon_node")],
    }


def drained_in(journal: Json) -> Drained:
    """Read the activity's own times and end."""
    (activity,) = journal["run"]
    begin, end = (datetime.fromisoformat(activity[key]).replace(tzinfo=UTC) for key in ("start", "end"))
    said = "".join(activity.get("exception") or ()).strip().splitlines()
    last = said[-1].rpartition("ActivityFailed: ")[2] if said else str(activity["status"])
    failed = "" if activity["status"] == "succeeded" else last
    return Drained(took_s=(end - begin).total_seconds(), failed=failed)
