"""The documentation against the code: every step described, every link alive, every command there."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from click import Group
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from aftershock import steps
from aftershock.cli import main
from aftershock.collect.types import TYPES
from aftershock.faults.calls import parameters_of
from aftershock.faults.catalogue import FAULTS

ROOT = Path(__file__).parents[2]
STEPS = ROOT / "docs" / "steps.md"
PAGES = [ROOT / "README.md", ROOT / "CHANGES.md"] + [
    page
    for folder in ("docs", "stack", "requirements", "cluster", "features", "loadtests", "experiments")
    for page in sorted((ROOT / folder).rglob("*.md"))
]
FIXTURES = "aftershock.steps.stage"
MODULES = tuple(
    importlib.import_module(f"aftershock.steps.{module.name}")
    for module in pkgutil.iter_modules(steps.__path__)
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ +(.*)$", FENCE.sub("", text), re.MULTILINE)


def anchor(heading: str) -> str:
    """Return the anchor that a Markdown page gets for a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def plain(sentence: str) -> str:
    """Return a step's sentence with the types of its words left out: {limit:Duration} is {limit}."""
    return re.sub(r"\{(\w+):[^}]*\}", r"{\1}", sentence)


def leads_somewhere(page: Path, target: str) -> bool:
    """Say whether there is the file, and in it the heading, that a relative link names."""
    name, _, part = target.partition("#")
    goal = (page.parent / name).resolve() if name else page
    if not goal.exists() or not part:
        return goal.exists()
    return part in {anchor(title) for title in headings(goal.read_text(encoding="utf-8"))}


def contexts() -> list[StepFunctionContext]:
    ours = {module.__name__ for module in MODULES} - {FIXTURES}
    found = [
        context for context in step_function_context_registry.values() if context.step_func.__module__ in ours
    ]
    assert {context.step_func.__module__ for context in found} == ours
    return found


def test_every_step_has_its_section():
    titles = headings(STEPS.read_text(encoding="utf-8"))
    sentences: dict[str, list[str]] = {}
    for context in contexts():
        sentences.setdefault(context.step_func.__name__, []).append(plain(context.parser.name))

    # A step with several sentences (one pod, two pods) needs one section.
    described = {step for step, said in sentences.items() if any(t.endswith(s) for t in titles for s in said)}

    assert sentences.keys() - described == set()


def test_every_sentence_has_an_example_and_every_example_is_a_step():
    examples = re.findall(
        r"^    (?:Given|When|Then|And) (.*)$", STEPS.read_text(encoding="utf-8"), re.MULTILINE
    )
    parsers = [context.parser for context in contexts()]

    assert [p.name for p in parsers if not any(p.is_matching(words) for words in examples)] == []
    assert [words for words in examples if not any(p.is_matching(words) for p in parsers)] == []


def test_every_section_is_a_step():
    text = STEPS.read_text(encoding="utf-8")
    titles = [title for title in headings(text) if title.startswith(("Given ", "When ", "Then "))]
    sentences = {(context.type, plain(context.parser.name)) for context in contexts()}

    described = {(word.lower(), rest) for word, _, rest in (title.partition(" ") for title in titles)}

    assert described - sentences == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = [t for t in LINK.findall(FENCE.sub("", text)) if not re.match(r"[a-z]+:", t)]

    dead = [target for target in targets if not leads_somewhere(page, target)]

    assert dead == []


def test_every_command_that_is_named_exists():
    assert isinstance(main, Group)
    named = {
        (page.name, command)
        for page in PAGES
        for command in re.findall(r"`aftershock ([a-z]+)", page.read_text(encoding="utf-8"))
    }

    assert {command for page, command in named if page == "README.md"} >= {"up", "down", "doctor", "recover"}
    assert [(page, command) for page, command in named if command not in main.commands] == []


def test_every_option_of_a_named_command_exists():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = re.compile(r"^\| `aftershock ([a-z]+)[^`]*` \|(.*)\|$", re.MULTILINE)

    unknown = []
    for command, told in row.findall(readme):
        options = {name for parameter in main.commands[command].params for name in parameter.opts}
        unknown += [name for name in re.findall(r"`(--[a-z-]+)", told) if name not in options]

    assert unknown == []


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_is_listed_with_what_an_experiment_can_give_it(name):
    text = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {name} \| (.*) \|$", text, re.MULTILINE)
    for words in re.findall(
        r"^\*(Which \w+)\*: ([^.]*)", text.replace("*Which node*", "\n*Which node*"), re.MULTILINE
    ):
        row = row.replace(f"*{words[0].lower()}*", words[1].replace("\n", " "))
    listed = {word.strip("*"): word.startswith("**") for word in row.split(", ")}

    takes = {p.name: p.default is p.empty for p in parameters_of(FAULTS[name]) if p.name != "tools"}

    assert listed == takes


def test_every_type_of_a_steps_word_is_one_that_the_page_explains():
    text = STEPS.read_text(encoding="utf-8")
    words = {
        "Amount": "*amount*",
        "Demand": "*demand*",
        "Duration": "*duration*",
        "Experiment": "experiments/",
        "HpaTrouble": "*trouble*",
        "LitmusEngine": "experiments/litmus/",
        "LoadTime": "*duration* of a load",
        "Locustfile": "loadtests/",
        "Node": "*node*",
        "Percentile": "*percentile*",
        "Phase": "*phase*",
        "Secret": "*secret*",
        "UserRate": "rate of each user",
        "Users": "*users*",
    }

    assert set(words) == set(TYPES)
    assert [name for name, shown in words.items() if shown not in text] == []
