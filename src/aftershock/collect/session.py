"""A run of features as pytest sees it: settings, checks, preflight, dry run, exit codes.

Registered when the first .feature file is met, so a run of anything else never comes here.
"""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TypeVar

import msgspec
import pytest

from aftershock.collect.check import check, report_errors
from aftershock.collect.gherkin import Document, Scenario
from aftershock.collect.interrupts import Interrupts
from aftershock.collect.meaning import Meaning, meanings
from aftershock.collect.run import Run, joined_run, new_run
from aftershock.collect.tags import TAGS, known_tags
from aftershock.collect.turns import FOLDER, SCENARIO, TURN, Turn, folders
from aftershock.collect.vocabulary import definitions
from aftershock.config import Settings, load_settings
from aftershock.errors import (
    AftershockError,
    ConfigError,
    EnvironmentUnusableError,
    RefusedError,
    ResidueError,
    UsageError,
)
from aftershock.redaction import know_environment, know_urls

__all__ = ["FEATURES", "FOLDER", "SCENARIO", "TERMINAL", "FeatureSession", "find_error", "register_steps"]


E_ = TypeVar("E_", bound=BaseException)


class FeatureSession:
    """The plugin of a run of features.

    What is wrong with the settings or the vocabulary is kept in `problems` until every
    feature was read, so that the user gets all errors at once. `stopped` is what ended the
    run before its first scenario, `residue` what an undo left behind. `refusals` are why a
    run of what a dry run has shown would not begin: a plan enters them. `running` are the scenarios
    of a run that has begun. `doing` is what goes on now, for a person; `interrupts` is how the run is
    asked to end.
    """

    settings: Settings
    run: Run

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tags: Mapping[str, str] = TAGS
        self.problems: list[AftershockError] = []
        self.stopped: AftershockError | None = None
        self.residue: ResidueError | None = None
        self.refusals: list[RefusedError] = []
        self.running: list[pytest.Item] = []
        self.doing = ""
        self.interrupts = Interrupts(say=self._say_at_once, doing=lambda: self.doing or "the end of the run")
        self._documents: list[tuple[pytest.Collector, Document]] = []

    def open(self) -> None:
        """Read the settings and register the vocabulary."""
        for act in (self._load_settings, self._load_tags, self._name_run, self._register_steps):
            try:
                act()
            except AftershockError as error:
                self.problems.append(error)

    def _load_settings(self) -> None:
        options = {name: self.config.getoption(name) for name in ("cluster", "profile", "keep_to")}
        know_environment(os.environ)
        self.settings = load_settings(root=self.config.rootpath, options=options)
        know_urls(msgspec.to_builtins(self.settings))

    def _load_tags(self) -> None:
        self.tags = known_tags(self.config.getini("aftershock_tags"))

    def _name_run(self) -> None:
        reports, run_id = self.config.rootpath / "reports", self.config.getoption("run_id")
        lane = self.config.getoption("gameday_lane")
        self.run = joined_run(reports, run_id=run_id, lane=lane) if lane else new_run(reports, run_id=run_id)

    def _register_steps(self) -> None:
        register_steps(self.config)

    def add(self, node: pytest.Collector, document: Document) -> None:
        """Keep a file that was read, for the checks."""
        self._documents.append((node, document))

    def verify(self) -> None:
        """Hold every feature against the vocabulary.

        Raises:
            pytest.UsageError: with everything that is wrong (exit code 4).

        """
        reach = {document.file: (document, definitions(node)) for node, document in self._documents}
        errors: list[AftershockError] = [*self.problems]
        if not self.problems:  # without settings or vocabulary every step would be an error
            errors += check(reach, tags=self.tags)
        if errors:
            raise pytest.UsageError(report_errors(errors))

    def items(self, session: pytest.Session) -> list[pytest.Item]:
        """Return the scenarios that will run, in order."""
        return [item for item in session.items if SCENARIO in item.stash]

    def meanings(self, scenario: Scenario) -> list[Meaning]:
        """Return what the steps of a scenario mean, by the definitions in reach of its file."""
        node = next(node for node, document in self._documents if document.file == scenario.file)
        return meanings(scenario, definitions(node))

    def dry_run(self, session: pytest.Session) -> list[str]:
        """Return what would run, scenario by scenario. Touches nothing.

        Raises:
            AftershockError: what the plan of a scenario raised.

        """
        lines: list[str] = []
        for item in self.items(session):
            scenario, turn = item.stash[SCENARIO], item.stash.get(TURN, Turn())
            if turn.number > 1:
                continue
            lines += ["", f"{scenario.name}  ({scenario.file}:{scenario.line})"]
            lines += [f"    hypothesis: {turn.hypothesis}"] if turn.hypothesis else []
            lines += [f"    {turn.of} times"] if turn.of > 1 else []
            lines += [f"    {step}" for step in scenario.steps]
            plans = self.config.hook.pytest_aftershock_plan(
                config=self.config, settings=self.settings, scenario=scenario
            )
            lines += [f"  {line}" for plan in plans for line in plan]
        return lines

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> object:
        """Plan or begin the run; answer the loop's question only where nothing is to run."""
        if self.config.option.collectonly or session.testsfailed:
            return None  # pytest itself lists, or stops for what it could not collect
        try:
            if self.config.option.dry_run:
                self._print(*self.dry_run(session), "", "dry run: nothing was touched")
                self.stopped = _joined(self.refusals)
                return True
            if items := self.items(session):
                self._begin(items)
        except AftershockError as error:
            self.stopped = error
            return True
        return None

    def _begin(self, items: list[pytest.Item]) -> None:
        for item, folder in zip(items, folders(items), strict=True):
            item.stash[FOLDER] = self.run.folder / folder
        self.running = items
        if not self.run.lane:  # else it was begun, after its preflight, by the run's own process
            self._look_whether_it_may_begin(items)
        listening = ExitStack()
        listening.enter_context(self.interrupts.listening())
        self.config.add_cleanup(listening.close)
        self.config.hook.pytest_aftershock_begin(config=self.config, settings=self.settings, run=self.run)

    def _look_whether_it_may_begin(self, items: list[pytest.Item]) -> None:
        self.run.folder.mkdir(parents=True)
        try:
            self.config.hook.pytest_aftershock_preflight(
                config=self.config, settings=self.settings, run=self.run, items=items
            )
        except AftershockError:
            if not any(self.run.folder.iterdir()):
                self.run.folder.rmdir()
            raise

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """End the run after a scenario whose undo somebody tried to interrupt."""
        result = yield
        if self.interrupts.asked:
            raise KeyboardInterrupt(self.interrupts.reason)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """Undo without being interrupted."""
        with self.interrupts.undoing():
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Stop after an undo that left something: the next scenario would be judged on debris."""
        report = yield
        residue = find_error(call.excinfo.value, ResidueError) if call.excinfo else None
        if residue:
            self.residue = residue
            item.session.shouldstop = "an undo left something behind: see `aftershock recover`"
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Give the run its exit code. After Ctrl-C this is also where the undo happens."""
        try:
            with self.interrupts.undoing():
                result = yield
        except BaseException as error:
            left = find_error(error, ResidueError)
            if not left:
                raise
            self.residue, result = left, None
        if self.stopped:
            session.exitstatus = _exit_code(self.stopped)
        elif self.residue:
            session.exitstatus = self.residue.exit_code
        return result

    def pytest_report_collectionfinish(self) -> list[str]:
        """Say which run this is, on which cluster."""
        if self.problems:
            return []
        return [
            f"aftershock: run {self.run.id}, cluster {self.settings.cluster}, profile {self.settings.profile}"
        ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why no scenario was run, or what is left of one."""
        for title, error in (("not run", self.stopped), ("residue", self.residue)):
            if error:
                terminalreporter.write_sep(
                    "=", f"{title} (exit code {_exit_code(error)})", red=True, bold=True
                )
                terminalreporter.write_line(str(error))

    def _say_at_once(self, text: str) -> None:
        """Write to the terminal in a signal handler: past every buffer that may be in use just now."""
        terminal = self.config.stash.get(TERMINAL, None)
        if terminal is not None:
            os.write(terminal, f"\n{text}\n".encode())

    def _print(self, *lines: str) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter:  # not there under -p no:terminal
            for line in lines:
                reporter.write_line(line)


FEATURES = pytest.StashKey[FeatureSession]()
TERMINAL = pytest.StashKey[int]()
"""The file descriptor of what is our standard output where pytest captures none."""


def register_steps(config: pytest.Config) -> None:
    """Register every module of the vocabulary as a plugin: assertions in it are rewritten.

    Raises:
        ConfigError: a package of it is none, or a module cannot be imported.

    """
    for package in config.getini("aftershock_steps"):
        for name in _modules(package):
            try:
                config.pluginmanager.import_plugin(name)
            except Exception as error:  # whatever a module of steps raises, the user is shown it
                raise ConfigError(
                    f"the steps in {name} cannot be imported",
                    found="".join(traceback.format_exception(error.__cause__ or error)).rstrip(),
                ) from error


def find_error(error: BaseException, kind: type[E_]) -> E_ | None:
    """Return `error` or the first of its group that is of `kind`: pytest groups teardown errors."""
    if isinstance(error, kind):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := find_error(inner, kind))), None)
    return None


def _joined(refusals: Sequence[RefusedError]) -> RefusedError | None:
    """Return all refusals as one; None where there is none."""
    if len(refusals) <= 1:
        return next(iter(refusals), None)
    return RefusedError(f"{len(refusals)} refusals", found="\n    ".join(error.message for error in refusals))


def _exit_code(error: AftershockError) -> int:
    """Return the code of what kept a run from beginning: wrong input, residue, else the environment."""
    known = (UsageError, ResidueError)
    return error.exit_code if isinstance(error, known) else EnvironmentUnusableError.exit_code


def _modules(package: str) -> Iterator[str]:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ConfigError(
            f"aftershock_steps names {package!r}, which is no package",
            expected="an importable package whose modules define steps",
        )
    for module in pkgutil.walk_packages(spec.submodule_search_locations, prefix=f"{package}."):
        if not module.ispkg and not module.name.rpartition(".")[2].startswith("_"):
            yield module.name
