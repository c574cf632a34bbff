"""`python -m aftershock_components.autorecovery [serve | playbooks | run | summary]`.

serve [--dry-run]            watch and act (the default); --dry-run, or AUTORECOVERY_DRY_RUN=true: only say
playbooks                    list the playbooks, having checked them
run [PLAYBOOK] --dry-run     look once, and say what would be done now; an alert's playbook is told of the
                             alert by --alert LABEL=VALUE ...
summary                      pods by state, and their success rate

AUTORECOVERY_PLAYBOOKS names the playbooks (/etc/autorecovery/playbooks.toml), POD_NAME, POD_IP and
POD_NAMESPACE the pod, PORT the port (8080). Outside a pod only `playbooks` works.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from aftershock_components.autorecovery.commands import print_summary, print_what_would_be_done, table
from aftershock_components.autorecovery.kube import KubeError, kube_from_inside
from aftershock_components.autorecovery.making import serve_replica
from aftershock_components.autorecovery.playbooks import Playbooks
from aftershock_components.autorecovery.reading import PlaybookError, read_playbooks

DEFAULT = "/etc/autorecovery/playbooks.toml"


def main(words: list[str] | None = None) -> None:
    """Do what the words say.

    Raises:
        SystemExit: the playbooks cannot be carried out, or what is asked for is not there.

    """
    asked = _parser().parse_args(words)
    path = Path(os.environ.get("AUTORECOVERY_PLAYBOOKS", DEFAULT))
    try:
        books = read_playbooks(path.read_text(encoding="utf-8"), source=str(path))
    except (OSError, PlaybookError) as error:
        raise SystemExit(f"AUTORECOVERY_PLAYBOOKS={path}: {error}") from error
    if asked.command == "playbooks":
        print(table(books))  # noqa: T201 - what was asked for
        return
    try:
        _inside(asked, books)
    except (KubeError, KeyError, OSError) as error:
        raise SystemExit(f"no cluster: {error!r}; run this in the component's pod") from error


def _inside(asked: argparse.Namespace, books: Playbooks) -> None:
    if asked.command == "summary":
        asyncio.run(print_summary(kube_from_inside()))
    elif asked.command == "run":
        if not asked.dry_run:
            raise SystemExit("run: --dry-run is expected: only the replica that leads acts (`serve`)")
        if asked.playbook and books.named(asked.playbook) is None:
            names = ", ".join(book.name for book in books.playbooks)
            raise SystemExit(f"run: there is no playbook {asked.playbook!r}; expected one of {names}")
        asyncio.run(print_what_would_be_done(kube_from_inside(), books, asked.playbook, asked.alert))
    else:
        dry_run = asked.dry_run or os.environ.get("AUTORECOVERY_DRY_RUN", "").lower() == "true"
        serve_replica(books, dry_run=dry_run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aftershock_components.autorecovery")
    parser.set_defaults(command="serve", dry_run=False)
    commands = parser.add_subparsers(dest="command")
    serve = commands.add_parser("serve", help="watch and act")
    serve.add_argument("--dry-run", action="store_true", help="change nothing, say what would be done")
    commands.add_parser("playbooks", help="list the playbooks, having checked them")
    run = commands.add_parser("run", help="look once, and say what would be done")
    run.add_argument("playbook", nargs="?", default="", help="only this one")
    run.add_argument("--dry-run", action="store_true", help="change nothing: the only way there is")
    run.add_argument("--alert", nargs="*", default=[], metavar="LABEL=VALUE", help="as if this alert fired")
    commands.add_parser("summary", help="pods by state, and their success rate")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
