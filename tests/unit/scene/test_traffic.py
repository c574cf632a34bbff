"""What a scenario's traffic writes down: the error budgets of the services that were asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.errors import ConfigError
from aftershock.scene import traffic
from aftershock.scene.stage import Stage
from aftershock.scene.traffic import Traffic
from tests.conformance.generator import Story


def asked(stage: Stage, url: str) -> Stage:
    """The stage, with the record of a client that asked `url` for a minute, 10 s of it in vain."""
    story = Story().probes(0.0, 60.0, url=url, down=[(20.0, 30.0)]).end(60.0)
    for event in story.timeline:
        stage.timeline.append(event)
    return stage


def test_the_budget_of_a_service_that_was_asked_is_written(stage: Stage, tmp_path: Path) -> None:
    Traffic(asked(stage, "http://127.0.0.1:30080/")).write_budgets()
    text = (tmp_path / "budget.txt").read_text()
    assert "down for 10 s of 60 s" in text
    assert text.startswith("nginx-web: 99.9 %")


def test_of_services_that_nobody_asked_there_is_no_page(stage: Stage, tmp_path: Path) -> None:
    Traffic(asked(stage, "http://127.0.0.1:1/")).write_budgets()
    assert not (tmp_path / "budget.txt").exists()


def test_objectives_that_cannot_be_read_are_said_in_its_place(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*, root: Path) -> None:
        raise ConfigError(f"a file below {root} is no YAML")

    monkeypatch.setattr(traffic, "availabilities", broken)
    Traffic(asked(stage, "http://127.0.0.1:30080/")).write_budgets()
    assert "is no YAML" in (tmp_path / "budget.txt").read_text()
