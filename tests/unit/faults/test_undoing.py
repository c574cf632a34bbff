"""Taking one fault back while the API server is away, or has just been started."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from aftershock.errors import AftershockError, ApiError, ResidueError, TransientError
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Proof
from aftershock.faults.tools import tools
from aftershock.faults.undoing import UNDO_WITHIN_S, take_back
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi

AWAY = TransientError("the API server does not answer")
FORBIDDEN = ApiError("PATCH /api/v1/nodes/worker: 403 Forbidden", status=403, found="no such user")
UNKNOWN = ApiError("PATCH /api/v1/nodes/worker: 401 Unauthorized", status=401)
GONE = ApiError("PATCH /api/v1/nodes/worker: 422 Unprocessable Entity", status=422)


class Failing:
    """An undo that raises its errors, one each time, and then works; it takes a second."""

    def __init__(self, clock: FakeClock, *errors: AftershockError) -> None:
        self.clock = clock
        self.errors = list(errors)
        self.asked = 0

    def undo(self, record: Record) -> None:
        self.asked += 1
        self.clock.sleep(1)
        if self.errors:
            raise self.errors.pop(0)

    def undone(self, record: Record) -> Proof:
        return Proof(holds=True, source="test")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def taken_back(clock: FakeClock) -> Callable[[Failing], Proof]:
    record = Record(
        run_id="run1",
        fault_id="failing-1",
        fault="failing",
        state="injected",
        target=[],
        undo={},
        expires_at=clock.now() + timedelta(seconds=60),
    )
    return lambda undo: take_back(record, {"failing": undo}, tools=tools(FakeApi(), clock=clock))


@pytest.mark.parametrize("error", [AWAY, FORBIDDEN, UNKNOWN], ids=["away", "forbidden", "unauthorized"])
def test_it_is_asked_again(
    clock: FakeClock, taken_back: Callable[[Failing], Proof], error: AftershockError
) -> None:
    undo = Failing(clock, error, error)
    assert taken_back(undo).holds
    assert undo.asked == 3


def test_until_the_time_is_over(clock: FakeClock, taken_back: Callable[[Failing], Proof]) -> None:
    began = clock.monotonic()
    with pytest.raises(ResidueError, match="403 Forbidden"):
        taken_back(Failing(clock, *[FORBIDDEN] * 100))
    assert UNDO_WITHIN_S <= clock.monotonic() - began <= UNDO_WITHIN_S + 2


def test_another_refusal_is_an_answer(clock: FakeClock, taken_back: Callable[[Failing], Proof]) -> None:
    undo = Failing(clock, GONE)
    with pytest.raises(ResidueError, match="422"):
        taken_back(undo)
    assert undo.asked == 1
