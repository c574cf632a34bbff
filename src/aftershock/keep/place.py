"""Where runs are kept: a directory, or a bucket, from the words of a setting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from aftershock.errors import ConfigError

__all__ = ["CREDENTIALS", "Bucket", "Folder", "Place", "read_place"]

EXPECTED = "a directory, file:///DIRECTORY or s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=NAME"
CREDENTIALS = (
    "give them to the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE with "
    "~/.aws/credentials"
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A directory, which must be there: one that is made may be on the disk below a missing mount."""

    path: Path

    def __str__(self) -> str:
        """Return the path."""
        return str(self.path)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket of S3-compatible storage. Without `endpoint` it is AWS'; `host` is without a scheme."""

    name: str
    prefix: str = ""
    host: str = ""
    secure: bool = True
    region: str = ""

    def __str__(self) -> str:
        """Return the URL without its query."""
        return f"s3://{'/'.join(part for part in (self.name, self.prefix) if part)}"


Place = Folder | Bucket


def read_place(text: str, *, root: Path) -> Place:
    """Return the place that `text` names; a relative directory is one of `root`'s.

    Raises:
        ConfigError: it names none, or holds credentials. These are not repeated.

    """
    try:
        parts = urlsplit(text)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError as error:
        raise _wrong("it is malformed") from error
    if "@" in parts.netloc or "@" in parts.query or "%40" in parts.query.lower():
        raise ConfigError(
            "keep_to holds credentials", expected=EXPECTED, found="an @ in it; the rest is not shown",
            hint=CREDENTIALS,
        )  # fmt: skip
    if not text.strip() or not port_is_fine:
        raise _wrong(f"{text!r}")
    if parts.scheme == "s3":
        return _bucket(parts)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and not parts.query:
        return Folder(path=root / unquote(parts.path))
    if _SCHEME.match(text):
        raise _wrong(f"{parts.scheme}: …")
    return Folder(path=root / Path(text).expanduser())


def _bucket(parts: SplitResult) -> Bucket:
    prefix = unquote(parts.path).strip("/")
    if not _BUCKET.fullmatch(parts.netloc):
        raise _wrong(f"the bucket {parts.netloc!r}")
    if {"", ".", ".."} & set(prefix.split("/")) and prefix:
        raise _wrong(f"the prefix {prefix!r}")
    query = parse_qsl(parts.query, keep_blank_values=True)
    given = dict(query)
    if given.keys() - {"endpoint", "region"} or len(given) < len(query) or "" in given.values():
        raise _wrong(f"after the question mark: {', '.join(name for name, _ in query)}")
    if "endpoint" not in given:
        return Bucket(name=parts.netloc, prefix=prefix, region=given.get("region", ""))
    endpoint = urlsplit(given["endpoint"])
    plain = not (endpoint.path.strip("/") or endpoint.query or endpoint.fragment)
    if endpoint.scheme not in {"http", "https"} or not endpoint.hostname or not plain:
        raise _wrong(f"the endpoint {given['endpoint']!r}")
    return Bucket(
        name=parts.netloc, prefix=prefix, host=endpoint.netloc, secure=endpoint.scheme == "https",
        region=given.get("region", ""),
    )  # fmt: skip


def _wrong(found: str) -> ConfigError:
    return ConfigError("keep_to names no place to keep runs in", expected=EXPECTED, found=found)
