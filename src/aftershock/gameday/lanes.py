"""Scenarios side by side: the run's own process hands them to processes, and hears what came of them.

Those that run alone it runs itself. Every other process is in a session of its own, so that a Ctrl-C
at the terminal reaches this one alone, which has each of them undo what it did.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from _pytest._code.code import ReprFileLocation

from aftershock.collect.session import FEATURES, FeatureSession
from aftershock.collect.turns import FOLDER, SCENARIO
from aftershock.errors import ResidueError
from aftershock.gameday.schedule import Footprint, Schedule
from aftershock.gameday.words import passed_on
from aftershock.report.progress import Failure

__all__ = ["Lane", "Lanes", "command", "described"]

Message = dict[str, Any]
OUTPUT = "output.log"


class Lane:
    """One such process. Its messages go to `heard`, with itself; None is its end."""

    def __init__(self, number: int, command: Sequence[str], *, folder: Path, heard: Heard) -> None:
        self.number = number
        self.item: int | None = None
        self.reports: list[Message] = []
        self.output = folder / OUTPUT
        self._heard = heard
        folder.mkdir(parents=True)
        orders, self._orders = os.pipe()
        answers, its_answers = os.pipe()
        theirs = (orders, its_answers)
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, f"--gameday-lane={number}", "--gameday-fds", *map(str, theirs)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=theirs,
                start_new_session=True,
            )
        for end in theirs:
            os.close(end)
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()

    def tell(self, **message: Any) -> None:
        """Send it a message; one that has ended hears nothing, and its end is on its way to us."""
        if self._orders < 0:
            return
        with suppress(BrokenPipeError):
            os.write(self._orders, json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        """Let it end once it has nothing to run."""
        if self._orders >= 0:
            os.close(self._orders)
            self._orders = -1

    def wait(self) -> int:
        """Return its exit code, once it has ended."""
        return self._process.wait()

    def _listen(self, answers: int) -> None:
        with os.fdopen(answers, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.endswith("\n"):  # else it was killed while it wrote: what it had to say is lost
                    self._heard.put((self, json.loads(line)))
        self._heard.put((self, None))


Heard = SimpleQueue[tuple[Lane, Message | None]]
Start = Callable[[int, Heard], Lane]


class Lanes:
    """Runs `items` as their footprints allow, at most `most` at a time."""

    def __init__(
        self,
        session: pytest.Session,
        items: Sequence[pytest.Item],
        footprints: Sequence[Footprint],
        *,
        most: int,
        keep_order: bool,
        start: Start,
        say: Callable[[str], None],
    ) -> None:
        self._session = session
        self._features: FeatureSession = session.config.stash[FEATURES]
        self._items = items
        self._footprints = footprints
        self._schedule = Schedule(footprints, lanes=most, keep_order=keep_order)
        self._start = start
        self._say = say
        self._heard: Heard = SimpleQueue()
        self._lanes: list[Lane] = []

    def run(self) -> None:
        """Run all of them; end as pytest's own loop does where something wants the run to stop.

        Raises:
            KeyboardInterrupt: somebody did; by then every process has undone what it did.

        """
        try:
            while self._go_on():
                pass
        except KeyboardInterrupt as interrupt:
            self._features.doing = "every scenario that runs is ended, each with its undo"
            for lane in self._lanes:
                lane.tell(stop=str(interrupt))
            raise
        finally:
            self._end()
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    @property
    def _over(self) -> bool:
        """Whether nothing more is to begin: -x, a stop condition, something that was left."""
        return bool(self._session.shouldfail or self._session.shouldstop)

    def _go_on(self) -> bool:
        """Begin the next one, or hear of one that runs; say whether there is more to do."""
        number = None if self._over else self._schedule.next()
        if number is None:
            if self._schedule.running:
                self._hear(*self._heard.get())
            return bool(self._schedule.running or (self._schedule.pending and not self._over))
        self._schedule.begin(number)
        if self._footprints[number].alone:
            item = self._items[number]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            self._schedule.end(number)
        else:
            self._give(number)
        return True

    def _give(self, number: int) -> None:
        """Have a process run it, once all others know of it."""
        lane = next((lane for lane in self._lanes if lane.item is None), None)
        if lane is None:
            lane = self._start(len(self._lanes) + 1, self._heard)
            self._lanes.append(lane)
        lane.item, lane.reports = number, []
        self._tell_others(but=lane)
        item = self._items[number]
        lane.tell(run=item.nodeid, folder=item.stash[FOLDER].name, sides=self._sides(lane))

    def _tell_others(self, *, but: Lane | None = None) -> None:
        for lane in self._lanes:
            if lane is not but and lane.item is not None:
                lane.tell(sides=self._sides(lane))

    def _sides(self, lane: Lane) -> Message:
        """Return what a lane's scenario needs, and what those need that run beside it."""
        assert lane.item is not None
        beside = [other.item for other in self._lanes if other is not lane and other.item is not None]
        return {
            "own": _needs(self._footprints[lane.item]),
            "others": [
                {"scenario": self._items[number].stash[FOLDER].name, **_needs(self._footprints[number])}
                for number in beside
            ],
        }

    def _hear(self, lane: Lane, message: Message | None) -> None:
        if message is None:
            self._lose(lane)
        elif "report" in message:
            lane.reports.append(message["report"])
        elif "phase" in message and lane.item is not None:
            self._say(f"[{lane.item + 1}/{len(self._items)}] {self._name(lane.item)}: {message['phase']}")
        elif "residue" in message:
            self._features.residue = ResidueError(
                "a scenario beside others left something behind", found=message["residue"]
            )
            self._session.shouldstop = "an undo left something behind: see `aftershock recover`"
        elif "done" in message and lane.item is not None:
            self._pass_on(lane)

    def _lose(self, lane: Lane) -> None:
        """Take in that a process has ended: none does before it is told to."""
        code = lane.wait()
        number = lane.item
        lane.close()
        self._lanes.remove(lane)
        if number is None:
            return
        ended = any("aftershock_outcome" in data for data in lane.reports)
        if not ended and not self._features.interrupts.asked:
            why = f"process {lane.number} ended with code {code}: see {lane.output}"
            self._session.shouldstop = why
            lane.reports.append(self._broken(number, why))
        self._pass_on(lane)

    def _pass_on(self, lane: Lane) -> None:
        """Report a scenario that is over as pytest's own loop would have."""
        number, lane.item = lane.item, None
        assert number is not None
        item = self._items[number]
        if lane.reports:
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for data in lane.reports:
                item.ihook.pytest_runtest_logreport(report=_report(item.config, data))
            item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        self._schedule.end(number)
        self._tell_others()

    def _broken(self, number: int, why: str) -> Message:
        """Return the report of a scenario whose process was lost."""
        item = self._items[number]
        report = pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="failed",
            longrepr=why,
            when="call",
        )
        report.aftershock_outcome = "broken"  # type: ignore[attr-defined]  # reports take more attributes
        data: Message = item.config.hook.pytest_report_to_serializable(config=item.config, report=report)
        scenario = item.stash[SCENARIO]
        return data | {"crash": [scenario.file, scenario.line, why]}

    def _name(self, number: int) -> str:
        return self._items[number].stash[SCENARIO].name

    def _end(self) -> None:
        """Let every process end, and wait for that, however long an undo takes."""
        for lane in self._lanes:
            lane.close()
        while self._lanes:
            self._hear(*self._heard.get())


def _needs(footprint: Footprint) -> Message:
    return {"workloads": sorted(footprint.workloads), "namespaces": sorted(footprint.namespaces)}


def _report(config: pytest.Config, data: Message) -> pytest.TestReport:
    crash = data.pop("crash", None)
    report: pytest.TestReport = config.hook.pytest_report_from_serializable(config=config, data=data)
    if crash is not None:
        path, line, message = crash
        place = ReprFileLocation(path=path, lineno=line, message=message)
        report.longrepr = Failure(text=str(report.longrepr), reprcrash=place)
    return report


def command(config: pytest.Config, *, gameday: Path, seed: int) -> list[str]:
    """Return how a process of the run is called: as the run was, for it has to collect the same scenarios."""
    features: FeatureSession = config.stash[FEATURES]
    settings = features.settings
    words = [f"--gameday={gameday.resolve()}", f"--gameday-seed={seed}"]
    words += [f"--run-id={features.run.id}", f"--cluster={settings.cluster}", f"--profile={settings.profile}"]
    words += [f"--rootdir={config.rootpath}", "-p", "no:cacheprovider"]
    words += [f"--config-file={config.inipath}"] if config.inipath else []
    results = config.option.allure_report_dir
    words += [f"--alluredir={Path(results).absolute()}"] if results else []
    given = config.invocation_params.args
    return [sys.executable, "-m", "pytest", *passed_on(list(map(str, given)), with_own=words)]


def described(items: Sequence[pytest.Item], footprints: Sequence[Footprint]) -> Iterator[str]:
    """Yield a line for each scenario: what it needs for itself, or why it runs alone."""
    for item, footprint in zip(items, footprints, strict=True):
        needs = [*sorted(footprint.workloads), *(f"all of {n}" for n in sorted(footprint.namespaces))]
        needs += sorted(footprint.shared)
        what = f"alone: {footprint.alone}" if footprint.alone else f"needs {', '.join(needs) or 'nothing'}"
        yield f"{item.stash[FOLDER].name}: {what}"
