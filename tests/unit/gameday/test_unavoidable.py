"""How long a scenario has to take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aftershock.forecast.beat import Bounds
from aftershock.forecast.objectives import AlertFires, AlertResolves, Expectation, Recovers
from aftershock.gameday.unavoidable import unavoidable
from aftershock.scene.acts import Breaks, Ends, Loads, Looks
from aftershock.scene.alert_names import Silent
from tests.unit.scene.test_outlook import meaning

BREAKS = Breaks(fault=lambda ground: None, by="restart")  # type: ignore[arg-type,return-value]
RECOVERS = Recovers(workload="web", within_s=30)
FIRES = AlertFires(alert="A", within_s=60)
RESOLVES = AlertResolves(alert="A", within_s=200)


def foreseen(*ranges: tuple[float, float | None]) -> list[Expectation]:
    return [
        Expectation(what="it", bounds=Bounds(earliest_s=low, latest_s=high), because="its interval")
        for low, high in ranges
    ]


def seconds(*whats: Any, ranges: Any = (), lasting: Any = (0.0,)) -> list[float]:
    steps = [meaning(what, line) for line, what in enumerate(whats, start=1)]
    return [part.seconds for part in unavoidable(steps, foreseen(*ranges), lasting)]


@pytest.mark.parametrize(
    ("whats", "ranges", "lasting", "expected"),
    [
        ((Looks(namespace="demo"), BREAKS), (), (0.0,), []),
        # Probes, half a scrape that shows it, another that it lasts. Silence is looked up and not waited for.
        ((BREAKS, RECOVERS, Silent()), [(1.0, 3.0)], (0.0,), [2.0 + 2.5 + 5.0]),
        # Nothing is waited for twice: the alert fires while the pod recovers.
        ((BREAKS, RECOVERS, FIRES), [(0.0, 0.0), (4.0, 4.0)], (0.0,), [7.5]),
        ((BREAKS, RECOVERS, FIRES), [(0.0, 0.0), (20.0, 40.0)], (0.0,), [7.5, 22.5]),
        # An alert's end counts from its firing.
        ((BREAKS, FIRES, RESOLVES), [(10.0, 20.0), (100.0, None)], (0.0,), [15.0, 100.0]),
        ((BREAKS, Ends(waits=True), RECOVERS), [(1.0, 1.0)], (60.0,), [60.0, 8.5]),
        ((BREAKS, Ends(), RECOVERS), [(1.0, 1.0)], (60.0,), [8.5]),
        ((Loads(locustfile=Path("web.py"), demand=None, duration_s=30.0), BREAKS), (), (0.0,), [30.0]),  # type: ignore[arg-type]
    ],
)
def test_parts(whats: Any, ranges: Any, lasting: Any, expected: list[float]) -> None:
    assert seconds(*whats, ranges=ranges, lasting=lasting) == expected


def test_a_load_that_was_cut_short_was_not_waited_for() -> None:
    load = Loads(locustfile=Path("web.py"), demand=None, duration_s=30.0)  # type: ignore[arg-type]
    assert list(unavoidable([meaning(load, 1)], [], (), cut=True)) == []


def test_a_part_says_why() -> None:
    (part,) = unavoidable([meaning(BREAKS, 1), meaning(FIRES, 2)], foreseen((30.0, 30.0)), (0.0,))
    assert str(part).strip().startswith("30.0 s")
    assert str(part).endswith("(its interval)")
