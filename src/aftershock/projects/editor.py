"""The vocabulary for editors: a file in which their Gherkin plugins find every step.

Cucumber's language service (the official extension of Visual Studio Code, and others that are built on
it) reads decorators of Python with a plain string, as of Behave: a Cucumber Expression, or a regular
expression where the string has a parenthesis, a dot, a star or a bar. It sees neither pytest-bdd's
`parsers.parse(...)` with types nor packages outside of the folder. So the vocabulary is written out as
such decorators, with what each word can be, in a file that nothing imports; its functions have the
step's description, and where its code is.

By default the service looks in features/**/*.py, and Behave's plugins in features/steps/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from aftershock.projects.sentences import Group, Part, Sentence, Step

__all__ = ["STUBS", "as_stubs"]

STUBS = Path("features", "steps", "for_editors.py")

_HEAD = '''"""The steps as an editor's Gherkin plugin finds them. Nothing imports this file.

Written by `aftershock steps --editor`; write it anew when there are new steps.
"""

# ruff: noqa
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_bdd import given, step, then, when

    def word(*, name: str, regexp: str) -> Any: ...
'''
# What the language service knows by itself, and would refuse as a second definition.
_TAKEN = frozenset(
    "int float word string double bigdecimal biginteger byte short long".split()  # noqa: SIM905 - names
)
_IN_CLASS = {"d": "0-9", "w": "A-Za-z0-9_", "s": " "}


def as_stubs(groups: Iterable[Group]) -> str:
    """Return the text of the file."""
    groups = list(groups)
    sentences = [sentence for group in groups for step in group.steps for sentence in step.sentences]
    names = _names(sentences)
    lines = [_HEAD]
    lines += [f'    word(name="{name}", regexp="{pattern}")' for (_, pattern), name in names.items()]
    for group in groups:
        for step in group.steps:
            lines += ["", *_step(group, step, names)]
    return "\n".join(lines) + "\n"


def _step(group: Group, step: Step, names: dict[tuple[str, str], str]) -> Iterator[str]:
    seen = set()
    for sentence in step.sentences:
        decorator = f'    @{sentence.type or "step"}("{_expression(sentence, names)}")'
        if decorator not in seen:
            seen.add(decorator)
            yield decorator
    yield f"    def {group.noun}_{step.name}() -> None:"
    about = (step.about or step.name).replace("\\", "").replace('"""', "'''")
    place = step.where.partition(":")[0]  # no line: that would change with every change above it
    yield from (f"        {line}".rstrip() for line in f'"""{about}\n\n{place}\n"""'.splitlines())


def _names(sentences: Iterable[Sentence]) -> dict[tuple[str, str], str]:
    """Return a name for each word with its pattern: the word, where it has but one meaning."""
    names: dict[tuple[str, str], str] = {}
    for part in (part for sentence in sentences for part in sentence.parts if _is_word(part)):
        key = part.word, _regexp(part.pattern)
        if key not in names:
            taken = {*names.values(), *_TAKEN}
            numbered = (f"{part.word}_{number}" for number in range(2, len(taken) + 3))
            names[key] = next(name for name in (part.word, *numbered) if name not in taken)
    return names


def _is_word(part: Part) -> bool:
    return bool(part.word) and part.type != "re"


def _expression(sentence: Sentence, names: dict[tuple[str, str], str]) -> str:
    """Return a Cucumber Expression; where its text would mean something there, a regular expression."""
    words = [part for part in sentence.parts if part.word]
    texts = "".join(part.text for part in sentence.parts)
    if all(_is_word(part) for part in words) and not re.search(r'[/(){}\\.*|"]', texts):
        return "".join(
            f"{{{names[part.word, _regexp(part.pattern)]}}}" if part.word else part.text
            for part in sentence.parts
        )
    pattern = "".join(
        # Not the pattern of a word as it stands: of two words that have it the service cannot choose.
        f"((?:{_regexp(part.pattern)}))" if part.word else _literal(part.text)
        for part in sentence.parts
    )
    return f"^(?:{pattern})$"


def _literal(text: str) -> str:
    """Return a regular expression for `text` without backslashes: the service reads strings as they stand."""
    return "".join("." if c in '"\\^' else f"[{c}]" if c in "/(){}.*|+?$[]" else c for c in text)


def _regexp(pattern: str) -> str:
    """Return a pattern of Python's without backslashes and quotes, for the same reason."""
    out, inside = [], False
    characters = iter(re.sub(r"\(\?P<\w+>", "(", pattern))
    for character in characters:
        if character == "\\":
            escaped = next(characters)
            plain = _IN_CLASS.get(escaped, escaped)
            out.append(plain if inside else f"[{plain}]")
        elif character == '"':
            out.append(".")
        else:
            inside = character == "[" or (inside and character != "]")
            out.append(character)
    return "".join(out)
