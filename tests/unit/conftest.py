"""What every unit test has in common."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep small runs that tests make out of the summary of the CI job that these tests run in."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
