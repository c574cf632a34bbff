"""Connection reset: proven by refusals and resets where there were answers."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.faults.connection_reset import ConnectionReset
from aftershock.testing import FakeClock
from tests.unit.faults.network import SERVER, Field, figures, inject, kit, proof


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (figures(answered=0, refused=10), True),
        (figures(answered=0, refused=4, reset=6), True),
        (figures(answered=1, refused=9), False),
        (figures(answered=0, lost=10), False),
    ],
)
def test_proof(clock: FakeClock, found: dict[str, Any], holds: bool) -> None:
    fault = ConnectionReset(kit(Field(), clock), workload="web", for_s=20)
    plan = inject(fault, clock)
    assert proof(fault, plan, {SERVER: found}).holds is holds
