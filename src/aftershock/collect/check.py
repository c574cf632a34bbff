"""Every check of the features, before the first fault. All errors are found in one go."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from aftershock.collect.gherkin import Document, Step
from aftershock.collect.vocabulary import Definition, Refusal, matching
from aftershock.counting import counted
from aftershock.errors import AftershockError, FeatureError
from aftershock.redaction import redact

__all__ = ["check", "report_errors", "tag_errors"]


def check(
    documents: Mapping[str, tuple[Document, Sequence[Definition]]], *, tags: Iterable[str]
) -> list[FeatureError]:
    """Return what is wrong with `documents` (by file, each with the definitions in its reach).

    In order of file and line.
    """
    known = frozenset(tags)
    errors: list[FeatureError] = []
    for document, definitions in documents.values():
        errors += document.errors
        errors += tag_errors(document, known)
        if not document.errors:
            errors += _step_errors(document, definitions)
    errors += _duplicates(document for document, _ in documents.values())
    return sorted(errors, key=_place)


def tag_errors(document: Document, known: Iterable[str]) -> Iterator[FeatureError]:
    """Yield an error for every tag of `document` that is not known."""
    known = sorted(known)
    for tag in document.tags:
        if tag.name not in known:
            near = difflib.get_close_matches(tag.name, known, n=1)
            yield FeatureError(
                f"{document.file}:{tag.line}: unknown tag @{tag.name}",
                expected=", ".join(f"@{name}" for name in known),
                hint=(f"did you mean @{near[0]}? If not, " if near else "")
                + "declare it in aftershock_tags, with what it means",
            )


def report_errors(errors: Sequence[AftershockError]) -> str:
    """Return all errors in one text, as the user gets them."""
    said = [
        f"{counted(len(errors), 'error')} before anything was touched; no scenario was run",
        *(str(e) for e in errors),
    ]
    return redact("\n\n".join(said))


def _place(error: FeatureError) -> tuple[str, int]:
    file, line, _ = error.message.split(":", 2)
    return file, int(line)


def _duplicates(documents: Iterable[Document]) -> Iterator[FeatureError]:
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for document in documents:
        for name, line in document.headings:
            places[name.strip()].append((document.file, line))
    for name, found in places.items():
        if not name:
            continue  # an error of its own
        first, *others = sorted(found)
        for file, line in others:
            yield FeatureError(
                f"{file}:{line}: a second scenario named {name!r}",
                expected="a name of its own for every scenario: reports and history go by it",
                found=f"the first is in {first[0]}:{first[1]}",
            )


def _step_errors(document: Document, definitions: Sequence[Definition]) -> Iterator[FeatureError]:
    seen: set[tuple[int, str]] = set()
    for scenario in document.scenarios:
        for step in scenario.steps:
            if (step.line, step.text) not in seen:
                seen.add((step.line, step.text))
                yield from _step_error(f"{document.file}:{step.line}", step, definitions)


def _step_error(at: str, step: Step, definitions: Sequence[Definition]) -> Iterator[FeatureError]:
    matches, refusals = matching(step, definitions)
    if len(matches) == 1:
        return
    if matches:
        yield FeatureError(
            f"{at}: {str(step)!r} is ambiguous",
            expected="exactly one step definition",
            found="; ".join(str(match) for match in matches),
            hint="make the sentences differ",
        )
    elif refusals:
        yield from _refused(at, step, refusals)
    else:
        yield _undefined(at, step, definitions)


def _refused(at: str, step: Step, refusals: Sequence[Refusal]) -> Iterator[FeatureError]:
    said: set[str] = set()
    for refusal in refusals:
        error = refusal.error
        message = error.message if isinstance(error, AftershockError) else str(error)
        if message in said:
            continue
        said.add(message)
        details = error if isinstance(error, AftershockError) else AftershockError(message)
        yield FeatureError(
            f"{at}: {message}, in {str(step)!r}",
            expected=details.expected or refusal.definition.sentence,
            found=details.found,
            hint=details.hint,
        )


def _undefined(at: str, step: Step, definitions: Sequence[Definition]) -> FeatureError:
    usable = [d for d in definitions if d.type in (None, step.type)]
    near = difflib.get_close_matches(step.text, [d.sentence for d in usable], n=3, cutoff=0.5)
    under = [d for d in definitions if d not in usable and _fits_otherwise(step, d)]
    if under:
        return FeatureError(
            f"{at}: {str(step)!r} is a {step.type} here",
            expected=f"{under[0].type}: {under[0].sentence!r} ({under[0].where})",
            hint="And and But take over the keyword before them; begin the step with its own",
        )
    return FeatureError(
        f"{at}: no step definition matches {str(step)!r}",
        expected="; ".join(repr(sentence) for sentence in near)
        or "a sentence of the vocabulary (docs/steps.md)",
        hint="reword it, or define it in a module of aftershock.steps",
    )


def _fits_otherwise(step: Step, definition: Definition) -> bool:
    """Say whether `step` would match `definition` under another keyword."""
    return definition.context.parser.is_matching(step.text)
