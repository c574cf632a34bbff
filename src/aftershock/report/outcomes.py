"""What pytest says of a scenario, in its terminal and in its JUnit file.

Passed, violated, inconclusive, interrupted, or an error; never a skip.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from pytest_bdd.parser import Step

from aftershock.collect.session import FEATURES, SCENARIO
from aftershock.report.junit import OUTCOME_PROPERTY, Properties, complete_junit, properties_of
from aftershock.report.progress import Outcome, Progress, classify, explain
from aftershock.report.secrets import redact
from aftershock.verdict import Verdict

__all__ = ["PROGRESS", "VERDICTS", "Outcomes"]

PROGRESS = pytest.StashKey[Progress]()
VERDICTS = pytest.StashKey[Sequence[Verdict]]()

_Status = tuple[str, str, tuple[str, dict[str, bool]]]
_STATUS: dict[Outcome, _Status] = {
    "violated": ("violated", "V", ("VIOLATED", {"red": True})),
    "inconclusive": ("inconclusive", "I", ("INCONCLUSIVE", {"yellow": True})),
    "interrupted": ("interrupted", "!", ("INTERRUPTED", {"red": True})),
    "broken": ("error", "E", ("ERROR", {"red": True})),
}
_SECTIONS: tuple[Outcome, ...] = ("violated", "inconclusive", "interrupted")


class Outcomes:
    """The plugin that maps what a scenario raised to what is said of it."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self._interrupted: Properties = ()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Report a scenario that Ctrl-C ends: pytest has no report of it, and JUnit would show it green."""
        if SCENARIO not in item.stash:
            return (yield)
        item.stash[PROGRESS] = Progress(item.stash[SCENARIO])
        try:
            return (yield)
        except (KeyboardInterrupt, pytest.exit.Exception) as error:
            report = pytest.TestReport(
                nodeid=item.nodeid,
                location=item.location,
                keywords={},
                outcome="failed",
                longrepr=None,
                when="call",
            )
            self._describe(report, item, error, "interrupted")
            self._interrupted = [(OUTCOME_PROPERTY, "interrupted"), *self._properties(item)]
            item.ihook.pytest_runtest_logreport(report=report)
            raise

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say what failed in the words of the scenario, before any other plugin reads the report."""
        report = yield
        if SCENARIO not in item.stash:
            return report
        report.sections = [(name, redact(text)) for name, text in report.sections]
        if not report.passed and call.excinfo:
            report.outcome = "failed"
            outcome = classify(call.excinfo.value)
            # Only a step can violate an objective; an assertion of a fixture is an error like any other.
            of_a_step = report.when == "call" or outcome == "inconclusive"
            self._describe(report, item, call.excinfo.value, outcome if of_a_step else "broken")
        elif report.when == "teardown" and not _has_outcome(report):
            report.user_properties.append((OUTCOME_PROPERTY, "passed"))
        if report.when == "teardown":  # pytest writes the properties of this report, and of no other
            report.user_properties += self._properties(item)
        return report

    def _properties(self, item: pytest.Item) -> Properties:
        features = self.config.stash[FEATURES]
        given = item.stash.get(VERDICTS, ())
        run, profile = features.run.id, features.settings.profile
        return properties_of(item.stash[SCENARIO], given, run=run, profile=profile)

    def _describe(
        self, report: pytest.TestReport, item: pytest.Item, error: BaseException, outcome: Outcome
    ) -> None:
        scenario = item.stash[SCENARIO]
        verdicts = item.stash.get(VERDICTS, ())
        report.longrepr = explain(item.stash[PROGRESS], verdicts, error, root=self.config.rootpath)
        report.location = (report.location[0], report.location[1], scenario.name)
        report.aftershock_outcome = outcome  # type: ignore[attr-defined]  # reports take more attributes
        if not _has_outcome(report):
            item.user_properties.append((OUTCOME_PROPERTY, outcome))
            report.user_properties.append((OUTCOME_PROPERTY, outcome))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> _Status | None:
        """Give an outcome of ours its word, its letter and its own count."""
        outcome: Outcome | None = getattr(report, "aftershock_outcome", None)
        if outcome == "broken" and report.when != "call":
            return None  # pytest's own word for it is the same
        return _STATUS[outcome] if outcome else None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show every scenario that did not pass, with its steps and verdicts."""
        summary: list[str] = []
        for outcome in _SECTIONS:
            category, _, (word, markup) = _STATUS[outcome]
            for number, report in enumerate(terminalreporter.stats.get(category, [])):
                if number == 0:
                    terminalreporter.write_sep("=", word, **markup)
                _show(terminalreporter, report, markup, self.config)
                first_line = report.longrepr.reprcrash.message.partition("\n")[0]
                summary.append(f"{word} {report.nodeid} - {first_line}")
        for line in summary:
            terminalreporter.write_line(line)
        if summary:  # pytest colours the last line by this key's presence; empty, it is not counted
            terminalreporter.stats.setdefault("failed", [])

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Put the outcomes' types into the JUnit file that was just written."""
        result = yield
        if xml := self.config.getoption("xmlpath", None):
            complete_junit(Path(xml).expanduser(), interrupted=self._interrupted)
        return result

    def pytest_bdd_before_step(self, request: pytest.FixtureRequest, step: Step) -> None:
        """Note that a step begins."""
        if progress := request.node.stash.get(PROGRESS, None):
            progress.begin(f"{step.keyword.strip()} {step.name}")

    def pytest_bdd_after_step(self, request: pytest.FixtureRequest) -> None:
        """Note that a step passed."""
        if progress := request.node.stash.get(PROGRESS, None):
            progress.end("passed")

    def pytest_bdd_step_error(self, request: pytest.FixtureRequest, exception: BaseException) -> None:
        """Note how a step failed."""
        if progress := request.node.stash.get(PROGRESS, None):
            progress.end(classify(exception))

    def pytest_bdd_after_scenario(self, request: pytest.FixtureRequest) -> None:
        """Note a step that pytest-bdd reports neither as passed nor as failed: Ctrl-C, a skip."""
        error = sys.exception()
        if error and (progress := request.node.stash.get(PROGRESS, None)):
            progress.end(classify(error))


def _has_outcome(report: pytest.TestReport) -> bool:
    return any(name == OUTCOME_PROPERTY for name, _ in report.user_properties)


def _show(
    terminal: pytest.TerminalReporter,
    report: pytest.TestReport,
    markup: dict[str, bool],
    config: pytest.Config,
) -> None:
    terminal.write_sep("_", report.head_line or report.nodeid, **markup)
    terminal.write_line(str(report.longrepr))
    for name, text in report.sections if config.option.showcapture != "no" else ():
        terminal.write_sep("-", name)
        terminal.write_line(text.rstrip())
