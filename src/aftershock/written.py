"""A YAML file with the line of each of its parts, so that an error can name the place.

JSON is YAML too. A key that stands twice in a mapping is an error: YAML would drop the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import inspect

from aftershock.config import project_root
from aftershock.errors import UsageError

__all__ = ["Key", "Written", "read_yaml"]

T = TypeVar("T")
Key = str | int

# What msgspec adds to its messages: "... - at `$.method[0].name`".
_PATH = re.compile(r" - at `(?:key in )?\$(?P<path>.*)`$")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`")


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a file says, and where."""

    name: str
    content: Any
    root: yaml.Node

    def at(self, *keys: Key) -> str:
        """Return "file:line" of the part that these keys and indices lead to, as far as they do."""
        node, line = self.root, self.root.start_mark.line
        for key in keys:
            found = _step(node, key)
            if found is None:
                break
            node, line = found
        return f"{self.name}:{line + 1}"

    def convert(self, kind: type[T], *, what: str) -> T:
        """Return the content as a `kind`, a msgspec struct.

        Raises:
            UsageError: it is none; with file, line and the name of the field.

        """
        try:
            return msgspec.convert(self.content, kind)
        except msgspec.ValidationError as error:
            raise self._error(str(error), what, kind) from error

    def _error(self, message: str, what: str, kind: object) -> UsageError:
        path = _PATH.search(message)
        steps = _STEP.finditer(path["path"]) if path else ()
        keys: list[Key] = [step["name"] or int(step["index"]) for step in steps]
        reason = _PATH.sub("", message)
        unknown = _UNKNOWN.match(reason)
        expected = ""
        if unknown:
            expected = ", ".join(_fields(kind, keys))
            keys.append(unknown["name"])
            reason = f"the field {unknown['name']!r} is not supported"
        return UsageError(
            f"{self.at(*keys)}: no {what} that runs here",
            expected=expected,
            found=f"{_spelled(keys)}: {reason}",
        )


def read_yaml(path: Path) -> Written:
    """Read a file that holds one YAML document.

    Raises:
        UsageError: it cannot be read, or is no YAML.

    """
    name = _shown(path)
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except OSError as error:
        raise UsageError(
            f"cannot read {name}", expected="a YAML file", found=error.strerror or str(error)
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} is no YAML", found=str(error)) from error
    if root is None:
        raise UsageError(f"{name} is empty", expected="a YAML document")
    _check_keys(root, name)
    return Written(name=name, content=content, root=root)


def _check_keys(node: yaml.Node, name: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item, name)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise UsageError(f"{name}:{key.start_mark.line + 1}: {key.value!r} stands there twice")
            seen.add(str(key.value))
            _check_keys(value, name)


def _step(node: yaml.Node, key: Key) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item: yaml.Node = node.value[key]
        return item, item.start_mark.line
    if isinstance(node, yaml.MappingNode):
        return next(
            ((value, name.start_mark.line) for name, value in node.value if name.value == str(key)), None
        )
    return None


def _fields(kind: object, keys: Sequence[Key]) -> list[str]:
    """Return the fields that a `kind` has at the end of `keys`; none where that is no struct."""
    found = list(_plain(inspect.type_info(kind)))
    for key in keys:
        found = [inner for one in found for inside in _inside(one, key) for inner in _plain(inside)]
    return [field.encode_name for one in found if isinstance(one, inspect.StructType) for field in one.fields]


def _plain(kind: inspect.Type) -> Iterator[inspect.Type]:
    """Yield what a type is, or may be."""
    if isinstance(kind, inspect.Metadata):
        yield from _plain(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _plain(one)
    else:
        yield kind


def _inside(kind: inspect.Type, key: Key) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.StructType):
        yield from (field.type for field in kind.fields if field.encode_name == key)
    elif isinstance(kind, inspect.DictType):
        yield kind.value_type
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType):
        yield kind.item_type


def _spelled(keys: Sequence[Key]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".") or "it"


def _shown(path: Path) -> str:
    root = project_root()
    full = path.resolve()
    return str(full.relative_to(root)) if full.is_relative_to(root) else str(path)
