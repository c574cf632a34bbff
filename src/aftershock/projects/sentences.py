"""The vocabulary as data: every step with its sentences, what it is for, and an example of each.

A sentence is plain text with words in braces, as `{limit:Duration}`. Here it is read without the
converters of its words, which may ask for files that a project does not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from string import Formatter
from typing import Any

import msgspec
from pytest_bdd import parsers

__all__ = [
    "Group",
    "Part",
    "Sentence",
    "Step",
    "found",
    "parts_of",
    "read_groups",
    "shown",
    "without_examples",
]

_ANYTHING = ".+?"
_FORMATS = {
    "w": r"\w+",
    "d": r"[-+]?\d+",
    "g": r"[-+]?\d+(?:\.\d+)?",
    "f": r"[-+]?\d*\.\d+",
    "l": "[A-Za-z]+",
}
_EXAMPLE = re.compile(r"^\s*(?:As in: )?(?P<keyword>Given|When|Then|And|But) (?P<text>.+?)\s*$")


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a sentence: `text` as it stands, or a `word` to fill in that `pattern` matches."""

    text: str = ""
    word: str = ""
    type: str = ""
    pattern: str = ""


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence. `type` is given, when or then, "" for any; `place` is where its example is used.

    `example` is "" where neither a feature nor the docstring has one.
    """

    type: str
    text: str
    parts: tuple[Part, ...]
    example: str = ""
    place: str = ""

    def matches(self, text: str) -> bool:
        """Say whether a step of that text, without its keyword, is this sentence."""
        pattern = "".join(f"(?:{part.pattern})" if part.word else re.escape(part.text) for part in self.parts)
        return re.fullmatch(pattern, text) is not None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One definition: the sentences that call it, what it does, and its code's file and line."""

    name: str
    about: str
    where: str
    sentences: tuple[Sentence, ...]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The steps about one noun: those of one module."""

    noun: str
    about: str
    steps: tuple[Step, ...]


def read_groups(text: bytes) -> list[Group]:
    """Read what was encoded as JSON."""
    return msgspec.json.decode(text, type=list[Group])


def parts_of(parser: parsers.StepParser) -> tuple[Part, ...]:
    """Return what the sentence of a step's parser is made of."""
    if isinstance(parser, parsers.re):
        return (Part(word="text", type="re", pattern=parser.regex.pattern),)
    if not isinstance(parser, parsers.parse | parsers.cfparse):
        return (Part(text=parser.name),)
    types: Mapping[str, Callable[[str], Any]] = getattr(parser.parser, "_extra_types", {})
    parts = []
    for text, word, spec, _ in Formatter().parse(parser.name):
        if text:
            parts.append(Part(text=text))
        if word is not None:
            kind = spec or ""
            pattern = getattr(types.get(kind), "pattern", None) or _FORMATS.get(kind, _ANYTHING)
            parts.append(Part(word=word or "word", type=kind, pattern=pattern))
    return tuple(parts)


def shown(sentence: Sentence) -> str:
    """Return a sentence for a reader: with its keyword, and without the types of its words."""
    words = (f"{{{part.word}}}" if part.word else part.text for part in sentence.parts)
    regular = any(part.type == "re" for part in sentence.parts)
    return f"{sentence.type.capitalize() or '*'} {sentence.text if regular else ''.join(words)}"


def found(sentence: Sentence, used: Iterable[tuple[str, str, str]], docstring: str) -> Sentence:
    """Return `sentence` with its first example among `used` (type, text, place), else of its docstring."""
    for kind, text, place in used:
        if sentence.type in {"", kind} and sentence.matches(text):
            return msgspec.structs.replace(sentence, example=f"{kind.capitalize()} {text}", place=place)
    for line in docstring.splitlines():
        match = _EXAMPLE.match(line)
        if match and sentence.matches(match["text"]):
            keyword = sentence.type.capitalize() or match["keyword"]
            return msgspec.structs.replace(sentence, example=f"{keyword} {match['text']}")
    return sentence


def without_examples(docstring: str) -> str:
    """Return what a docstring says beside its examples."""
    return "\n".join(line for line in docstring.splitlines() if not _EXAMPLE.match(line)).strip()
