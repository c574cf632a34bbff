"""`python -m aftershock_components.carrier oom|restore …`: what a carrier pod runs.

oom      fills a container's memory until the kernel kills its application
restore  puts back what an earlier carrier of the same fault changed and could not put back

Each line on standard output is a JSON object with `at` (RFC 3339, UTC) and `event`.
Exit codes: 0 done, 3 there is no such container here, 4 not killed in time, 143 told to stop.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from aftershock_components.carrier import out_of_memory
from aftershock_components.carrier.containers import ContainerError, find_container
from aftershock_components.carrier.scores import Scores

NOT_HERE = 3
EXPIRED = 4


def say(event: str, **facts: Any) -> None:
    """Print one line of what happened."""
    print(json.dumps({"at": datetime.now(UTC).isoformat(), "event": event, **facts}), flush=True)  # noqa: T201 - the log


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _stop)
    scores = Scores(proc=options.proc, state=options.state / f"{options.fault_id}.json")
    if options.command == "restore":
        say("restored", processes=scores.put_back())
        return 0
    try:
        container = find_container(
            pod_uid=options.pod_uid,
            container_id=options.container_id,
            proc=options.proc,
            cgroups=options.cgroups,
        )
        say("found", **out_of_memory.describe(container))
        out_of_memory.fill(container, scores=scores, expires_at=options.expires_at.timestamp(), say=say)
    except ContainerError as error:
        say("refused", reason=str(error))
        return NOT_HERE
    except out_of_memory.Expired as error:
        say("expired", reason=str(error))
        return EXPIRED
    return 0


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
    """Leave by an exception, so that everything is put back on the way out."""
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="carrier", allow_abbrev=False)
    parser.add_argument("command", choices=("oom", "restore"))
    parser.add_argument("--fault-id", required=True)
    parser.add_argument("--pod-uid", default="")
    parser.add_argument("--container-id", default="")
    parser.add_argument("--expires-at", type=datetime.fromisoformat, default=datetime.now(UTC))
    parser.add_argument("--proc", type=Path, default=Path("/proc"), help="the node's /proc")
    parser.add_argument(
        "--cgroups", type=Path, default=Path("/node/cgroup"), help="the node's /sys/fs/cgroup"
    )
    parser.add_argument("--state", type=Path, default=Path("/node/state"), help="a folder of the node")
    return parser


if __name__ == "__main__":
    sys.exit(main())
