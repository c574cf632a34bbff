"""The plugin of a game day: which scenarios, in which order, how often, and when to stop.

Registered under the name aftershock_gameday where pytest is given --gameday.
"""

from __future__ import annotations

import random
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from aftershock.cluster.connect import connect
from aftershock.collect.module import FeatureFile
from aftershock.collect.run import Run
from aftershock.collect.session import FEATURES, FeatureSession
from aftershock.collect.turns import SCENARIO, TURN, Turn
from aftershock.config import Settings
from aftershock.errors import AftershockError, QueryError, UsageError
from aftershock.gameday import lanes
from aftershock.gameday.file import TWO_LANES, Chosen, GameDayFile
from aftershock.gameday.footprint import footprint_of
from aftershock.gameday.schedule import Footprint
from aftershock.gameday.spent import write_spent
from aftershock.gameday.stopping import StopWatch, Watcher
from aftershock.history.share import share_of
from aftershock.observe.prometheus import Prometheus
from aftershock.report.gameday.intent import KEPT

__all__ = ["KEPT", "GameDayPlugin", "Tally"]

NEEDS = "side-by-side.txt"
_REPETITION = "repetition"


@dataclass(kw_only=True)
class Tally:
    """How the repetitions of one scenario went."""

    name: str
    of: int
    outcomes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Say it for a person, and how sure that is."""
        passed = self.outcomes.count("passed")
        others = [outcome for outcome in dict.fromkeys(self.outcomes) if outcome != "passed"]
        text = f"{self.name}: passed {share_of(passed, len(self.outcomes))}"
        if others:
            text += f"; {', '.join(f'{self.outcomes.count(other)} {other}' for other in others)}"
        missing = self.of - len(self.outcomes)
        return text + (f"; {missing} of {self.of} were not run" if missing else "")


class GameDayPlugin:
    """Has pytest run what the file says. `only` are parts of names of features or scenarios."""

    def __init__(
        self,
        file: GameDayFile,
        *,
        only: Sequence[str] = (),
        seed: int | None = None,
        side_by_side: int | None = None,
    ) -> None:
        self.file = file
        self.day = file.day
        self.only = [part.lower() for part in only]
        drawn = secrets.randbelow(2**31) if self.day.seed is None else self.day.seed
        self.seed = drawn if seed is None else seed
        self.side_by_side = side_by_side or self.day.lanes
        self._items: list[pytest.Item] = []
        self._outcomes: dict[str, str] = {}
        self._watcher: Watcher | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What the record of the run has to say of it."""
        told = {"gameday": self.day.name, "owners": ", ".join(self.day.owners)}
        told |= {"side by side": str(self.side_by_side)} if self.side_by_side > 1 else {}
        return told | ({"order seed": str(self.seed)} if self.day.order == "random" else {})

    @pytest.fixture
    def repetition(self, request: pytest.FixtureRequest) -> str:
        """Return which of the repetitions it is, as "2 of 5"."""
        return str(request.param)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of each repetition of a scenario."""
        module = metafunc.definition.getparent(FeatureFile)
        if module is None:
            return
        chosen = self._chosen(module, metafunc.function)
        if chosen and (times := chosen.entry.repetitions) > 1:
            metafunc.fixturenames.append(_REPETITION)
            words = [f"{number} of {times}" for number in range(1, times + 1)]
            metafunc.parametrize(_REPETITION, words, indirect=True, ids=[w.replace(" ", "-") for w in words])

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave what the game day has, in its order.

        Raises:
            pytest.UsageError: nothing is called as --gameday-only says.

        """
        taken = list(self._in_order(items))
        if self.only and not taken:
            there = "; ".join(dict.fromkeys(chosen.template for chosen in self.file.chosen))
            raise pytest.UsageError(f"nothing of {self.file.path} is called {self.only}; it has: {there}")
        left_out = [item for item in items if item not in taken]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
        if self.day.order == "random":
            random.Random(self.seed).shuffle(taken)  # noqa: S311 - an order that can be drawn again, no secret
        items[:] = self._items = taken

    def pytest_report_header(self) -> list[str]:
        """Say which game day it is."""
        drawn = f", order drawn with seed {self.seed}" if self.day.order == "random" else ""
        return [f"game day: {self.day.name} ({self.file.path}){drawn}"]

    @pytest.hookimpl(trylast=True)
    def pytest_aftershock_preflight(self, settings: Settings) -> None:
        """Look whether Prometheus knows what the stop conditions ask it; nothing else is looked at.

        Raises:
            UsageError: it does not.

        """
        burning = self.day.stop.slo_burning
        if burning is None:
            return
        prometheus = Prometheus(connect(settings).monitoring.prometheus)
        try:
            prometheus.query(burning.query)
        except QueryError as error:
            raise UsageError(
                f"{self.file.path}: the expression of slo_burning is refused", found=error.message
            ) from error
        names = {rule["name"] for group in prometheus.rules() for rule in group["rules"]}
        if burning.alert and burning.alert not in names:
            raise UsageError(
                f"{self.file.path}: no loaded rule is called {burning.alert!r}, which slo_burning names"
            )

    def pytest_aftershock_begin(self, config: pytest.Config, settings: Settings, run: Run) -> None:
        """Keep the file with the run, and begin to look at the stop conditions."""
        if run.lane:
            return
        shutil.copyfile(self.file.path, run.folder / KEPT)
        stop = self.day.stop
        if not (stop.slo_burning or stop.prometheus_lost or stop.max_duration):
            return
        watch = StopWatch(stop, Prometheus(connect(settings).monitoring.prometheus))
        self._watcher = Watcher(watch, stop=lambda why: self._stop(config, why))
        self._watcher.start()

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run scenarios side by side where that is wanted; else leave it to pytest."""
        config = session.config
        if self.side_by_side < TWO_LANES or config.option.collectonly or session.testsfailed:
            return None
        if not self._items:  # other tests were named in place of the file's features
            return None
        features = config.stash[FEATURES]
        if features.run.lane:
            return None
        try:
            footprints = self._footprints(features)
        except AftershockError as error:  # as where anything else keeps a run from beginning
            features.stopped = error
            return True
        folder = features.run.folder
        (folder / NEEDS).write_text("\n".join([*lanes.described(self._items, footprints), ""]))
        words = lanes.command(config, gameday=self.file.path, seed=self.seed)
        live = config.pluginmanager.get_plugin("aftershock_live")
        lanes.Lanes(
            session,
            self._items,
            footprints,
            most=self.side_by_side,
            keep_order=self.day.order != "free",
            start=lambda number, heard: lanes.Lane(
                number, words, folder=folder / "lanes" / str(number), heard=heard
            ),
            say=live.line if live else lambda _: None,
        ).run()
        return True

    def _footprints(self, features: FeatureSession) -> list[Footprint]:
        """Return what each scenario needs for itself.

        Raises:
            AftershockError: the cluster cannot be asked.

        """
        cluster = connect(features.settings)
        return [
            footprint_of(
                item.stash[SCENARIO],
                features.meanings(item.stash[SCENARIO]),
                cluster=cluster,
                settings=features.settings,
                independent=self.day.independent,
            )
            for item in self._items
        ]

    def pytest_unconfigure(self) -> None:
        """Look no more."""
        if self._watcher:
            self._watcher.end()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a scenario went, and stop after the first violated one if that is wanted."""
        outcome = getattr(report, "aftershock_outcome", None)
        if outcome or report.when == "teardown":
            self._outcomes.setdefault(report.nodeid, outcome or "passed")
        if outcome == "violated" and self.day.stop.first_violated and self._items:
            self._items[0].session.shouldstop = f"first_violated: {report.location[2]}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many of the repetitions passed."""
        tallies = [tally for tally in self.tallies() if self._outcomes]
        if tallies:
            terminalreporter.write_sep("-", "repetitions")
        for tally in tallies:
            terminalreporter.write_line(str(tally))
        features = terminalreporter.config.stash.get(FEATURES, None)
        if self._outcomes and features and not features.run.lane:
            for line in write_spent(features, self._items):
                terminalreporter.write_line(line)

    def tallies(self) -> Iterator[Tally]:
        """Yield how each scenario that was to run more than once went."""
        found: dict[object, Tally] = {}
        for item in self._items:
            turn, scenario = item.stash[TURN], item.stash[SCENARIO]
            if turn.of > 1:
                key = (scenario.file, scenario.line, scenario.example)
                tally = found.setdefault(key, Tally(name=scenario.name, of=0))
                tally.of += 1
                tally.outcomes += [o] if (o := self._outcomes.get(item.nodeid)) else []
        yield from found.values()

    def _stop(self, config: pytest.Config, why: str) -> None:
        """End the run, from the thread that looks."""
        self._items[0].session.shouldstop = why
        config.stash[FEATURES].interrupts.stop(why)

    def _chosen(self, module: FeatureFile, function: object) -> Chosen | None:
        return self.file.find(module.document.file, getattr(function, "template", ""))

    def _in_order(self, items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
        """Yield the items that the file has chosen, in its order; mark which turn each is."""
        by_scenario: dict[tuple[str, str], list[pytest.Item]] = {}
        for item in items:
            if SCENARIO in item.stash and not item.stash[SCENARIO].tags & set(self.day.without):
                scenario = item.stash[SCENARIO]
                by_scenario.setdefault((scenario.file, scenario.template), []).append(item)
        for chosen in self.file.chosen:
            for item in by_scenario.get((chosen.file, chosen.template), ()):
                if self._wanted(item):
                    item.stash[TURN] = _turn(item, chosen)
                    yield item

    def _wanted(self, item: pytest.Item) -> bool:
        scenario = item.stash[SCENARIO]
        names = (scenario.name.lower(), scenario.file.lower())
        return not self.only or any(part in name for part in self.only for name in names)


def _turn(item: pytest.Item, chosen: Chosen) -> Turn:
    callspec = getattr(item, "callspec", None)
    told = callspec.params.get(_REPETITION, "1 of 1") if callspec else "1 of 1"
    number, _, of = told.partition(" of ")
    return Turn(number=int(number), of=int(of), hypothesis=chosen.entry.hypothesis)
