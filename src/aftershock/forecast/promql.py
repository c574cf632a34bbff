"""What a PromQL expression looks at: its series, windows and offsets.

No parser of the language: the few things that bear on time are found in its tokens. Whether
the expression is correct is Prometheus' to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Expression", "Selector", "read_expression", "seconds"]

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    |(?P<number>\.?\d[\w.]*)
    |(?P<word>[a-zA-Z_:][\w:]*)
    |(?P<sign>=~|!~|==|!=|<=|>=|.)""",
    re.VERBOSE,
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_GROUPING = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_KEYWORDS = frozenset({"and", "or", "unless", "bool", "atan2", "inf", "nan", "offset", "start", "end"})
# Functions of a range that give nothing for a single sample.
_DIFFERENCES = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear"})


@dataclass(frozen=True, kw_only=True)
class Selector:
    """Series that an expression reads: the metric, the selector as written, and its window.

    `window_s` is 0 without one. `differs` says that the function around it compares samples,
    so that a series with a single one gives nothing.
    """

    metric: str
    text: str
    window_s: float = 0.0
    differs: bool = False


@dataclass(frozen=True, kw_only=True)
class Expression:
    """What bears on the time at which an expression becomes true.

    `lasts_s`: it compares the age of a timestamp, as in `time() - metric < 120`, and so ends
    by itself that long after it; None if it does not. `offset_s` is the longest offset,
    `subquery_s` the longest range of a subquery.
    """

    selectors: tuple[Selector, ...]
    lasts_s: float | None = None
    offset_s: float = 0.0
    subquery_s: float = 0.0

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics, each once, in the order of their appearance."""
        return tuple(dict.fromkeys(selector.metric for selector in self.selectors))

    @property
    def window_s(self) -> float:
        """The longest time over which samples have a say."""
        return self.subquery_s + max((selector.window_s for selector in self.selectors), default=0.0)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def seconds(text: str) -> float:
    """Return a Prometheus duration ("1h30m", "500ms", "0s") or plain number in seconds.

    Raises:
        ValueError: it is neither.

    """
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return float(text)
    return float(sum(float(number) * _UNITS[unit] for number, unit in parts))


def read_expression(expr: str) -> Expression:
    """Return what `expr` looks at."""
    tokens = [
        _Token(match.lastgroup or "", match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(expr)
        if match.lastgroup != "space"
    ]
    return Expression(
        selectors=tuple(_selectors(tokens, expr)),
        lasts_s=_lasts(tokens),
        offset_s=max(_offsets(tokens), default=0.0),
        subquery_s=max(_subqueries(tokens), default=0.0),
    )


def _selectors(tokens: list[_Token], expr: str) -> Iterator[Selector]:
    calls: list[str] = []  # the words before the parentheses that are open
    at = 0
    while at < len(tokens):
        token = tokens[at]
        following = _text(tokens, at + 1)
        if token.text == "[":
            at = _closing(tokens, at)
        elif token.text in _GROUPING and following == "(":
            at = _closing(tokens, at + 1)
        elif token.text == "(":
            calls.append(_text(tokens, at - 1))
        elif token.text == ")" and calls:
            calls.pop()
        elif _is_metric(token, following):
            end = _end(tokens, at)
            yield _selector(tokens, expr, at=at, end=end, call=calls[-1] if calls else "")
            at = end
        at += 1


def _end(tokens: list[_Token], at: int) -> int:
    """Return the last token of the selector that begins at `at`: its name, or the } of its labels."""
    if tokens[at].text == "{":
        return _closing(tokens, at)
    return _closing(tokens, at + 1) if _text(tokens, at + 1) == "{" else at


def _is_metric(token: _Token, following: str) -> bool:
    if token.text == "{":
        return True  # the name is among the labels
    named = token.kind == "word" and token.text.lower() not in _KEYWORDS | _GROUPING
    return named and following not in {"(", "by", "without"}


def _selector(tokens: list[_Token], expr: str, *, at: int, end: int, call: str) -> Selector:
    name = tokens[at].text if tokens[at].kind == "word" else _name_in_labels(tokens[at : end + 1])
    window = _text(tokens, end + 2) if _text(tokens, end + 1) == "[" else ""
    return Selector(
        metric=name,
        text=expr[tokens[at].start : tokens[end].end],
        window_s=seconds(window) if window else 0.0,
        differs=bool(window) and call in _DIFFERENCES,
    )


def _name_in_labels(tokens: list[_Token]) -> str:
    """Return the metric of {__name__="x"} or {"x"}; empty where only a pattern is given."""
    for number, token in enumerate(tokens):
        equal = [_text(tokens, number + 1), _text(tokens, number + 2)[:1]]
        if token.text == "__name__" and equal[0] == "=" and equal[1] in {'"', "'", "`"}:
            return _text(tokens, number + 2)[1:-1]
        if token.kind == "text" and _text(tokens, number - 1) in {"{", ","}:
            return token.text[1:-1]
    return ""


def _lasts(tokens: list[_Token]) -> float | None:
    """Return N of `time() - metric < N`, with or without parentheses around the difference."""
    words = [token.text for token in tokens]
    for number in range(len(words) - 4):
        if words[number : number + 4] != ["time", "(", ")", "-"] or tokens[number + 4].kind != "word":
            continue
        end = _end(tokens, number + 4)
        while _text(tokens, end + 1) == ")":
            end += 1
        # Followed by a sign it is no plain number: 1e+06, or a calculation.
        plain = _text(tokens, end + 3) in {"", ")", "and", "or", "unless"}
        if plain and _text(tokens, end + 1) in {"<", "<="} and _text(tokens, end + 2)[:1].isdigit():
            return seconds(tokens[end + 2].text)
    return None


def _offsets(tokens: list[_Token]) -> Iterator[float]:
    for number, token in enumerate(tokens):
        if token.text == "offset" and _text(tokens, number + 1)[:1].isdigit():
            yield seconds(tokens[number + 1].text)


def _subqueries(tokens: list[_Token]) -> Iterator[float]:
    for number, token in enumerate(tokens):
        if token.text == "[" and _text(tokens, number + 2).startswith(":"):
            yield seconds(tokens[number + 1].text)


def _text(tokens: list[_Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""


def _closing(tokens: list[_Token], at: int) -> int:
    """Return where the bracket that opens at `at` is closed; the end, where it is not."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    opening, depth = tokens[at].text, 0
    for number in range(at, len(tokens)):
        depth += (tokens[number].text == opening) - (tokens[number].text == pairs[opening])
        if depth == 0:
            return number
    return len(tokens) - 1
