"""What an editor makes of our steps, by the language service that it uses."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aftershock.collect.gherkin import Scenario, read_feature
from aftershock.collect.types import phrase
from aftershock.config import state_dir
from aftershock.projects.editor import STUBS, as_stubs
from aftershock.projects.sentences import Group, Sentence, Step, parts_of
from aftershock.projects.vocabulary import vocabulary

ROOT = Path(__file__).parents[3]
FEATURES = sorted((ROOT / "features").rglob("*.feature"))


@pytest.fixture(scope="session")
def modules() -> Path:
    path = state_dir() / "programs" / "bin" / "language-service" / "node_modules"
    assert (path / "@cucumber" / "language-service").is_dir(), (
        "scripts/test-tools fetches the language service"
    )
    return path


def asked(modules: Path, glue: str, features: dict[str, str]) -> dict[str, Any]:
    """Return what the language service says."""
    question = json.dumps({"glue": {"file:///steps.py": glue}, "features": features})
    done = subprocess.run(
        ["node", str(ROOT / "tests" / "editor" / "recognised.mjs"), str(modules)],
        input=question, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def as_it_runs(scenario: Scenario) -> str:
    """Return a feature with one scenario, the values of its example filled in."""
    steps = "".join(f"    {step.type.capitalize()} {step.text}\n" for step in scenario.steps)
    return f"Feature: A\n  Scenario: B\n{steps}"


def test_the_file_is_up_to_date_and_does_nothing() -> None:
    text = (ROOT / STUBS).read_text(encoding="utf-8")
    assert text == as_stubs(vocabulary(ROOT)), "run `make vocabulary`"
    body = [node for node in ast.parse(text).body if not isinstance(node, ast.ImportFrom | ast.Expr)]
    assert [ast.unparse(node.test) for node in body if isinstance(node, ast.If)] == ["TYPE_CHECKING"]
    assert len(body) == 1


def test_an_editor_finds_every_step_of_every_feature(modules: Path) -> None:
    written = {str(path): path.read_text(encoding="utf-8") for path in FEATURES}
    scenarios = [scenario for path in FEATURES for scenario in read_feature(path, root=ROOT).scenarios]
    running = {f"{s.file}:{s.line} {s.example}": as_it_runs(s) for s in scenarios}
    said = asked(modules, (ROOT / STUBS).read_text(encoding="utf-8"), written | running)
    assert said["undefinedSteps"] == {}
    assert said["errors"] == []
    assert len(running) > 50
    assert said["definitions"] > 100
    assert said["suggestions"] > 100


def test_it_does_not_find_what_is_none(modules: Path) -> None:
    wrong = (
        "Feature: A\n  Scenario: B\n    When 1 web pod is deletd\n"
        "    Then web answers at least 9 requests/h throughout\n"
        "    Then web recovers within 30 seconds\n"
    )
    said = asked(modules, (ROOT / STUBS).read_text(encoding="utf-8"), {"a": wrong})
    assert said["undefinedSteps"] == {
        "a": [
            "Undefined step: 1 web pod is deletd",
            "Undefined step: web answers at least 9 requests/h throughout",
        ]
    }


def test_of_the_code_itself_it_finds_nothing(modules: Path) -> None:
    """If this fails, the service has learnt to read types, and the file may not be needed any more."""
    said = asked(modules, (ROOT / "steps" / "workloads.py").read_text(encoding="utf-8"), {})
    assert said["definitions"] == 0


AWKWARD = [
    (phrase("{int} of {a:w}/{b:w} (or so) is 3.5"), "two of x/y (or so) is 3.5"),
    (phrase('{name} says "{words}" | {name2:g} \\ {{}}'), 'he says "yes" | 2.5 \\ {}'),
    (phrase("{limit:d} and {limit2:w}"), "3 and all"),
    (phrase("a.b*c?"), "a.b*c?"),
]


@pytest.mark.parametrize(("parser", "text"), AWKWARD, ids=[text for _, text in AWKWARD])
def test_signs_that_mean_something_to_cucumber(modules: Path, parser: Any, text: str) -> None:
    sentence = Sentence(type="then", text=parser.name, parts=parts_of(parser))
    assert sentence.matches(text)
    step = Step(name="it", about='Say """it""" \\ so.', where="a.py:1", sentences=(sentence,))
    stubs = as_stubs([Group(noun="own", about="", steps=(step,))])
    said = asked(modules, stubs, {"a": f"Feature: A\n  Scenario: B\n    Then {text}\n    Then other\n"})
    assert (said["errors"], said["definitions"]) == ([], 1)
    assert said["undefinedSteps"] == {"a": ["Undefined step: other"]}
    assert re.search(r"own_it\(\) -> None:", stubs)
