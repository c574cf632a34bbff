"""The exceptions: the tree at the top of the file is the tree of the classes."""

from __future__ import annotations

import re

import pytest

from aftershock import errors
from aftershock.errors import AftershockError, ApiError, CommandError


def printed_tree() -> dict[str, str]:
    """Return class → parent, as the docstring draws it; the root's is ""."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        row = re.match(r"^((?:│   |    )*)(├── |└── )?(\w+Error)\b", line)
        if row is None:
            continue
        depth = len(row[1]) // 4 + bool(row[2])
        parents[row[3]] = above[depth - 1] if depth else ""
        above[depth:] = [row[3]]
    return parents


def classes() -> dict[str, type[AftershockError]]:
    found = (getattr(errors, name) for name in dir(errors))
    return {c.__name__: c for c in found if isinstance(c, type) and issubclass(c, AftershockError)}


def test_the_printed_tree_is_the_classes() -> None:
    actual = {
        name: next((base.__name__ for base in found.__bases__ if issubclass(base, AftershockError)), "")
        for name, found in classes().items()
    }
    assert printed_tree() == actual


def test_all_of_them_are_exported() -> None:
    assert sorted(classes()) == errors.__all__


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("AftershockError", 2),
        ("ApiError", 10),
        ("CloudError", 10),
        ("CommandError", 10),
        ("ConfigError", 4),
        ("DeadlineError", 2),
        ("EnvironmentUnusableError", 10),
        ("FaultError", 2),
        ("FeatureError", 4),
        ("HistoryError", 2),
        ("InconclusiveError", 1),
        ("KeepError", 12),
        ("NotFoundError", 10),
        ("QueryError", 10),
        ("RefusedError", 4),
        ("ResidueError", 11),
        ("StepArgumentError", 4),
        ("TransientError", 2),
        ("UsageError", 4),
    ],
)
def test_exit_codes(name: str, code: int) -> None:
    assert classes()[name].exit_code == code


def test_every_exit_code_is_held_above() -> None:
    held = {case[0] for case in test_exit_codes.pytestmark[0].args[1]}  # type: ignore[attr-defined]  # pytest's mark
    assert held == set(classes())


def test_the_printed_exit_codes_are_true() -> None:
    for name, code in re.findall(r"(\w+Error)\b.*\(exit code (\d+)\)", errors.__doc__ or ""):
        assert classes()[name].exit_code == int(code)


def test_evidence_stands_below_the_message() -> None:
    error = AftershockError("no disk", expected="10 GiB", found="2 GiB", hint="free some")
    assert str(error) == "no disk\n  expected: 10 GiB\n  found: 2 GiB\n  do: free some"


def test_what_is_not_given_is_not_shown() -> None:
    assert str(AftershockError("no disk", hint="free some")) == "no disk\n  do: free some"
    assert str(AftershockError("no disk")) == "no disk"


def test_a_command_carries_its_end() -> None:
    error = CommandError("`kind create` failed", command=["kind", "create"], code=3, tail=["one", "two"])
    assert (error.command, error.code, error.tail) == (("kind", "create"), 3, ("one", "two"))
    assert str(error) == "`kind create` failed\n  found: exit code 3\n    one\n    two"


def test_an_api_error_carries_its_status() -> None:
    assert ApiError("GET /x: 403 Forbidden", status=403, found="no").status == 403
