"""A harness as a run has it: the real guard, journal and Lease; here, or in a process that is killed.

`python -m tests.cluster.harness ORDER` is such a process: it lives the lives of some faults, side by
side, until each has come to its marker, and there stands still until it is killed.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from aftershock.clock import wait_until
from aftershock.cluster.connect import CLUSTER_NAME, connect
from aftershock.cluster.connection import Cluster
from aftershock.cluster.guard import Guard
from aftershock.cluster.node_power import power_of
from aftershock.config import Settings, load_settings, project_root
from aftershock.errors import AftershockError, FaultError, TransientError
from aftershock.faults.calls import make_fault
from aftershock.faults.injector import Injector
from aftershock.faults.journal import Journal, Record
from aftershock.faults.lease import LEASES, RunLease
from aftershock.faults.protocol import Fault, Plan
from aftershock.faults.tools import tools
from aftershock.timeline import Timeline
from tests.cluster.faults.cases import Case

__all__ = ["Doomed", "Marker", "Trial", "harness", "new_run", "side_by_side"]

T = TypeVar("T")

Marker = Literal["planned", "acting", "injected", "undoing", ""]
"""Where a fault stands still.

planned   written in journal and marks, but not injected
acting    the first thing has been done to the cluster or to a node's power, and nothing after it
injected  injected and proven
undoing   as acting, but of the undo
""        nowhere: it goes through its whole life
"""

ROOT = project_root(Path(__file__).parent)
AT = "at its marker: "
WRITES = ("delete", "patch", "post", "put")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A fault that a harness is killed with. `proven_within_s`: else it is taken back without proof."""

    fault: str
    arguments: Mapping[str, Any]
    marker: Marker = ""
    proven_within_s: float | None = None


def new_run() -> str:
    """Return a name that no run has had: a dead run's Lease must not look as if it were renewed."""
    return f"tried-{secrets.token_hex(3)}"


@contextmanager
def harness(cluster: Cluster, reports: Path, *, run_id: str, part: str = "") -> Iterator[Injector]:
    """Yield the injector of a run whose scenario is tagged @whole and @protected; undo what it did.

    Several of one run, each another `part`, keep journals of their own.
    """
    settings = load_settings(root=ROOT)
    folder = reports / f"{run_id}{part}"
    folder.mkdir(parents=True)
    with closing(Timeline(folder / "timeline.jsonl")) as timeline:
        injector = _injector(cluster, settings, folder, run_id, timeline)
        try:
            yield injector
        finally:
            injector.undo_all()


def side_by_side(
    cluster: Cluster, reports: Path, cases: Sequence[Case], live: Callable[[Injector, Fault], T]
) -> list[T]:
    """Have one run `live` through each case's fault, all at once, each with an injector of its own."""
    run_id = new_run()
    lease = RunLease(cluster.api, run_id)

    def one(number: int, case: Case) -> T:
        with harness(cluster, reports, run_id=run_id, part=f"-{number}") as injector:
            return live(injector, make_fault(case.fault, injector.tools, case.arguments))

    # Held for all of them, before any: which of them began would be chance.
    lease.hold()
    try:
        with ThreadPoolExecutor(len(cases)) as pool:
            return list(pool.map(one, range(len(cases)), cases))
    finally:
        lease.release()


def _injector(
    cluster: Cluster, settings: Settings, folder: Path, run_id: str, timeline: Timeline
) -> Injector:
    guard = Guard.of(cluster, settings, {"whole", "protected"})
    kit = tools(
        cluster.api,
        carrier_image=settings.carrier_image,
        may_touch=guard.may_touch,
        power=power_of(settings, cluster=CLUSTER_NAME, api=cluster.api),
    )
    journal = Journal(folder / "journal.jsonl")
    return Injector(kit, run_id=run_id, journal=journal, timeline=timeline, check=guard.check)


class Doomed:
    """A harness in a process of its own, to be killed."""

    def __init__(self, reports: Path, *trials: Trial) -> None:
        self.trials = trials
        self.run_id = new_run()
        self.reports = reports
        reports.mkdir(exist_ok=True)
        self.log = reports / f"{self.run_id}.log"
        order = {"run_id": self.run_id, "reports": str(reports), "trials": [asdict(one) for one in trials]}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.cluster.harness", json.dumps(order)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def at_markers(self, *, within_s: float = 120.0) -> None:
        """Wait until each fault stands still at its marker.

        Raises:
            DeadlineError: one did not come there.
            FaultError: the harness ended; its log is in the error.

        """

        def there() -> bool:
            said = self._said_alive()
            if said.count(AT) < len(self.trials):
                raise TransientError("not all of them are there", found=said)
            return True

        what = f"the faults of {self.run_id} to come to their markers"
        wait_until(there, within_s=within_s, every_s=0.05, what=what)

    def planned(self, *, within_s: float = 60.0) -> None:
        """Wait until the first of its journals has a fault."""

        def begun() -> bool:
            self._said_alive()
            return bool(self._journals())

        wait_until(begun, within_s=within_s, every_s=0.02, what=f"{self.run_id} to plan")

    def kill(self) -> list[Record]:
        """Kill it, from here (SIGKILL), and return what its journals have open."""
        self.process.send_signal(signal.SIGKILL)
        code = self.process.wait()
        assert code == -signal.SIGKILL, f"it was gone before (exit code {code}): {self.log.read_text()}"
        return [record for path in self._journals() for record in Journal(path).open_records()]

    def put_down(self) -> None:
        """End it, if it lives: for a test that failed before."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def _journals(self) -> list[Path]:
        return sorted(self.reports.glob(f"{self.run_id}*/journal.jsonl"))

    def _said_alive(self) -> str:
        """Return what it has said; it must live."""
        said = self.log.read_text()
        if self.process.poll() is not None:
            raise FaultError(f"harness {self.run_id} ended by itself", found=said)
        return said


def _main(order: Mapping[str, Any]) -> None:
    """Live the faults' lives, each in a thread, and stay until killed."""
    cluster = connect(load_settings(root=ROOT))
    # Held for all of them, as in `side_by_side`.
    RunLease(cluster.api, order["run_id"]).hold()
    trials = [Trial(**given) for given in order["trials"]]
    threads = [
        threading.Thread(target=_live, args=(order, number, trial)) for number, trial in enumerate(trials)
    ]
    for thread in threads:
        thread.start()
    threading.Event().wait()


def _live(order: Mapping[str, Any], number: int, trial: Trial) -> None:
    try:
        # A connection of its own: what is done to it is done for this fault alone.
        cluster = connect(load_settings(root=ROOT))
        with harness(cluster, Path(order["reports"]), run_id=order["run_id"], part=f"-{number}") as injector:
            fault = make_fault(trial.fault, injector.tools, trial.arguments)
            if trial.marker == "planned":
                _before_inject(fault, lambda: _stand_still(trial.fault))
            if trial.marker == "acting":
                _before_inject(fault, lambda: _still_after_first_act(injector, trial.fault))
            try:
                injector.inject(fault, landed_within_s=trial.proven_within_s)
            except FaultError:
                if trial.proven_within_s is None:
                    raise
            if trial.marker == "injected":
                _stand_still(trial.fault)
            if trial.marker == "undoing":
                _still_after_first_act(injector, trial.fault)
            injector.undo_all()
    except AftershockError as error:
        _say(f"{trial.fault}: {error}")
        os._exit(1)


def _before_inject(fault: Fault, then: Callable[[], None]) -> None:
    inject = fault.inject

    def later(plan: Plan, record: Record) -> None:
        then()
        inject(plan, record)

    fault.inject = later


def _still_after_first_act(injector: Injector, fault: str) -> None:
    """Stand still once something has been changed in the cluster, or of the power of a node."""
    api, power = injector.tools.api, injector.tools.power
    acts: list[tuple[Any, str]] = [(api, name) for name in WRITES]
    if power is not None:
        acts += [(power, "give"), (power, "take")]
    for owner, name in acts:
        setattr(owner, name, _once(getattr(owner, name), fault))


def _once(act: Callable[..., Any], fault: str) -> Callable[..., Any]:
    def once(*words: Any, **options: Any) -> Any:
        done = act(*words, **options)
        if not str(words[0]).startswith(LEASES):  # the run's sign of life is no act of the fault's
            _stand_still(fault)
        return done

    return once


def _stand_still(fault: str) -> None:
    _say(f"{AT}{fault}")
    threading.Event().wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
