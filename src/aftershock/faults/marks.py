"""Marks: what a fault leaves on the objects that it makes or changes, so that anyone can undo it.

The annotation holds the journal's record itself. With the journal lost, the cluster alone
still tells who did what, until when, and how to take it back. A label beside it lets the
API find what is marked.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.targets import Target, collection
from aftershock.errors import ApiError, NotFoundError, TransientError
from aftershock.faults.journal import Record

__all__ = [
    "CORDON_MARK",
    "FAULT_LABEL",
    "MARKED",
    "RECORD_MARK",
    "RUN_LABEL",
    "bears",
    "encode",
    "labels",
    "put",
    "read",
    "records",
    "take",
]

RUN_LABEL = "aftershock.dev/run"
FAULT_LABEL = "aftershock.dev/fault"
RECORD_MARK = "aftershock.dev/record"
CORDON_MARK = "aftershock.dev/cordoned-by"
MARKED = "aftershock.dev/marked"
MARK = "fault.aftershock.dev/"
"""Before the fault's id: the annotation of one fault on what it touches. There may be several."""

KINDS = (
    "pod",
    "node",
    "deployment",
    "statefulset",
    "daemonset",
    "poddisruptionbudget",
    "horizontalpodautoscaler",
    "verticalpodautoscaler",
)
"""What may be touched, and where marks are looked for."""


def labels(record: Record) -> dict[str, str]:
    """Return the labels of an object made for a fault."""
    return {
        "app.kubernetes.io/managed-by": "aftershock",
        RUN_LABEL: record.run_id,
        FAULT_LABEL: record.fault_id,
    }


def encode(record: Record) -> str:
    """Return the value of a mark."""
    return msgspec.json.encode(record).decode()


def read(found: Json, mark: str) -> Record | None:
    """Return the record in an object's `mark`; None where there is none, or it is not ours."""
    text = (found["metadata"].get("annotations") or {}).get(mark)
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Record)
    except msgspec.DecodeError:
        return None


def put(api: KubeApi, target: Target, record: Record) -> None:
    """Mark `target` as touched by the fault of `record`.

    Raises:
        ApiError: it is gone, or may not be changed.

    """
    meta = {"annotations": {MARK + record.fault_id: encode(record)}, "labels": {MARKED: "true"}}
    api.patch(target.path, {"metadata": {"uid": target.uid, **meta}})


def bears(api: KubeApi, subject: str, fault_id: str) -> bool:
    """Whether what is called `subject` (kind/namespace/name) bears a fault's mark."""
    found = api.find(Target.path_of(subject))
    return found is not None and MARK + fault_id in _marks(found)


def take(api: KubeApi, subject: str, fault_id: str) -> None:
    """Remove a fault's mark from what is called `subject` (kind/namespace/name). Idempotent.

    Raises:
        TransientError: it changed meanwhile; ask again.

    """
    path = Target.path_of(subject)
    found = api.find(path)
    own = _marks(found) if found else {}
    if found is None or MARK + fault_id not in own:
        return
    meta: dict[str, Any] = {
        "resourceVersion": found["metadata"]["resourceVersion"],
        "annotations": {MARK + fault_id: None},
    }
    if len(own) == 1:
        meta["labels"] = {MARKED: None}
    try:
        api.patch(path, {"metadata": meta})
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return
        if error.status != HTTPStatus.CONFLICT:
            raise
        raise TransientError(f"{subject} changed meanwhile", found=error.found) from error


def records(api: KubeApi) -> Iterator[Record]:
    """Yield what the marks in the cluster tell, each fault once."""
    found = [record for kind in KINDS for item in _marked(api, kind) for record in _records_on(item)]
    cordoned = (read(node, CORDON_MARK) for node in api.items(collection("node")))
    carriers = (read(job, RECORD_MARK) for job in api.items("/apis/batch/v1/jobs", labelSelector=FAULT_LABEL))
    found += [record for record in (*cordoned, *carriers) if record is not None]
    yield from {record.fault_id: record for record in found}.values()


def _marked(api: KubeApi, kind: str) -> list[Json]:
    try:
        return api.items(collection(kind), labelSelector=MARKED)
    except NotFoundError:  # a kind that the cluster does not know: the autoscaler of an addon
        return []


def _records_on(found: Json) -> Iterator[Record]:
    for mark in _marks(found):
        record = read(found, mark)
        if record is not None:
            yield record


def _marks(found: Json) -> dict[str, str]:
    annotations = found["metadata"].get("annotations") or {}
    return {name: text for name, text in annotations.items() if name.startswith(MARK)}
