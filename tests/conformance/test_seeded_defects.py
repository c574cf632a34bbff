"""Ways in which a system or a report can be wrong, each with its verdict stated beforehand.

Each has its own healthy twin, which differs in one value alone and is met: a judge that
finds fault with everything would not pass.
"""

from __future__ import annotations

import pytest

from tests.conformance.seeded import alerts, maintenance, recovery, scaling
from tests.conformance.seeded.case import Defect

DEFECTS = [*recovery.DEFECTS, *alerts.DEFECTS, *maintenance.DEFECTS, *scaling.DEFECTS]
each = pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])


@each
def test_defect_gets_its_verdict_and_its_reason(defect: Defect) -> None:
    verdict = defect.judge(defect.story(defect.wrong).timeline)
    assert verdict.status == defect.verdict, "\n".join(verdict.lines())
    assert defect.says in verdict.reason


@each
def test_its_healthy_twin_is_met(defect: Defect) -> None:
    verdict = defect.judge(defect.story(defect.healthy).timeline)
    assert verdict.status == "met", "\n".join(verdict.lines())


def test_there_are_enough_of_them_and_no_two_are_the_same() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 40
