"""Keeps credentials out of reports: whatever text goes into one passes through `redact`.

A last line of defence, for text that we did not write: messages of libraries, captured
logs, a traceback. What we write ourselves never holds a credential in the first place.
"""

from __future__ import annotations

import re

__all__ = ["redact"]

_PATTERNS = (
    # A private key in PEM form, whole, or cut off at the end of the text.
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    # A JSON web token, as service accounts have: header and payload begin with '{"' in base64.
    re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
)
_NAMED = re.compile(
    r"""(?ix)
    (["']? \b (?: client-key-data | client-certificate-data | certificate-authority-data
        | (?: id- | refresh- | bearer[ _-]? | access[_-]? )? token (?: -data )? | password | passwd
        | client[_-]secret ) \b ["']? \s* [:=] \s* ["']? )
    [^\s"',}]{6,}
    """
)
_AUTHORIZATION = re.compile(
    r"(?i)(\bauthorization\b[\"']?\s*[:=]\s*[\"']?(?:bearer|basic)?\s*)[^\s\"',}]{6,}"
)
_HIDDEN = "<redacted>"


def redact(text: str) -> str:
    """Return `text` with everything that looks like a credential replaced."""
    for pattern in _PATTERNS:
        text = pattern.sub(_HIDDEN, text)
    text = _AUTHORIZATION.sub(rf"\1{_HIDDEN}", text)
    return _NAMED.sub(rf"\1{_HIDDEN}", text)
