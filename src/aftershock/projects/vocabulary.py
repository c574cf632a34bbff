"""The vocabulary of the current project, listed: for a terminal, as a page, as JSON."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from aftershock.errors import UsageError
from aftershock.projects.sentences import Group, Step, read_groups, shown

__all__ = ["as_json", "as_markdown", "as_text", "only", "vocabulary"]

_NO_TESTS = 5  # pytest's exit code where it has collected nothing, which is what the listing does


def vocabulary(root: Path) -> list[Group]:
    """Return the vocabulary of the project in the folder `root`: ours, and its own.

    Raises:
        UsageError: a package of steps, a conftest.py or a setting is wrong; it says what pytest said.

    """
    features = root / "features" if (root / "features").is_dir() else root
    folders = [features, *(path.parent for path in features.rglob("conftest.py") if path.parent != features)]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "vocabulary.json")
        # In a process of its own: importing steps enters them for good.
        command = [sys.executable, "-m", "pytest", "-qq", "-p", "no:cacheprovider"]
        command += ["-p", "aftershock.projects.listing", "--vocabulary", str(listed), *map(str, folders)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode not in {0, _NO_TESTS} or not listed.is_file():
            said = (done.stdout + done.stderr).strip().splitlines()
            what = "the vocabulary cannot be read"
            raise UsageError(what, found="\n    ".join(said[-20:]), hint="mend what pytest names")
        return read_groups(listed.read_bytes())


def only(groups: Iterable[Group], words: Sequence[str]) -> list[Group]:
    """Return the steps in whose noun, sentences or description every one of `words` stands, in any case."""
    wanted = [word.lower() for word in words]
    kept = []
    for group in groups:
        steps = tuple(step for step in group.steps if all(word in _text(group, step) for word in wanted))
        if steps:
            kept.append(msgspec.structs.replace(group, steps=steps))
    return kept


def as_text(groups: Iterable[Group]) -> str:
    """Return the vocabulary for a terminal."""
    return "\n".join(line for group in groups for line in _lines(group))


def as_markdown(groups: Iterable[Group]) -> str:
    """Return the vocabulary as a page."""
    lines = [
        "# Vocabulary",
        "",
        "Every sentence with an example, as `aftershock steps --markdown` writes it. What a step waits",
        "for, and what its verdict means, stands in [Steps](steps.md).",
    ]
    for group in groups:
        lines += ["", f"## {_title(group)}"]
        lines += ["", _about(group)[:1].upper() + _about(group)[1:]] if group.about else []
        for step in group.steps:
            sentences = [f"**{shown(sentence)}**" for sentence in step.sentences]
            lines += ["", f"{' · '.join(sentences)}  ", step.about.partition("\n")[0], ""]
            lines += [f"    {sentence.example}" for sentence in step.sentences if sentence.example]
    return "\n".join(lines) + "\n"


def as_json(groups: Iterable[Group]) -> str:
    """Return the vocabulary as JSON: a list of nouns with their steps, sentences and examples."""
    return msgspec.json.format(msgspec.json.encode(list(groups)), indent=2).decode()


def _title(group: Group) -> str:
    return group.noun.replace("_", " ").capitalize()


def _text(group: Group, step: Step) -> str:
    parts = [group.noun, step.name, step.about, *(shown(sentence) for sentence in step.sentences)]
    return "\n".join([*parts, *(sentence.example for sentence in step.sentences)]).lower()


def _lines(group: Group) -> Iterator[str]:
    yield f"{group.noun}: {_about(group)}" if group.about else group.noun
    for step in group.steps:
        yield ""
        for sentence in step.sentences:
            yield f"  {shown(sentence)}"
        for line in step.about.partition("\n\n")[0].splitlines():
            yield f"      {line}"
        examples = [sentence for sentence in step.sentences if sentence.example]
        for sentence in examples:
            yield f"      as in: {sentence.example}" + (f"   ({sentence.place})" if sentence.place else "")
        if not examples:
            yield "      no feature uses it, and its docstring has no line `As in: Given ...`"
    yield ""


def _about(group: Group) -> str:
    """Return what a module says of itself, without its noun."""
    noun, colon, rest = group.about.partition(": ")
    return rest if colon and " " not in noun else group.about
