"""Marks: what a fault leaves on the objects it makes or changes, so that anyone can undo it.

The annotation holds the journal's record itself. With the journal lost, the cluster alone
still tells who did what, until when, and how to take it back.
"""

from __future__ import annotations

import msgspec

from aftershock.cluster.api import Json
from aftershock.faults.journal import Record

__all__ = ["CORDON_MARK", "FAULT_LABEL", "RECORD_MARK", "RUN_LABEL", "encode", "labels", "read"]

RUN_LABEL = "aftershock.dev/run"
FAULT_LABEL = "aftershock.dev/fault"
RECORD_MARK = "aftershock.dev/record"
CORDON_MARK = "aftershock.dev/cordoned-by"


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
