"""Taking one fault back, with proof. What the finaliser and `recover` share."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aftershock.clock import wait_until
from aftershock.errors import AftershockError, ApiError, DeadlineError, ResidueError, TransientError
from aftershock.faults import marks
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Proof, Undo
from aftershock.faults.tools import Tools

__all__ = ["UNDO_WITHIN_S", "residue", "take_back"]

UNDO_WITHIN_S = 60.0
# What an API server that has just been started says to everybody.
KNOWS_NOBODY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def take_back(
    record: Record, undos: Mapping[str, Undo], *, tools: Tools, within_s: float = UNDO_WITHIN_S
) -> Proof:
    """Undo what `record` says and return the proof that nothing is left. Idempotent.

    The marks go last: as long as they are there, anyone can try again. An API server that
    does not answer, or knows nobody, is asked again until the time is over.

    Raises:
        ResidueError: something is left, or it cannot be told.

    """
    undo = undos.get(record.fault)
    if undo is None:
        raise residue([f"{record.fault_id}: nobody knows how to undo {record.fault!r}"])
    attempt = _Attempt(record, undo, tools)
    try:
        return wait_until(
            attempt.step, within_s=within_s, what=f"{record.fault_id} to be undone", clock=tools.clock
        )
    except DeadlineError as error:
        raise residue([f"{record.fault_id}: {attempt.last or error.found}"]) from error
    except AftershockError as error:
        raise residue([f"{record.fault_id}: {error}"]) from error
    except (LookupError, TypeError, ValueError) as error:
        reason = f"its record does not say what its undo needs ({error!r}): another version's?"
        raise residue([f"{record.fault_id}: {reason}"]) from error


class _Attempt:
    """Asks for the undo until it was heard, then looks for the proof."""

    def __init__(self, record: Record, undo: Undo, tools: Tools) -> None:
        self.record = record
        self.undo = undo
        self.tools = tools
        self.asked = False
        self.last: Proof | None = None

    def step(self) -> Proof | None:
        """Return the proof once nothing is left; the marks are taken off then."""
        try:
            return self._step()
        except ApiError as error:
            if error.status not in KNOWS_NOBODY:
                raise
            raise TransientError(error.message, found=error.found) from error

    def _step(self) -> Proof | None:
        if not self.asked:
            self.undo.undo(self.record)
            self.asked = True
        self.last = self.undo.undone(self.record)
        if not self.last.holds:
            return None
        for subject in self.record.target:
            marks.take(self.tools.api, subject, self.record.fault_id)
        return self.last


def residue(left: list[str]) -> ResidueError:
    """Make the error that lists what is left."""
    return ResidueError(
        f"{len(left)} of our faults left something behind",
        expected="nothing left",
        found="\n    ".join(left),
        hint="run `aftershock recover`",
    )
