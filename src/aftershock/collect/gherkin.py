"""Reads a .feature file into rendered scenarios, and says everything that is wrong with it.

pytest-bdd runs the scenarios; this reading is for the checks, the dry run and the reports.
It is stricter: what pytest-bdd would silently drop or run as it stands is an error here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gherkin.errors import CompositeParserException, ParserError
from gherkin.parser import Parser
from gherkin.pickles.compiler import Compiler

from aftershock.errors import FeatureError

__all__ = ["Document", "Scenario", "Step", "StepType", "Tag", "read_feature"]

StepType = Literal["given", "when", "then"]
_STEP_TYPES: dict[str, StepType] = {"Context": "given", "Action": "when", "Outcome": "then"}
_PLACEHOLDER = re.compile(r"<([^<>\s][^<>]*)>")
_AST = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rendered step. `keyword` is as written: Given, When, Then, And, But or *."""

    keyword: str
    type: StepType
    text: str
    line: int

    def __str__(self) -> str:
        """Return the step as a reader knows it."""
        return f"{self.keyword} {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario as it runs: its background and the values of its example filled in.

    `template` is the name as written, before the values of `example` were filled in.
    """

    file: str
    line: int
    feature: str
    rule: str
    name: str
    template: str
    description: str
    tags: frozenset[str]
    steps: tuple[Step, ...]
    example: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag where it stands, without its @."""

    name: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What one .feature file holds.

    `headings` are the scenarios' names and lines as written, before any was dropped or
    multiplied by examples.
    """

    path: Path
    file: str
    feature: str = ""
    scenarios: tuple[Scenario, ...] = ()
    headings: tuple[tuple[str, int], ...] = ()
    tags: tuple[Tag, ...] = ()
    errors: tuple[FeatureError, ...] = ()


def read_feature(path: Path, *, root: Path) -> Document:
    """Read `path`; every fault found in it is in the document's `errors`.

    Errors name the file as it is called from `root`.
    """
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    try:
        ast: _AST = dict(Parser().parse(path.read_text(encoding="utf-8")))
    except UnicodeDecodeError as error:
        problem = FeatureError(f"{file}:1: this is no UTF-8 text", found=str(error))
        return Document(path=path, file=file, errors=(problem,))
    except ParserError as error:
        faults = error.errors if isinstance(error, CompositeParserException) else [error]
        return Document(path=path, file=file, errors=tuple(_syntax_error(file, fault) for fault in faults))
    if "feature" not in ast:
        problem = FeatureError(f"{file}:1: there is no feature in this file", expected="Feature: <its name>")
        return Document(path=path, file=file, errors=(problem,))
    return _document(path, file, ast)


def _document(path: Path, file: str, ast: _AST) -> Document:
    feature = ast["feature"]
    headings = tuple((s["name"], s["location"]["line"]) for _, s in _scenarios(feature))
    return Document(
        path=path,
        file=file,
        feature=feature["name"],
        scenarios=tuple(_rendered(file, ast)),
        headings=headings,
        tags=tuple(_tags(feature)),
        errors=tuple(_structure_errors(file, feature)),
    )


def _scenarios(feature: _AST) -> Iterator[tuple[str, _AST]]:
    """Yield every scenario as written, with the name of its rule."""
    for child in feature["children"]:
        if "scenario" in child:
            yield "", child["scenario"]
        for inner in child.get("rule", {}).get("children", ()):
            if "scenario" in inner:
                yield child["rule"]["name"], inner["scenario"]


def _backgrounds(feature: _AST) -> Iterator[_AST]:
    for child in feature["children"]:
        for place in (child, *child.get("rule", {}).get("children", ())):
            if "background" in place:
                yield place["background"]


def _tags(feature: _AST) -> Iterator[Tag]:
    rules = [child["rule"] for child in feature["children"] if "rule" in child]
    scenarios = [scenario for _, scenario in _scenarios(feature)]
    examples = [table for scenario in scenarios for table in scenario["examples"]]
    for place in (feature, *rules, *scenarios, *examples):
        for tag in place["tags"]:
            yield Tag(name=tag["name"].removeprefix("@"), line=tag["location"]["line"])


def _rendered(file: str, ast: _AST) -> Iterator[Scenario]:
    feature = ast["feature"]
    written = {scenario["id"]: (rule, scenario) for rule, scenario in _scenarios(feature)}
    places = (*_backgrounds(feature), *(scenario for _, scenario in _scenarios(feature)))
    steps = {step["id"]: step for place in places for step in place["steps"]}
    for pickle in Compiler().compile({**ast, "uri": file}):  # type: ignore[typeddict-item]  # the same plain dict
        rule, scenario = written[pickle["astNodeIds"][0]]
        row = pickle["astNodeIds"][1] if len(pickle["astNodeIds"]) > 1 else None
        yield Scenario(
            file=file,
            line=scenario["location"]["line"],
            feature=feature["name"],
            rule=rule,
            name=pickle["name"],
            template=scenario["name"],
            description=(scenario["description"] or feature["description"]).strip(),
            tags=frozenset(tag["name"].removeprefix("@") for tag in pickle["tags"]),
            steps=tuple(
                Step(
                    keyword=steps[step["astNodeIds"][0]]["keyword"].strip(),
                    type=_STEP_TYPES.get(step["type"], "given"),
                    text=step["text"],
                    line=steps[step["astNodeIds"][0]]["location"]["line"],
                )
                for step in pickle["steps"]
            ),
            example=_example(scenario, row),
        )


def _example(scenario: _AST, row_id: str | None) -> tuple[tuple[str, str], ...]:
    for table in scenario["examples"]:
        for row in table.get("tableBody", ()):
            if row["id"] == row_id:
                names = (cell["value"] for cell in table["tableHeader"]["cells"])
                return tuple(zip(names, (cell["value"] for cell in row["cells"]), strict=True))
    return ()


def _structure_errors(file: str, feature: _AST) -> Iterator[FeatureError]:
    if not any(True for _ in _scenarios(feature)):
        yield FeatureError(
            f"{file}:{feature['location']['line']}: the feature has no scenario",
            expected="at least one Scenario",
        )
    for background in _backgrounds(feature):
        yield from _step_errors(file, background["steps"], columns=(), where="a background")
    for _, scenario in _scenarios(feature):
        yield from _scenario_errors(file, scenario)


def _scenario_errors(file: str, scenario: _AST) -> Iterator[FeatureError]:
    at = f"{file}:{scenario['location']['line']}"
    if not scenario["name"].strip():
        yield FeatureError(f"{at}: a scenario without a name", expected="a name that says what is proven")
    if not scenario["steps"]:
        yield FeatureError(
            f"{at}: scenario {scenario['name']!r} has no step",
            expected="steps: without any it would pass and prove nothing",
        )
    for table in scenario["examples"]:
        if not table.get("tableBody"):
            yield FeatureError(
                f"{file}:{table['location']['line']}: these examples have no row",
                expected="a header and at least one row of values",
            )
    tables = [
        {c["value"] for c in table.get("tableHeader", {}).get("cells", ())} for table in scenario["examples"]
    ]
    columns = tuple(set.intersection(*tables)) if tables else ()
    yield from _step_errors(file, scenario["steps"], columns=columns, where=f"scenario {scenario['name']!r}")


def _step_errors(
    file: str, steps: list[_AST], *, columns: tuple[str, ...], where: str
) -> Iterator[FeatureError]:
    if steps and steps[0]["keywordType"] not in _STEP_TYPES:
        yield FeatureError(
            f"{file}:{steps[0]['location']['line']}: {where} begins with {steps[0]['keyword'].strip()!r}",
            expected="Given, When or Then first; And and But take over the word before them",
        )
    for step in steps:
        for name in _PLACEHOLDER.findall(step["text"]):
            if name not in columns:
                there = ", ".join(sorted(columns)) or "there is none"
                yield FeatureError(
                    f"{file}:{step['location']['line']}: <{name}> is filled in by nothing",
                    expected=f"a column of every Examples table ({there})",
                )


_TOKENS = {
    "#BackgroundLine": "Background:",
    "#DocStringSeparator": '"""',
    "#EOF": "the end of the file",
    "#ExamplesLine": "Examples:",
    "#FeatureLine": "Feature:",
    "#Language": "# language:",
    "#Other": "text",
    "#RuleLine": "Rule:",
    "#ScenarioLine": "Scenario:",
    "#StepLine": "a step",
    "#TableRow": "a table row",
    "#TagLine": "a tag",
}


def _syntax_error(file: str, fault: Any) -> FeatureError:
    """Say a parser's error in words: it names tokens by their internal names."""
    said = re.sub(r"^\(\d+:\d+\): ", "", str(fault))
    at = f"{file}:{fault.location['line']}"
    match = re.fullmatch(r"(unexpected end of file, )?expected: (.*?)(?:, got '(.*)')?", said, re.DOTALL)
    if match is None:
        return FeatureError(f"{at}: {said}")
    expected = ", ".join(_TOKENS[token] for token in match[2].split(", ") if token in _TOKENS)
    if match[1]:
        return FeatureError(f"{at}: the file ends too early", expected=expected)
    return FeatureError(f"{at}: this line cannot stand here", found=match[3] or "", expected=expected)
