"""The house: what holds for every file of it, whoever writes the next one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "aftershock"
MODULES = sorted(SOURCE.rglob("*.py"))
STEPS = sorted((ROOT / "steps").rglob("*.py"))
FEATURES = sorted((ROOT / "features").rglob("*.feature"))

MOST_LINES = 400
MOST_STEP_LINES = 5


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def exported(module: ast.Module) -> list[str] | None:
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def order(listed: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as ruff sorts them."""
    return (0 if listed.isupper() else 1 if listed[0].isupper() else 2), listed


def definitions(module: ast.Module) -> Iterator[str]:
    """Yield the names of functions and classes that the module itself defines for others."""
    for node in module.body:
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if named and not node.name.startswith(("_", "pytest_")):
            yield node.name


def step_functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef) and any(
            re.match(r"(given|when|then)\(", ast.unparse(decorator)) for decorator in node.decorator_list
        ):
            yield node


def body_lines(function: ast.FunctionDef) -> int:
    """Count the lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 50
    assert sum(len(list(step_functions(path))) for path in STEPS) > 10
    assert len(FEATURES) >= 3


@pytest.mark.parametrize("path", [*MODULES, *STEPS], ids=name)
def test_a_docstring_says_what_is_in_it(path: Path) -> None:
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", [p.parent for p in MODULES], ids=name)
def test_every_folder_is_a_package(path: Path) -> None:
    assert (path / "__init__.py").is_file()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_public_names_are_listed_in_order(path: Path) -> None:
    module = tree(path)
    names = exported(module)
    if names is None:
        assert not list(definitions(module)), "it defines public names, so it needs an __all__"
        return
    assert names == sorted(names, key=order)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_what_is_listed_is_there(path: Path) -> None:
    module = tree(path)
    bound = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    bound |= {node.name for node in module.body if hasattr(node, "name")}
    bound |= {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
    }
    assert set(exported(module) or ()) <= bound


@pytest.mark.parametrize("path", [*MODULES, *STEPS], ids=name)
def test_what_others_import_is_listed(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("aftershock."):
            continue
        source = ROOT / "src" / Path(*(node.module or "").split(".")).with_suffix(".py")
        if source.is_file():
            listed = exported(tree(source)) or []
            assert not {alias.name for alias in node.names} - set(listed), f"imported from {node.module}"


@pytest.mark.parametrize("path", [p for p in MODULES if p != SOURCE / "clock.py"], ids=name)
def test_only_the_clock_sleeps(path: Path) -> None:
    module = tree(path)
    calls = [ast.unparse(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)]
    # A clock's own sleep moves a fake clock in tests: that is how the fake is driven.
    slept = [call for call in calls if call.split(".")[-1] == "sleep" and not call.endswith("clock.sleep")]
    assert not slept
    assert not re.search(r"from time import .*\bsleep\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [*MODULES, *STEPS], ids=name)
def test_no_module_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", STEPS, ids=name)
def test_steps_are_short(path: Path) -> None:
    long = {f.name: n for f in step_functions(path) if (n := body_lines(f)) > MOST_STEP_LINES}
    assert not long


@pytest.mark.parametrize("path", STEPS, ids=name)
def test_every_step_says_what_it_holds(path: Path) -> None:
    assert not [f.name for f in step_functions(path) if not ast.get_docstring(f)]


@pytest.mark.parametrize("path", FEATURES, ids=name)
@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        (
            "PromQL",
            r"\b(rate|irate|increase|sum|avg|max|histogram_quantile|absent)\s*\(|\w+\{[^}]*\}|\[\d+[smh]\]",
        ),
        ("a selector", r"\b[\w./-]+\s*(==?|!=|=~|!~)\s*[\"']?[\w./-]+"),
        ("YAML", r"\b(apiVersion|kind|metadata|spec)\s*:|\.ya?ml\b"),
        ("an address", r"https?://|\b\d+\.\d+\.\d+\.\d+\b"),
    ],
    ids=["promql", "selector", "yaml", "address"],
)
def test_features_speak_as_an_sre_does(path: Path, what: str, pattern: str) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        assert not re.search(pattern, line), f"{name(path)}:{number}: {what} in {line.strip()!r}"


@pytest.mark.parametrize("path", FEATURES, ids=name)
def test_a_feature_lives_in_the_folder_of_its_concern(path: Path) -> None:
    concern = path.parent.relative_to(ROOT / "features")
    assert len(concern.parts) == 1
    assert f"@{concern}" in path.read_text(encoding="utf-8").split("Feature:")[0].split()


def test_no_image_goes_by_an_empty_folder() -> None:
    """Git does not keep one: it would be in images made here, and in nobody else's."""
    folders = [path for path in (ROOT / "cluster" / "kind" / "images").rglob("*") if path.is_dir()]
    assert len(folders) > 10
    assert [str(path) for path in folders if not any(path.iterdir())] == []
