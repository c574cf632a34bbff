"""A process of a run that runs some of its scenarios beside others.

What it is to do comes line by line, as JSON, from the first of the file descriptors --gameday-fds; what
came of it goes the same way to the second. Where orders end while a scenario runs, the run's own process
is gone: the scenario is ended, and undone, as after Ctrl-C.
"""

from __future__ import annotations

import json
import os
import threading
from queue import SimpleQueue
from typing import Any

import pytest
from pytest_bdd.parser import Step

from aftershock.collect.session import FEATURES
from aftershock.collect.turns import FOLDER
from aftershock.judge.attribution import CONCURRENT
from aftershock.timeline import Timeline

__all__ = ["LanePlugin"]

Message = dict[str, Any]


class LanePlugin:
    """The plugin of such a process, under the name aftershock_lane."""

    def __init__(self, config: pytest.Config, orders: int, answers: int) -> None:
        self._config = config
        self._answers = answers
        self._orders = orders
        self._to_run: SimpleQueue[Message | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._timeline: Timeline | None = None
        self._sides: Message = {}
        self._busy = False

    def record_in(self, timeline: Timeline | None) -> None:
        """Tell that timeline, from now on, who runs beside; None is nobody's."""
        with self._lock:
            self._timeline = timeline
            self._record()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run what is asked for, until nothing more is."""
        items = {item.nodeid: item for item in session.items}
        threading.Thread(target=self._listen, name="orders", daemon=True).start()
        self._tell({"ready": True})
        while order := self._to_run.get():
            item = items[order["run"]]
            item.stash[FOLDER] = self._config.stash[FEATURES].run.folder / order["folder"]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            self._busy = False
            self._tell_residue()  # before it is done: nothing more is to begin then
            self._tell({"done": item.nodeid})
        return True

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Pass a report on, with what explains a failure apart."""
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None:
            data["longrepr"] = str(report.longrepr)
            data["crash"] = [str(crash.path), crash.lineno, crash.message]
        self._tell({"report": data})

    def pytest_bdd_before_step(self, step: Step) -> None:
        """Tell which step begins."""
        self._tell({"phase": f"{step.keyword.strip()} {step.name}"})

    def pytest_unconfigure(self) -> None:
        """Tell what an undo at the end of the session, as after Ctrl-C, has left."""
        self._tell_residue()

    def _tell_residue(self) -> None:
        if residue := self._config.stash[FEATURES].residue:
            self._tell({"residue": residue.found or residue.message})

    def _listen(self) -> None:
        with os.fdopen(self._orders, encoding="utf-8") as lines:
            for line in lines:
                self._obey(json.loads(line))
        if self._busy:
            self._config.stash[FEATURES].interrupts.stop("the run's own process is gone")
        self._to_run.put(None)

    def _obey(self, order: Message) -> None:
        if "stop" in order:
            self._config.stash[FEATURES].interrupts.stop(order["stop"])
            return
        with self._lock:
            self._sides = order["sides"]
            if "run" not in order:
                self._record()
        if "run" in order:
            self._busy = True
            self._to_run.put(order)

    def _record(self) -> None:
        if self._timeline is not None:
            self._timeline.record("harness", CONCURRENT, **self._sides)

    def _tell(self, message: Message) -> None:
        os.write(self._answers, json.dumps(message).encode() + b"\n")
