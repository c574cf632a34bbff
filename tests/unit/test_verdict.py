"""Verdicts: data, what a person reads, and what enforcing one does."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest

from aftershock.errors import InconclusiveError
from aftershock.verdict import Verdict, enforce, met, unknown, violated

FULL = violated(
    "recovery of reviews",
    expected="30 s or less",
    observed=41.5,
    unit="s",
    resolution_s=0.25,
    evidence=("degraded at 12:00:00", "whole at 12:00:41"),
    query="watch of deployments",
    reason="it took longer",
    profile="ci",
)


def test_there_and_back_through_json() -> None:
    assert Verdict.from_dict(json.loads(json.dumps(FULL.to_dict()))) == FULL


def test_an_entry_has_the_contracts_names() -> None:
    assert {"name", "status", "expected", "observed", "unit", "resolution_s", "evidence", "query"} <= set(
        FULL.to_dict()
    )


def test_lines_say_everything() -> None:
    assert FULL.lines() == [
        "recovery of reviews: violated",
        "  expected  30 s or less",
        "  observed  41.5 s",
        "  known     ± 0.25 s",
        "  because   it took longer",
        "  evidence  degraded at 12:00:00",
        "  evidence  whole at 12:00:41",
        "  query     watch of deployments",
        "  profile   ci",
    ]


def test_lines_leave_out_what_is_not_there() -> None:
    assert met("silence", expected="no alert", observed=None).lines() == [
        "silence: met", "  expected  no alert", "  observed  nothing", "  known     exactly",
    ]  # fmt: skip


def test_zero_is_observed() -> None:
    assert "  observed  0 s" in met("x", expected="y", observed=0, unit="s").lines()


def test_met_passes_in_silence() -> None:
    enforce(met("x", expected="y", observed=1))


def test_violated_is_an_assertion_with_everything_known() -> None:
    with pytest.raises(AssertionError) as caught:
        enforce(FULL)
    assert str(caught.value) == "\n".join(FULL.lines())


def test_unknown_is_inconclusive_and_no_assertion() -> None:
    with pytest.raises(InconclusiveError) as caught:
        enforce(unknown("x", expected="y", reason="no sample in the window"))
    assert not isinstance(caught.value, AssertionError)
    assert "no sample in the window" in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_verdict_cannot_be_changed_afterwards() -> None:
    with pytest.raises(FrozenInstanceError):
        FULL.status = "met"  # type: ignore[misc]  # that it does not work is the point
