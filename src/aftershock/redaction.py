"""Keeps credentials out of whatever is written: all text on its way there passes through here.

Two ways. What is *known* (the value of a `Secret`, a kubeconfig's credentials, variables of the
environment that are named like a credential, the userinfo of a URL in the settings) is replaced
wherever it stands, also in base64, percent-encoded, or escaped as JSON, XML and Python do it.
What only *looks* like a credential (a private key, a JSON web token, `password: …`) is replaced
in text that we did not write: messages of libraries, captured logs, a traceback.

Replacing what is known is plain replacing of strings, so it breaks no format; patterns are for
plain text, and by `redact_data` for the strings of a structure.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

__all__ = [
    "HIDDEN",
    "SHORTEST",
    "Known",
    "clean",
    "hide",
    "is_known",
    "know",
    "know_environment",
    "know_header",
    "know_urls",
    "named_like_a_secret",
    "redact",
    "redact_data",
]

HIDDEN = "<redacted>"
SHORTEST = 6
"""Characters. What is shorter stands by chance in too much to be replaced everywhere."""

_SHORTEST_FOUND = 8  # of what is found by its name alone: shorter values are words like "enabled"
_SHORTEST_LINE = 10
_SHORTEST_BASE64 = 7  # 42 bits do not stand in a text by chance

_NAMES = r"""client-key-data | client-certificate-data | certificate-authority-data
        | (?: id- | refresh- | bearer[ _-]? | access[_-]? )? token (?: -data )? | password | passwd
        | client[_-]secret"""
_KEY = re.compile(rf"(?ix) (?: {_NAMES} )")
# What looks like a credential, after words of which one stands in every such text in lower case:
# looking for words takes a tenth of the time.
_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (  # A private key in PEM form, whole, or cut off at the end of the text; the same in base64.
        ("private key-----",),
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        HIDDEN,
    ),
    (("ls0tls1crudjti",), re.compile(r"\bLS0tLS1CRUdJTi[A-Za-z0-9+/]{16,}={0,2}"), HIDDEN),
    (  # A JSON web token, as service accounts have: header and payload begin with '{"' in base64.
        ("eyj",),
        re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
        HIDDEN,
    ),
    (("://",), re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^\s/?#@\"'<>]+@"), rf"\1{HIDDEN}@"),
    (
        ("authorization",),
        re.compile(r"(?i)(\bauthorization\b[\"']?\s*[:=]\s*[\"']?(?:bearer|basic)?\s*)[^\s\"',}]{6,}"),
        rf"\1{HIDDEN}",
    ),
    (
        ("bearer", "basic"),
        re.compile(r"(?i)(\b(?:bearer|basic)\s+)(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}"),
        rf"\1{HIDDEN}",
    ),
    (
        ("-data", "token", "passw", "secret"),
        re.compile(
            rf"""(?ix)
            (["']? \b (?: {_NAMES} ) \b ["']? \s* [:=] \s* ["']? )
            [^\s"',}}]{{6,}}
            """
        ),
        rf"\1{HIDDEN}",
    ),
)

# What `recover` reads: no record with a secret is ever written there (aftershock.clean).
_NEVER_CHANGED = {"journal.jsonl"}
_PLAIN = {".log", ".txt"}

_SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:token|secret|password|passwd|passphrase|credentials?|apikey|(?:api|access|private|secret)_?key)s?$"
)


# How a text is written inside of another: a URL, JSON, Python, XML, HTML. Plain words stay as they are.
_WRITERS: tuple[Callable[[str], str], ...] = (
    lambda text: quote(text, safe=""),
    quote,
    quote_plus,
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    escape,
    lambda text: escape(text, {'"': "&quot;"}),
    lambda text: escape(text, {'"': "&quot;", "'": "&#x27;"}),
    lambda text: escape(text, {'"': "&quot;", "'": "&#39;"}),
)


class Known:
    """The secrets that are known, and the forms in which they may stand in a text."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._forms: tuple[tuple[str, str], ...] = ()

    def add(self, value: str, *, encoded: bool = True) -> None:
        """Have `value` replaced from now on; with `encoded` also what it becomes in other encodings.

        Of a value of several lines each line that is long enough counts by itself. What is shorter
        than SHORTEST is not taken: see there.
        """
        value = value.strip()
        if len(value) < SHORTEST or value in self._values:
            return
        self._values.add(value)
        lines = [line.strip() for line in value.splitlines()]
        parts = [line for line in lines if len(line) >= _SHORTEST_LINE] if len(lines) > 1 else []
        found = {*(form for _, form in self._forms), value, *parts}
        if encoded:
            found |= {form for form in _encoded(value) if len(form) >= SHORTEST}
        # The longest first: what is left of one that holds another would still tell.
        longest_first = sorted(found, key=lambda form: (-len(form), form))
        self._forms = tuple((_piece(form), form) for form in longest_first)

    def holds(self, text: str) -> bool:
        """Say whether one of them stands in `text`."""
        return any(piece in text and form in text for piece, form in self._forms)

    def hide(self, text: str) -> str:
        """Return `text` without them."""
        for piece, form in self._forms:
            if piece in text and form in text:
                text = text.replace(form, HIDDEN)
        return text

    def hide_bytes(self, content: bytes) -> bytes:
        """Return `content`, in UTF-8 or in no encoding at all, without them."""
        for _, form in self._forms:
            content = content.replace(form.encode(), HIDDEN.encode())
        return content


_KNOWN = Known()


def know(value: str, *, encoded: bool = True) -> None:
    """Have `value` replaced in everything that is written from now on, by this process."""
    _KNOWN.add(value, encoded=encoded)


def know_header(value: str) -> None:
    """Know the credentials of an Authorization header."""
    scheme, _, credentials = value.partition(" ")
    know(credentials or scheme)
    if scheme.lower() == "basic":
        try:
            know(base64.b64decode(credentials, validate=True).decode().partition(":")[2])
        except ValueError:
            return  # it holds no password in the form that the header has


def know_environment(environ: Mapping[str, str]) -> None:
    """Know what stands in variables that are named like a credential, and in the userinfo of URLs."""
    for name, value in environ.items():
        if named_like_a_secret(name) and len(value.strip()) >= _SHORTEST_FOUND:
            know(value)
    know_urls(list(environ.values()))


def know_urls(data: Any) -> None:
    """Know the passwords (else the names) in the userinfo of every text of plain data that is a URL."""
    for text in _texts(data):
        if "://" not in text or "@" not in text:
            continue
        try:
            parts = urlsplit(text.strip())
        except ValueError:
            continue  # it is no URL
        if secret := parts.password or parts.username:
            know(secret)
            know(unquote(secret))


def named_like_a_secret(name: str) -> bool:
    """Say whether a variable of that name holds a credential, as far as its name tells."""
    return bool(_SECRET_NAME.search(name))


def is_known(text: str) -> bool:
    """Say whether a secret that is known stands in `text`."""
    return _KNOWN.holds(text)


def hide(text: str) -> str:
    """Return `text`, of whatever format, without the secrets that are known."""
    return _KNOWN.hide(text)


def redact(text: str) -> str:
    """Return plain `text` without what is known to be secret, and without what looks like it."""
    text = hide(text)
    lower = text.lower()
    for words, pattern, instead in _PATTERNS:
        if any(word in lower for word in words):
            text = pattern.sub(instead, text)
    return text


def clean(*paths: Path) -> list[Path]:
    """Redact files, and all files in folders; return those that changed.

    For files that another program wrote. What is known is taken out of all of them, what looks
    like a credential out of those of plain text. A file is replaced as a whole, never half written.
    """
    files = {file for path in paths for file in (path.rglob("*") if path.is_dir() else (path,))}
    changed = []
    for file in sorted(files):
        if not file.is_file() or file.is_symlink() or file.name in _NEVER_CHANGED:
            continue
        content = file.read_bytes()
        fresh = _KNOWN.hide_bytes(content)
        if file.suffix in _PLAIN:
            fresh = redact(fresh.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        if fresh != content:
            new = file.with_name(f"{file.name}.clean")
            new.write_bytes(fresh)
            new.replace(file)
            changed.append(file)
    return changed


def redact_data(value: Any) -> Any:
    """Return plain data (as of JSON) with every string of it redacted, and what a telling key holds."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): _redacted(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_data(item) for item in value]
    return value


def _redacted(key: str, value: Any) -> Any:
    telling = _KEY.fullmatch(key) or key.lower() == "authorization"
    return HIDDEN if telling and isinstance(value, str) and value else redact_data(value)


def _piece(form: str) -> str:
    """Return some of the middle of `form`: to look for eight characters first takes a third of the time."""
    middle = len(form) // 2
    return form[max(0, middle - 4) : middle + 4]


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        yield from _texts(list(data.values()))
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _texts(item)


def _encoded(value: str) -> set[str]:
    """Return what `value` becomes where it is written in another way, or so in a text that is: twice."""
    once = {write(value) for write in _WRITERS}
    twice = {write(text) for text in once for write in _WRITERS}
    in_bytes = {form for text in (value, *once) for form in _in_base64(text.encode())}
    return once | twice | in_bytes | {value.encode().hex()}


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield `raw` in base64, and what does not change of it where other bytes stand around it.

    As in that of "name:password". Three bytes make four characters, so there are three cases.
    """
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode()
        for before in range(3):
            whole = encode(b"\0" * before + raw).decode().rstrip("=")
            first = -(-before * 8 // 6)
            last = (before + len(raw)) * 8 // 6
            part = whole[first:last]
            if len(part) >= _SHORTEST_BASE64:
                yield part
