"""What the functions of one `chaos run` share: connected once, and cleared up when the process ends."""

from __future__ import annotations

import atexit
import os
import secrets
import signal
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from aftershock.clean import CleanJournal, CleanTimeline
from aftershock.clock import SystemClock
from aftershock.cluster.connect import CLUSTER_NAME, connect
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.node_power import power_of
from aftershock.config import Settings, load_settings, project_root
from aftershock.errors import ResidueError
from aftershock.faults.injector import Injection, Injector
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Fault
from aftershock.faults.tools import Tools, tools
from aftershock.faults.undoing import residue
from aftershock.redaction import know_environment, know_urls

__all__ = ["Session", "end", "follow", "session"]

ORPHANED_WITHIN_S = 1.0
_opening = threading.Lock()
_open: list[Session] = []


@dataclass(frozen=True, kw_only=True)
class Session:
    """One process' work on one cluster.

    `earlier` are the faults that the run's journal held before: a scenario's own, which are
    not this process' to take back.
    """

    settings: Settings
    cluster: Cluster
    tools: Tools
    injector: Injector
    earlier: frozenset[str]
    turn: threading.Lock = field(default_factory=threading.Lock)
    closed: threading.Event = field(default_factory=threading.Event)

    def inject(self, fault: Fault) -> Injection:
        """Inject `fault`. Activities in the background take turns: there is one journal and one Lease."""
        with self.turn:
            return self.injector.inject(fault)

    def open_records(self) -> list[Record]:
        """Return what this process injected and did not take back, latest first."""
        found = self.injector.journal.open_records(cluster=self.injector.cluster)
        return [record for record in found if record.fault_id not in self.earlier]

    def take_back(self, fault: str = "") -> dict[str, dict[str, Any]]:
        """Take back what this process injected, of one kind of fault or all; return the proofs' facts by id.

        Every one is tried, whatever happens to the others.

        Raises:
            ResidueError: something is left; it lists all of it.

        """
        proofs: dict[str, dict[str, Any]] = {}
        left = []
        with self.turn:
            for record in self.open_records():
                if fault not in {"", record.fault}:
                    continue
                try:
                    proofs[record.fault_id] = dict(self.injector.undo(record.fault_id).facts)
                except ResidueError as error:
                    left.append(error.found)
        if left:
            raise residue(left)
        return proofs

    def close(self) -> None:
        """Take back what is left, and let the next run begin.

        Raises:
            ResidueError: something is left.

        """
        self.closed.set()
        try:
            self.take_back()
        finally:
            self.injector.lease.release()
            self.injector.timeline.close()


def session() -> Session:
    """Return this process' session; the first call connects.

    Raises:
        EnvironmentUnusableError: there is no cluster.
        RefusedError: its context may not be touched.

    """
    with _opening:
        if not _open:
            _open.append(_begin())
            atexit.register(end)
            if "AFTERSHOCK_EXPERIMENT_TIMELINE" in os.environ:
                follow(os.getppid(), _open[0].closed)
        return _open[0]


def end() -> None:
    """Close the session, if there is one.

    Raises:
        ResidueError: something is left.

    """
    atexit.unregister(end)
    while _open:
        _open.pop().close()


def follow(harness: int, closed: threading.Event) -> threading.Thread:
    """Have this process interrupted, so that it rolls back, once its parent is no longer `harness`.

    A harness that was killed can end no experiment: it would go on for as long as it likes.
    """

    def watch() -> None:
        while not closed.wait(ORPHANED_WITHIN_S):
            if os.getppid() == harness or not _in_the_method():
                continue
            # SIGTERM raises an ordinary exception, which an activity under way takes for its own
            # failure, and the method goes on. SIGUSR1 ends the method; rollbacks run. An activity's
            # pause comes whatever ended it, and is ended by the next one.
            os.kill(os.getpid(), signal.SIGUSR1)

    thread = threading.Thread(target=watch, name="harness", daemon=True)
    thread.start()
    return thread


def _in_the_method() -> bool:
    """Whether the main thread is in an experiment's method: in the rollbacks, a signal would end those."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - its only name
    running = set()
    while frame is not None:
        running.add(frame.f_code.co_name)
        frame = frame.f_back
    return "run_method" in running


def _begin() -> Session:
    root = project_root()
    know_environment(os.environ)
    settings = load_settings(root=root)
    know_urls(msgspec.to_builtins(settings))
    cluster = connect(settings)
    folder = _run_folder(root)
    timeline = os.environ.get("AFTERSHOCK_EXPERIMENT_TIMELINE")
    guard = Guard(cluster=cluster, settings=settings)
    kit = tools(
        cluster.api,
        carrier_image=settings.carrier_image,
        may_touch=guard.may_touch,
        power=power_of(settings, cluster=CLUSTER_NAME, api=cluster.api),
    )
    journal = CleanJournal(folder / "journal.jsonl")
    injector = Injector(
        kit,
        run_id=folder.name,
        journal=journal,
        timeline=CleanTimeline(Path(timeline) if timeline else folder / "timeline.jsonl"),
        check=guard.check,
    )
    earlier = frozenset(record.fault_id for record in journal.latest())
    return Session(settings=settings, cluster=cluster, tools=kit, injector=injector, earlier=earlier)


def _run_folder(root: Path) -> Path:
    given = os.environ.get("AFTERSHOCK_RUN_DIR")
    stamp = SystemClock().now().strftime("%Y%m%d-%H%M%S")
    folder = Path(given) if given else root / "reports" / f"{stamp}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
