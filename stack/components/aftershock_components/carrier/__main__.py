"""`python -m aftershock_components.carrier ACT|restore|check …`: what a carrier pod runs.

ACT      one of aftershock_components.carrier.acts
restore  puts back what an earlier carrier of the same fault changed and could not put back
check    says what is still written down as changed

Each line on standard output is a JSON object with `at` (RFC 3339, UTC) and `event`.
Exit codes: 0 done, 2 the order makes no sense, 3 there is no such container here, 4 what was to
be brought about did not happen in time, 5 something could not be put back, 143 told to stop.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aftershock_components.carrier.acts import ACTS, kinds
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.containers import ContainerError
from aftershock_components.carrier.orders import Expired, Order, OrderError, stop_on_sigterm

SENSELESS = 2
NOT_HERE = 3
EXPIRED = 4
LEFT = 5


def say(event: str, **facts: Any) -> None:
    """Print one line of what happened."""
    print(json.dumps({"at": datetime.now(UTC).isoformat(), "event": event, **facts}), flush=True)  # noqa: T201 - the log


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    given = _parser().parse_args(argv)
    stop_on_sigterm()
    changes = Changes(state=given.state / f"{given.fault_id}.json", kinds=kinds(proc=given.proc))
    if given.command == "check":
        say("remembered", changes=changes.remembered())
        return 0
    code = 0
    try:
        if given.command != "restore":
            code = _act(given, changes)
    finally:
        left = _put_back(changes)
    return LEFT if left else code


def _act(given: argparse.Namespace, changes: Changes) -> int:
    order = Order(
        fault_id=given.fault_id,
        until=given.expires_at.timestamp(),
        pod_uid=given.pod_uid,
        container_id=given.container_id,
        options=given.options,
        proc=given.proc,
        cgroups=given.cgroups,
    )
    refusals: dict[type[Exception], int] = {OrderError: SENSELESS, ContainerError: NOT_HERE, Expired: EXPIRED}
    try:
        ACTS[given.command](order, changes, say)
    except tuple(refusals) as error:
        code = refusals[type(error)]
        say("expired" if code == EXPIRED else "refused", reason=str(error))
        return code
    return 0


def _put_back(changes: Changes) -> bool:
    """Put everything back; say whether something is left."""
    try:
        say("restored", changes=changes.put_back())
    except OSError as error:
        say("left", changes=changes.remembered(), reason=str(error))
        return True
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carrier", allow_abbrev=False)
    parser.add_argument("command", choices=("restore", "check", *ACTS))
    parser.add_argument("--fault-id", required=True)
    parser.add_argument("--pod-uid", default="")
    parser.add_argument("--container-id", default="")
    parser.add_argument("--expires-at", type=datetime.fromisoformat, default=datetime.now(UTC))
    parser.add_argument("--options", type=json.loads, default={}, help="the act's own, as a JSON object")
    parser.add_argument("--proc", type=Path, default=Path("/proc"), help="the node's /proc")
    parser.add_argument(
        "--cgroups", type=Path, default=Path("/node/cgroup"), help="the node's /sys/fs/cgroup"
    )
    parser.add_argument("--state", type=Path, default=Path("/node/state"), help="a folder of the node")
    return parser


if __name__ == "__main__":
    sys.exit(main())
