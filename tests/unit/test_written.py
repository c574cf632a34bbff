"""YAML with places: what stands where, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aftershock.errors import UsageError
from aftershock.written import read_yaml

TEXT = """\
# a comment
title: t
items:
  - name: a
    inner/path: {x: y}
  - name: b
"""


class Item(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    inner: dict[str, str] = msgspec.field(name="inner/path", default_factory=dict)


class Content(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    items: list[Item]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "folder" / "f.yaml"
    path.write_text(TEXT)
    return path


def test_places(path: Path) -> None:
    written = read_yaml(path)
    assert written.at() == "folder/f.yaml:2"
    assert written.at("items") == "folder/f.yaml:3"
    assert written.at("items", 1, "name") == "folder/f.yaml:6"
    assert written.at("items", 0, "inner/path", "x") == "folder/f.yaml:5"
    assert written.at("items", 7, "name") == "folder/f.yaml:3"


@pytest.mark.parametrize(
    ("change", "place", "complaint"),
    [
        (("x", "x"), None, ""),
        (("{x: y}", "{x: 1}"), "folder/f.yaml:5: ", "Expected `str`, got `int`"),
        (("title: t", "title: 5"), "folder/f.yaml:2: ", "title: Expected `str`"),
        (("  - name: b", "  - nam: b"), "folder/f.yaml:6: ", "items[1]"),
        (("{x: y}", "{}\n    more: 1"), "folder/f.yaml:6: ", "the field 'more' is not supported"),
        (("title: t", "other: t"), "folder/f.yaml:2: ", "other"),
    ],
)
def test_what_does_not_fit_is_named_with_its_line(
    path: Path, change: tuple[str, str], place: str | None, complaint: str
) -> None:
    path.write_text(TEXT.replace(*change))
    if place is None:
        assert read_yaml(path).convert(Content, what="list").items[0].inner == {"x": "y"}
        return
    with pytest.raises(UsageError) as caught:
        read_yaml(path).convert(Content, what="list")
    assert caught.value.message == f"{place}no list that runs here"
    assert complaint in caught.value.found


@pytest.mark.parametrize(
    ("change", "expected"),
    [(("title: t", "titel: t"), "title, items"), (("- name: b", "- nam: b"), "name, inner/path")],
)
def test_a_field_that_is_none_is_told_with_those_that_are(
    path: Path, change: tuple[str, str], expected: str
) -> None:
    path.write_text(TEXT.replace(*change))
    with pytest.raises(UsageError) as caught:
        read_yaml(path).convert(Content, what="list")
    assert caught.value.expected == expected


def test_a_key_that_stands_twice(path: Path) -> None:
    path.write_text(TEXT + "title: again\n")
    with pytest.raises(UsageError, match=r"folder/f\.yaml:7: 'title' stands there twice"):
        read_yaml(path)


@pytest.mark.parametrize(("text", "complaint"), [("", "is empty"), ("a: [", "is no YAML")])
def test_what_is_no_document(path: Path, text: str, complaint: str) -> None:
    path.write_text(text)
    with pytest.raises(UsageError, match=complaint):
        read_yaml(path)


def test_a_file_outside_the_project_is_named_in_full(tmp_path: Path, path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read /nowhere/f\.yaml"):
        read_yaml(Path("/nowhere/f.yaml"))
