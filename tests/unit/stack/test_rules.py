"""Every rule as production has it, run by promtool against series that are written down.

A file in rules/ holds the tests of one alert or record (its name in snake case). All of them, and again for
all mutants of every rule, are one run of promtool.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.stack.rule_mutants import MARK, asking, mutants, name_of, needed, renamed, seconds

CASES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
Render = Callable[[str], list[dict[str, Any]]]

_RESULT = re.compile(r"^Unit Testing:  (\S+)$", re.MULTILINE)
_CAUGHT = re.compile(rf"^ +(?:alertname|expr): .*?{MARK}(\d+)\b", re.MULTILINE)
_FAILED = re.compile(rf"^ +rule: .*?{MARK}(\d+), .*\berr: ", re.MULTILINE)


def groups_of(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [group for item in objects if item["kind"] == "PrometheusRule" for group in item["spec"]["groups"]]


def alerts_of(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in groups_of(objects) for rule in group["rules"] if "alert" in rule}


def snake(name: str) -> str:
    """HighCPUSaturation → high_cpu_saturation, node:cpu:ratio → node_cpu_ratio."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).replace(":", "_").lower()


@dataclass(frozen=True)
class Mutated:
    """The mutants of one rule: what was changed, and which of them no test caught."""

    changed: list[str]
    survivors: list[str]


@dataclass(frozen=True)
class Bench:
    """A folder in which promtool tests rules, many files in one run."""

    promtool: str
    folder: Path

    def write(self, stem: str, rules: list[dict[str, Any]], case: dict[str, Any]) -> Path:
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        own = self.folder / f"{stem}.rules"
        own.write_text(yaml.dump({"groups": [{"name": "tested", "rules": rules}]}, Dumper=dumper))
        path = self.folder / f"{stem}.yaml"
        path.write_text(yaml.dump({**case, "rule_files": [own.name]}, Dumper=dumper, sort_keys=False))
        return path

    def run(self, files: Iterable[Path]) -> dict[str, str]:
        """Return what is said of each file, by its stem."""
        run = subprocess.run(
            [self.promtool, "test", "rules", *files],
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # failures are told there, and belong below their file's name
            # A short-lived process with memory to spare.
            env={**os.environ, "GOGC": "800", "TMPDIR": str(self.folder)},
        )
        parts = _RESULT.split(run.stdout)
        return {Path(path).stem: text for path, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.fixture(scope="session")
def groups(render: Render) -> list[dict[str, Any]]:
    """Return the groups that are written by hand; those of the objectives have tests of their own."""
    return [group for group in groups_of(render("overlays/nightly")) if not group["name"].startswith("slo-")]


@pytest.fixture(scope="session")
def cases(groups: list[dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the rule and the tests of each file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    names = {snake(name_of(rule)): name_of(rule) for group in groups for rule in group["rules"]}
    return {path.stem: (names[path.stem], yaml.load(path.read_text(), Loader=loader)) for path in CASES}


@pytest.fixture(scope="session")
def bench(promtool: str, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(promtool, tmp_path_factory.mktemp("rules"))


@pytest.fixture(scope="session")
def said(bench: Bench, groups: list[dict[str, Any]], cases: dict[str, Any]) -> dict[str, str]:
    files = [bench.write(stem, needed(groups, name), case) for stem, (name, case) in cases.items()]
    return bench.run(files)


@pytest.fixture(scope="session")
def mutated(bench: Bench, groups: list[dict[str, Any]], cases: dict[str, Any]) -> dict[str, Mutated]:
    """Test all mutants of all rules.

    One whose evaluation fails is caught by that, and hides the others of its file: these are tested again
    without it.
    """
    changed: dict[str, list[tuple[str, Any]]] = {}
    for stem, (name, case) in cases.items():
        rule = needed(groups, name)[-1]
        changed[stem] = list(mutants(rule, step_s=seconds(case["evaluation_interval"])))
    # Apart, those that are likely to fail: fewer are tested again.
    left = {
        (stem, joins): {
            number for number, (what, _) in enumerate(found) if what.startswith("without ") is joins
        }
        for stem, found in changed.items()
        for joins in (False, True)
    }
    again = {part for part, numbers in left.items() if numbers}
    while again:
        files = []
        for stem, joins in again:
            name, case = cases[stem]
            numbers = sorted(left[stem, joins])
            rules = needed(groups, name)[:-1] + [renamed(changed[stem][n][1], n) for n in numbers]
            tests = [asking(test, name, numbers) for test in case["tests"]]
            files.append(bench.write(_stem(stem, joins), rules, {**case, "tests": tests}))
        said = bench.run(files)
        failed = {part: set(map(int, _FAILED.findall(said[_stem(*part)]))) for part in again}
        for part in again:
            left[part] -= failed[part] | set(map(int, _CAUGHT.findall(said[_stem(*part)])))
        again = {part for part in again if failed[part] and left[part]}
    return {
        stem: Mutated(
            [what for what, _ in found],
            [what for n, (what, _) in enumerate(found) if n in left[stem, True] | left[stem, False]],
        )
        for stem, found in changed.items()
    }


def _stem(stem: str, joins: bool) -> str:
    return f"{stem}_{'joins' if joins else 'mutants'}"


def test_the_rules_parse(promtool: str, groups: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": groups}))
    checked = subprocess.run([promtool, "check", "rules", path], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("stem", [path.stem for path in CASES])
def test_rule(said: dict[str, str], stem: str) -> None:
    assert said[stem].strip() == "SUCCESS", said[stem]


@pytest.mark.parametrize("stem", [path.stem for path in CASES])
def test_every_mutant_is_caught(mutated: dict[str, Mutated], stem: str) -> None:
    assert len(mutated[stem].changed) >= 4
    assert mutated[stem].survivors == []


def test_every_rule_has_its_tests(groups: list[dict[str, Any]]) -> None:
    rules = {snake(name_of(rule)) for group in groups for rule in group["rules"]}
    assert rules == {case.stem for case in CASES}
    firing = {
        alert["alertname"]
        for case in CASES
        for test in yaml.safe_load(case.read_text())["tests"]
        for alert in test.get("alert_rule_test", [])
        if alert["exp_alerts"]
    }
    assert firing == {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}


def test_every_alert_says_what_it_means(render: Render, root: Path) -> None:
    rules = [rule for group in groups_of(render("overlays/nightly")) for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) >= 23
    listed = (root / "docs/runbooks/README.md").read_text()
    for rule in alerts:
        name, severity = rule["alert"], rule["labels"]["severity"]
        assert severity in {"critical", "warning", "info"}
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        page = root / rule["annotations"]["runbook_url"]
        assert page.name == f"{name}.md"
        assert page.read_text().startswith(f"# {name}\n")
        [row] = re.findall(rf"^\| \[{name}\]\({name}\.md\) \| ([^|]+) \|", listed, re.MULTILINE)
        assert severity in row.split(", ")
