"""Allure: what allure-pytest does not know of a scenario.

Steps with durations and status, titles and labels, the values of an example, a verdict where
it was given, the scenario's files, and a scenario that Ctrl-C ended as what it is. The undo
appears by itself: allure-pytest shows the finalisers of fixtures as teardown.
"""

from __future__ import annotations

import json
import shutil
import sys
import traceback
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import allure_commons
import pytest
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import (
    ExecutableItem,
    Label,
    Parameter,
    Status,
    StatusDetails,
    TestResult,
    TestResultContainer,
    TestStepResult,
)
from allure_commons.types import AttachmentType, LabelType
from allure_pytest.listener import AllureListener
from pytest_bdd.parser import Step

from aftershock.clock import SystemClock
from aftershock.collect.gherkin import Scenario
from aftershock.collect.session import FOLDER, SCENARIO, find_error
from aftershock.collect.tags import SEVERITIES, owner_of
from aftershock.errors import AftershockError, EnvironmentUnusableError, FaultError, ResidueError
from aftershock.report.evidence import EVENTS, PLOT, TABLE, write_evidence
from aftershock.report.outcomes import PROGRESS
from aftershock.report.progress import Outcome, classify
from aftershock.report.secrets import redact
from aftershock.verdict import Verdict

__all__ = ["AllureShim", "attach_verdict", "open_results"]

_BIGGEST = 8 * 1024 * 1024  # bytes; the report is one file, and a browser has to open it
_STATUS: Mapping[Outcome, str] = {
    "passed": Status.PASSED,
    "violated": Status.FAILED,
    "inconclusive": Status.BROKEN,
    "broken": Status.BROKEN,
    "interrupted": Status.BROKEN,
}
_TYPES = {
    ".csv": AttachmentType.CSV,
    ".html": AttachmentType.HTML,
    ".json": AttachmentType.JSON,
    ".png": AttachmentType.PNG,
    ".svg": AttachmentType.SVG,
    ".yaml": AttachmentType.YAML,
}
_WORDS: tuple[tuple[type[AftershockError], str], ...] = (
    (ResidueError, "residue"),
    (FaultError, "fault"),
    (EnvironmentUnusableError, "environment"),
)
_PICTURES = {".png"}
_FIRST = (PLOT, TABLE, "forecast.txt", "alerts.txt", "budget.txt", "load.txt", EVENTS)
_PLUMBING = {"pytestconfig", "run", "scenario", "scenario_folder", "settings", "timeline", "verdicts"}


def open_results(config: pytest.Config, folder: Path, *, environment: str, categories: Path) -> AllureShim:
    """Write Allure results to `folder` (unless --alluredir named another) and return the shim.

    `environment` are properties that the report shows, as the format of that name has them.

    allure-pytest decides at its start, when nothing was collected; a run of features decides
    when it begins, so that nothing else ever makes a folder.
    """
    listener = config.pluginmanager.get_plugin("allure_listener")
    if listener is None:
        listener = AllureListener(config)
        config.pluginmanager.register(listener, "allure_listener")
        _register(config, listener)
        logger = AllureFileLogger(str(folder), clean=False)  # type: ignore[no-untyped-call]  # it has no types
        _register(config, logger)
    else:
        folder = Path(config.option.allure_report_dir).absolute()
    (folder / "environment.properties").write_text(environment, encoding="utf-8")
    if categories.is_file():
        shutil.copyfile(categories, folder / "categories.json")
    shim = AllureShim(listener, folder)
    _register(config, shim)
    return shim


def _register(config: pytest.Config, plugin: object) -> None:
    name = allure_commons.plugin_manager.register(plugin)
    config.add_cleanup(lambda: allure_commons.plugin_manager.unregister(name=name))


def attach_verdict(verdict: Verdict) -> None:
    """Attach `verdict` to the step that is running; nothing where no results are written."""
    allure_commons.plugin_manager.hook.attach_data(
        body=redact("\n".join(verdict.lines())),
        name=f"{verdict.status}: {verdict.name}",
        attachment_type=AttachmentType.TEXT,
        extension=None,
    )


class AllureShim:
    """The plugin (of pytest and of allure-commons) that completes allure-pytest's results in `folder`."""

    def __init__(self, listener: AllureListener, folder: Path) -> None:
        self.folder = folder
        self._reporter = listener.allure_logger
        self._step: str | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Name the result after the scenario, also where its setup failed."""
        try:
            yield
        finally:
            result = self._reporter.get_test(None)
            if SCENARIO in item.stash and result:
                _describe(result, item.stash[SCENARIO])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Mark a scenario that Ctrl-C ended: allure-pytest would write it as passed."""
        try:
            return (yield)
        except (KeyboardInterrupt, pytest.exit.Exception) as error:
            result = self._reporter.get_test(None)
            if SCENARIO in item.stash and result:
                result.status = Status.BROKEN
                result.statusDetails = StatusDetails(
                    message=redact(f"interrupted: {str(error) or 'the run was stopped by hand'}")
                )
                self._attach_files(item)
            raise

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give the result the words of the scenario for a message; allure-pytest has pytest's."""
        report = yield
        result = self._reporter.get_test(None)
        outcome: Outcome | None = getattr(report, "aftershock_outcome", None)
        if outcome and result and call.excinfo:
            first_failure = result.statusDetails is None or report.when != "teardown"
            if first_failure or result.statusDetails.trace == report.longreprtext:
                result.status = _STATUS[outcome]
                result.statusDetails = StatusDetails(
                    message=f"{_word(call.excinfo.value, outcome)}: {_message(call.excinfo.value)}",
                    trace=report.longreprtext,
                )
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Attach the scenario's files once the undo has written its part of the timeline."""
        try:
            yield
        finally:
            if SCENARIO in item.stash and self._reporter.get_test(None):
                self._attach_files(item)

    def pytest_bdd_before_step(self, step: Step) -> None:
        """Open an Allure step."""
        self._step = str(uuid4())
        name = f"{step.keyword.strip()} {step.name}"
        self._reporter.start_step(None, self._step, TestStepResult(name=name, start=_now(), parameters=[]))

    def pytest_bdd_after_step(self) -> None:
        """Close the step as passed."""
        self._end_step("passed")

    def pytest_bdd_step_error(self, request: pytest.FixtureRequest, exception: BaseException) -> None:
        """Close the step as what went wrong, and list the steps that were not run."""
        self._end_step(classify(exception), _message(exception))
        progress = request.node.stash.get(PROGRESS, None)
        for name in progress.not_run if progress else ():
            uuid = str(uuid4())
            step = TestStepResult(name=name, start=_now(), parameters=[])
            self._reporter.start_step(None, uuid, step)
            self._reporter.stop_step(uuid, stop=_now(), status=Status.SKIPPED)

    def pytest_bdd_after_scenario(self) -> None:
        """Close a step that pytest-bdd reports neither as passed nor as failed: Ctrl-C, a skip."""
        if error := sys.exception():
            self._end_step(classify(error), _message(error))

    @allure_commons.hookimpl
    def report_container(self, container: TestResultContainer) -> None:
        """Leave the setup and teardown that a reader wants: faults and their undo, not plumbing."""
        container.befores[:] = [f for f in container.befores if not _plumbing(f)]
        # pytest's own last finaliser is still running when it reports the container: no status yet.
        container.afters[:] = [f for f in container.afters if f.status and not _plumbing(f)]
        for fixture in container.afters:
            fixture.name = str(fixture.name).partition("::")[0]
        for fixture in (*container.befores, *container.afters):
            if fixture.statusDetails:
                fixture.statusDetails = StatusDetails(
                    message=redact(fixture.statusDetails.message or ""),
                    trace=redact(fixture.statusDetails.trace or ""),
                )

    def _end_step(self, outcome: Outcome, message: str = "") -> None:
        if self._step:
            details = StatusDetails(message=message) if message else None
            self._reporter.stop_step(self._step, stop=_now(), status=_STATUS[outcome], statusDetails=details)
            self._step = None

    def _attach_files(self, item: pytest.Item) -> None:
        """Attach what is in the scenario's folder, and first of all what is made of its record."""
        folder = item.stash[FOLDER]
        try:
            write_evidence(folder, name=item.stash[SCENARIO].name)
        except Exception as error:  # noqa: BLE001 - a picture is not worth a run: the report says why it lacks
            trouble = "".join(traceback.format_exception(error))
            self._attach(redact(trouble), "what could not be made of the record", AttachmentType.TEXT)
        for path in sorted(folder.rglob("*"), key=lambda path: (_place(path.name), path)):
            if path.is_file():
                self._attach_file(path, path.relative_to(folder).as_posix())

    def _attach(self, body: str | bytes, name: str, kind: Any) -> None:
        self._reporter.attach_data(str(uuid4()), body, name=name, attachment_type=kind)

    def _attach_file(self, path: Path, name: str) -> None:
        kind: Any = _TYPES.get(path.suffix, AttachmentType.TEXT)
        size = path.stat().st_size
        body: str | bytes
        if size > _BIGGEST:
            name, kind = f"{name} (left out)", AttachmentType.TEXT
            body = f"{size} bytes, too big for this report; the file is in the run's folder"
        elif path.suffix in _PICTURES:
            body = path.read_bytes()
        else:
            body = redact(path.read_text(encoding="utf-8", errors="replace"))
        self._attach(body, name, kind)


def _now() -> int:
    """Return the time as Allure wants it: milliseconds since 1970."""
    return round(SystemClock().now().timestamp() * 1000)


def _place(name: str) -> int:
    """Return where a file stands among the others: what a reader opens first is first."""
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _machinery(name: Any) -> bool:
    return str(name).startswith(("pytestbdd_", "_pytest_bdd"))


def _plumbing(fixture: ExecutableItem) -> bool:
    name = str(fixture.name).partition("::")[0]
    return _machinery(name) or (name in _PLUMBING and fixture.status == Status.PASSED)


def _word(error: BaseException, outcome: Outcome) -> str:
    """Return the word that categories.json sorts by."""
    return next((word for kind, word in _WORDS if find_error(error, kind)), outcome)


def _message(error: BaseException) -> str:
    return redact(str(error) or type(error).__name__)


def _describe(result: TestResult, scenario: Scenario) -> None:
    result.name = scenario.name
    result.description = scenario.description or None
    result.parameters = [
        *(p for p in result.parameters if not _machinery(p.name)),
        *(Parameter(name=name, value=json.dumps(value)) for name, value in scenario.example),
    ]
    severity = next((tag for tag in SEVERITIES if tag in scenario.tags), "normal")
    labels = [(LabelType.FEATURE, scenario.feature), (LabelType.STORY, scenario.rule or scenario.template)]
    labels += [(LabelType.EPIC, Path(scenario.file).parent.name), (LabelType.SEVERITY, severity)]
    if owner := owner_of(scenario.tags):
        labels.append(("owner", owner))
    result.labels.extend(Label(name=name, value=value) for name, value in labels if value)
