"""Lines of a watch: changes, bookmarks with nulls in them, and refusals."""

from __future__ import annotations

import msgspec
import pytest

from aftershock.errors import ApiError, TransientError
from aftershock.observe.kube_types import Pod
from aftershock.observe.lines import Lines
from tests.unit.observe.kube import bookmark, line, pod, refused


def test_change() -> None:
    found = Lines(Pod).decode(line("MODIFIED", pod("a", version=11)))
    assert (found.type, found.object.metadata.resourceVersion) == ("MODIFIED", "11")
    assert found.object.status.phase == "Running"


def test_bookmark_has_nulls_where_an_object_has_lists() -> None:
    found = Lines(Pod).decode(bookmark(40))
    assert (found.type, found.object.metadata.resourceVersion) == ("BOOKMARK", "40")


def test_change_with_such_a_null_is_none() -> None:
    broken = {**pod("a"), "spec": {"containers": None}}
    with pytest.raises(msgspec.ValidationError):
        Lines(Pod).decode(line("MODIFIED", broken))


@pytest.mark.parametrize(("code", "error"), [(410, ApiError), (403, ApiError), (429, TransientError),
                                             (500, TransientError), (504, TransientError)])  # fmt: skip
def test_refusal(code: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{code} Expired: says {code}"):
        Lines(Pod).decode(refused(code))
