"""A plugin of pytest that lists the vocabulary in reach of a project, in place of collecting tests.

    pytest -p aftershock.projects.listing --vocabulary FILE features

A plugin, because only pytest knows which conftest.py files and packages of steps count.
"""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

from aftershock.collect.gherkin import read_feature
from aftershock.collect.session import register_steps
from aftershock.errors import AftershockError
from aftershock.projects.sentences import Group, Sentence, Step, found, parts_of, without_examples

Used = list[tuple[str, str, str]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare where the list goes."""
    parser.getgroup("aftershock").addoption("--vocabulary", metavar="FILE", type=Path, required=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> object:
    """Write the list as JSON; collect nothing."""
    try:
        register_steps(session.config)
    except AftershockError as error:
        raise pytest.UsageError(str(error)) from error
    root = session.config.rootpath
    folders = [session.config.invocation_params.dir / name for name in session.config.args]
    paths = {path for folder in folders for path in folder.rglob("*.feature")}
    groups = list(_groups(root, _used(sorted(paths), root)))
    session.config.option.vocabulary.write_bytes(msgspec.json.encode(groups))
    return True


def _used(paths: list[Path], root: Path) -> Used:
    """Return the steps of features; what is wrong with a feature is no matter of the vocabulary."""
    scenarios = (scenario for path in paths for scenario in read_feature(path, root=root).scenarios)
    return [
        (step.type, step.text, f"{scenario.file}:{step.line}")
        for scenario in scenarios
        for step in scenario.steps
    ]


def _groups(root: Path, used: Used) -> Iterator[Group]:
    by_function: dict[Callable[..., Any], list[StepFunctionContext]] = defaultdict(list)
    for context in step_function_context_registry.values():
        if not context.step_func.__module__.startswith("pytest_bdd."):  # it has a step for its debugging
            by_function[context.step_func].append(context)
    by_file: dict[Path, list[tuple[int, Step]]] = defaultdict(list)  # modules called conftest are many
    for function, contexts in by_function.items():
        step = _step(function, contexts, root=root, used=used)
        by_file[Path(function.__code__.co_filename)].append((function.__code__.co_firstlineno, step))
    for path in sorted(by_file, key=lambda path: (path.stem, path)):
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        steps = [step for _, step in sorted(by_file[path], key=lambda found: found[0])]
        yield Group(noun=path.stem, about=about.partition("\n")[0], steps=tuple(steps))


def _step(
    function: Callable[..., Any], contexts: list[StepFunctionContext], *, root: Path, used: Used
) -> Step:
    docstring = inspect.getdoc(function) or ""
    path = Path(function.__code__.co_filename).resolve()
    place = path.relative_to(root).as_posix() if path.is_relative_to(root) else "/".join(path.parts[-3:])
    # pytest-bdd enters the decorator that stands lowest first.
    sentences = [
        Sentence(type=context.type or "", text=context.parser.name, parts=parts_of(context.parser))
        for context in reversed(contexts)
    ]
    return Step(
        name=function.__name__,
        about=without_examples(docstring),
        where=f"{place}:{function.__code__.co_firstlineno}",
        sentences=tuple(found(sentence, used, docstring) for sentence in sentences),
    )
