"""What the JUnit file says of a scenario beyond what pytest writes: its name, its feature, its properties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from aftershock.collect.gherkin import Scenario
from aftershock.history.facts import title_of
from aftershock.history.measures import measures_of
from aftershock.report.secrets import redact, redact_tree
from aftershock.verdict import Verdict

__all__ = ["OUTCOME_PROPERTY", "Properties", "complete_junit", "properties_of"]

OUTCOME_PROPERTY = "aftershock.outcome"
_NAME = "aftershock.scenario"
_FEATURE = "aftershock.feature"

Properties = Sequence[tuple[str, object]]
"""As pytest's `user_properties`."""


def properties_of(scenario: Scenario, verdicts: Iterable[Verdict], *, run: str, profile: str) -> Properties:
    """Return what is said of a scenario besides its outcome: which it is, of which run, and its times.

    A time is in seconds, "never" for what did not recover or did not fire; one that is not known is left out.
    """
    found = [
        (_NAME, title_of(scenario.name, scenario.example)),
        (_FEATURE, scenario.feature),
        ("aftershock.file", f"{scenario.file}:{scenario.line}"),
        ("aftershock.run", run),
        ("aftershock.profile", profile),
    ]
    for measure in measures_of([], verdicts):
        shown = "never" if measure.value is None else f"{measure.value:g}"
        found.append((f"aftershock.{measure.kind}_seconds:{measure.subject}", shown))
    return [(name, redact(value)) for name, value in found]


def complete_junit(path: Path, *, interrupted: Properties) -> None:
    """Give each case the scenario's name and feature, and a problem its `type`, from its own properties.

    A test that Ctrl-C ended is the last one, and pytest did not get to write its properties: they are
    `interrupted`.
    """
    if not path.is_file():
        return
    tree = ET.parse(path)  # noqa: S314 - pytest wrote this file a moment ago
    if interrupted:
        properties = ET.Element("properties")
        properties.extend(ET.Element("property", name=name, value=str(value)) for name, value in interrupted)
        list(tree.iter("testcase"))[-1].insert(0, properties)
    for case in tree.iter("testcase"):
        said = {p.get("name", ""): p.get("value", "") for p in case.iter("property")}
        if OUTCOME_PROPERTY in said:
            _complete(case, said)
    redact_tree(tree.getroot())
    tree.write(path, encoding="utf-8", xml_declaration=True)


def _complete(case: ET.Element, said: dict[str, str]) -> None:
    case.set("name", said.get(_NAME, case.get("name", "")))
    case.set("classname", said.get(_FEATURE, case.get("classname", "")))
    for problem in (*case.iter("failure"), *case.iter("error")):
        problem.set("type", "broken" if _after_the_call(problem) else said[OUTCOME_PROPERTY])


def _after_the_call(problem: ET.Element) -> bool:
    return problem.tag == "error" and problem.get("message", "").startswith("failed on teardown")
