"""A secret is used by its value and shown by its place."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from aftershock.errors import ConfigError
from aftershock.redaction import hide
from aftershock.secret import read_secret

VALUE = "tok-4f1c9a77"


def test_from_the_environment(tmp_path: Path) -> None:
    found = read_secret("env:SHOP", root=tmp_path, environ={"SHOP": f"{VALUE}\n"})
    assert found.reveal() == VALUE
    assert f"{found} {found!r} {[found]}" == "<secret env:SHOP> <secret env:SHOP> [<secret env:SHOP>]"
    assert hide(VALUE) == "<redacted>"


def test_from_a_file_below_the_project(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of-a-file-93\n")
    assert read_secret("file:token", root=tmp_path).reveal() == "of-a-file-93"


def test_it_is_not_written_by_accident(tmp_path: Path) -> None:
    found = read_secret("env:SHOP", root=tmp_path, environ={"SHOP": VALUE})
    with pytest.raises(TypeError, match="not written anywhere"):
        pickle.dumps(found)
    assert not hasattr(found, "__dict__")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("env:NOWHERE", "there is no secret at env:NOWHERE"),
        ("env:EMPTY", "there is no secret at env:EMPTY"),
        ("env:SHORT", "the secret at env:SHORT is too short"),
        ("file:nowhere", "cannot read the secret at file:nowhere"),
        ("file:.", "cannot read the secret at file:."),
        ("env:", "a secret is named by where it is, not written down"),
    ],
)
def test_where_there_is_none(tmp_path: Path, place: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_secret(place, root=tmp_path, environ={"EMPTY": " ", "SHORT": "abc"})
    assert caught.value.message == said
    assert "abc" not in str(caught.value)


def test_one_that_is_written_down_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_secret("written-down-5150", root=tmp_path)
    assert "5150" not in str(caught.value)
    assert hide("'written-down-5150'") == "'<redacted>'"
