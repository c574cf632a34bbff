"""Keeping in S3-compatible storage, by the client library of the extra `aftershock[s3]`.

The server checks each body against its digest (over http the signed SHA-256, over https the MD5),
and what arrived is read back and hashed: not every such server can say a SHA-256 of its own.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import urllib3

from aftershock.errors import EnvironmentUnusableError, KeepError
from aftershock.keep.files import MANIFEST, File
from aftershock.keep.place import CREDENTIALS, Bucket

if TYPE_CHECKING:
    from minio import Minio
    from minio.credentials.providers import Provider

__all__ = ["BucketStore", "needed"]

CONNECT_S, ANSWER_S = 5.0, 60.0
TRIES = 3
AT_ONCE = 4
CHUNK = 1 << 20
AWS = "s3.amazonaws.com"
# What says that this machine has a role: asked for only then, for elsewhere nobody answers.
_ROLES = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
          "AWS_WEB_IDENTITY_TOKEN_FILE")  # fmt: skip
_HINTS = {
    403: f"check the credentials and what the bucket's policy allows them (put, get, list); {CREDENTIALS}",
    404: "make the bucket, or name another in keep_to",
    507: "free some room in the storage",
}


def needed() -> None:
    """Do nothing if the client library is there.

    Raises:
        EnvironmentUnusableError: it is not.

    """
    try:
        import minio  # noqa: F401, PLC0415 - an extra: only who keeps runs there has it
    except ImportError as error:
        raise EnvironmentUnusableError(
            "keep_to names S3-compatible storage, whose client library is not there",
            expected="the extra s3",
            hint="pip install 'aftershock[s3]'",
        ) from error


class BucketStore:
    """One run's objects in a bucket. An object gets there whole or not at all; so S3 defines it."""

    at_once = AT_ONCE

    def __init__(self, place: Bucket, run: str) -> None:
        needed()
        self.place = place
        self.prefix = "/".join(part for part in (place.prefix, run) if part)
        self.shown = f"s3://{place.name}/{self.prefix}"
        self._there: set[str] = set()

    @cached_property
    def client(self) -> Minio:
        """The client, with the credentials of the environment."""
        from minio import Minio  # noqa: PLC0415 - as above

        place = self.place
        region = place.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
        return Minio(
            place.host or AWS,
            secure=place.secure,
            # Without a region the client would ask for the bucket's first, which policies often forbid.
            region=region or ("us-east-1" if place.host else None),
            credentials=_credentials(aws=not place.host),
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=CONNECT_S, read=ANSWER_S),
                maxsize=AT_ONCE,
                ca_certs=os.environ.get("SSL_CERT_FILE") or _authorities(),
                retries=urllib3.Retry(total=TRIES, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
            ),
        )

    def begin(self, missing: int) -> None:  # noqa: ARG002 - a bucket does not say what room it has
        """Look what is there.

        Raises:
            KeepError: the storage does not answer, or refuses.

        """
        with self._explained(f"the runs in {self.shown}", "be listed"):
            found = self.client.list_objects(self.place.name, prefix=f"{self.prefix}/", recursive=True)
            self._there = {str(item.object_name) for item in found}

    def read(self, path: str) -> bytes | None:
        """Return the content of a small object that is there."""
        if self._key(path) not in self._there:
            return None
        with self._explained(path):
            return b"".join(self._stream(path))

    def digest(self, file: File) -> str | None:
        """Return the SHA-256 of what is there under the file's path, read back."""
        if self._key(file.path) not in self._there:
            return None
        total = hashlib.sha256()
        with self._explained(file.path):
            for chunk in self._stream(file.path):
                total.update(chunk)
        return total.hexdigest()

    def put(self, file: File, source: Path) -> None:
        """Send a file."""
        self._send(file.path, source, size=file.size)

    def finish(self, manifest: Path) -> None:
        """Send the manifest, the last of all."""
        self._send(MANIFEST, manifest, size=manifest.stat().st_size)

    def _send(self, path: str, source: Path, *, size: int) -> None:
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        with self._explained(path), source.open("rb") as stream:
            self.client.put_object(self.place.name, self._key(path), stream, size, content_type=kind)
        self._there.add(self._key(path))

    def _stream(self, path: str) -> Iterator[bytes]:
        answer = self.client.get_object(self.place.name, self._key(path))
        try:
            yield from answer.stream(CHUNK)
        finally:
            answer.close()
            answer.release_conn()

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}"

    @contextmanager
    def _explained(self, what: str, act: str = "be kept") -> Iterator[None]:
        """Turn what the storage says into what to do, by its codes: its texts may repeat who asked.

        Raises:
            KeepError: with it.

        """
        from minio.error import InvalidResponseError, S3Error, ServerError  # noqa: PLC0415 - as above

        failed = partial(
            _failed, f"{what} cannot {act} at {self.place.host or AWS}, bucket {self.place.name}"
        )
        try:
            yield
        except S3Error as error:
            status = error.response.status
            hint = _HINTS.get(status, "see what the storage's own log says, then keep the run again")
            raise failed(f"{status} {error.code}", hint) from None
        except ServerError as error:
            raise failed(f"{error.status_code}", "keep the run again when the storage is well") from None
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            hint = "see that it runs and can be reached, then keep the run again"
            raise failed(f"no answer: {type(reason).__name__}", hint) from None
        except (InvalidResponseError, ParseError, ValueError) as error:
            if "fail to fetch credentials" in str(error):
                raise failed("no credentials", CREDENTIALS) from None
            raise failed("an answer that is not S3's", "check the endpoint in keep_to") from None
        except OSError as error:
            raise failed(error.strerror or str(error), "") from error


def _credentials(*, aws: bool) -> Provider:
    from minio.credentials.providers import (  # noqa: PLC0415 - as above
        AWSConfigProvider,
        ChainedProvider,
        EnvAWSProvider,
        IamAwsProvider,
    )

    chain: list[Provider] = [EnvAWSProvider(), AWSConfigProvider()]
    if aws or any(name in os.environ for name in _ROLES):
        chain.append(IamAwsProvider())
    return ChainedProvider(chain)


def _authorities() -> str:
    import certifi  # noqa: PLC0415 - comes with the client library

    return certifi.where()


def _failed(message: str, found: str, hint: str) -> KeepError:
    return KeepError(message, found=found, hint=hint)
