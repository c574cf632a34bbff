"""The file of a game day: what it says, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.collect.gherkin import read_feature
from aftershock.config import project_root
from aftershock.errors import AftershockError, UsageError
from aftershock.gameday.file import read_gameday

ROOT = project_root(Path(__file__).parent)

FEATURE = """\
Feature: Pods
  Scenario: One
    Given a steady service
  @slow
  Scenario Outline: Two of <kind>
    Given a steady service
    Examples:
      | kind |
      | a    |
      | b    |
"""
HEAD = "name: day\nowners: [sre]\n"
ONE = "scenarios:\n  - feature: features/pods.feature\n    hypothesis: they come back\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "pods.feature").write_text(FEATURE)
    (tmp_path / "features" / "nodes.feature").write_text(
        "Feature: Nodes\n  @node\n  Scenario: Lost\n    Given it\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(project: Path, text: str):  # type: ignore[no-untyped-def]
    path = project / "day.yaml"
    path.write_text(text)
    return read_gameday(path, root=project)


def test_what_it_says(project: Path) -> None:
    found = read(
        project,
        HEAD
        + "profile: nightly\nside_by_side: true\nwithout: [node]\nindependent: [demo]\n"
        + "stop:\n  first_violated: true\n  slo_burning: {alert: ErrorBudgetBurn, lasts: 2 minutes}\n"
        + ONE
        + "    scenario: Two of <kind>\n    repetitions: 3\n",
    )
    assert (found.day.profile, found.day.lanes, found.day.stop.first_violated) == ("nightly", 2, True)
    assert found.day.stop.slo_burning is not None
    assert found.day.stop.slo_burning.query == 'ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"}'
    assert [(c.file, c.template, c.entry.repetitions) for c in found.chosen] == [
        ("features/pods.feature", "Two of <kind>", 3)
    ]
    assert found.find("features/pods.feature", "One") is None


def test_a_folder_is_all_its_features_less_what_is_left_out(project: Path) -> None:
    text = HEAD + "without: [slow]\nscenarios:\n  - {feature: features, hypothesis: all is well}\n"
    found = read(project, text)
    assert [c.template for c in found.chosen] == ["Lost", "One"]
    assert found.features == ["features/nodes.feature", "features/pods.feature"]
    assert found.day.lanes == 1


@pytest.mark.parametrize(
    ("text", "error", "detail"),
    [
        ("name: day\n" + ONE, "day.yaml:1: no game day that runs here", "owners"),
        (HEAD, "day.yaml:1: no game day that runs here", "scenarios"),
        (HEAD + "scenarios: []\n", "day.yaml:3: no game day that runs here", "length >= 1"),
        (HEAD + ONE + "    repetitions: 0\n", "day.yaml:6: no game day that runs here", ">= 1"),
        (
            HEAD + ONE + "    repeat: 2\n",
            "day.yaml:6: no game day that runs here",
            "'repeat' is not",
        ),
        (HEAD + "profile: fast\n" + ONE, "day.yaml:3: no game day that runs here", "'fast'"),
        (HEAD + "side_by_side: 0\n" + ONE, "day.yaml:3: no game day that runs here", ">= 1"),
        (HEAD + "seed: 4\n" + ONE, "day.yaml:3: a seed without a drawn order", "order: random"),
        (HEAD + "stop: {max_duration: soon}\n" + ONE, "day.yaml:3: 'soon' is no duration", "2 minutes"),
        (
            HEAD + "stop:\n  slo_burning: {lasts: 2m}\n" + ONE,
            "day.yaml:4: what tells that an SLO burns?",
            "either `alert`",
        ),
        (HEAD + "without: [slw]\n" + ONE, "day.yaml:3: no scenario has the tag 'slw'", "slow"),
        (
            HEAD + ONE + "    scenario: Three\n",
            "day.yaml:6: no such scenario in features/pods.feature",
            "One; Two of <kind>",
        ),
        (
            HEAD + ONE.replace("pods", "cats"),
            "day.yaml:4: there is no feature 'features/cats.feature'",
            "a folder",
        ),
        (HEAD + ONE.replace("/pods.feature", "/../.."), "day.yaml:4: there is no feature", "below"),
        (
            HEAD + ONE + "  - feature: features\n    hypothesis: all\n",
            "day.yaml:6: 'One' of features/pods.feature is named twice",
            "before in line 4",
        ),
        (
            HEAD + "without: [node]\n" + ONE.replace("pods", "nodes"),
            "day.yaml:5: nothing of it is run",
            "leaves out: node",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(project: Path, text: str, error: str, detail: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(project, text)
    assert caught.value.message.startswith(error)
    assert detail in str(caught.value)


def test_a_feature_that_cannot_be_read_is_told_by_its_own_place(project: Path) -> None:
    (project / "features" / "pods.feature").write_text("Feature: Pods\n  Scenario: One\n  Gven it\n")
    with pytest.raises(AftershockError, match=r"features/pods.feature:"):
        read(project, HEAD + ONE)


@pytest.mark.parametrize("name", ["ci", "nightly"])
def test_those_that_ship_are_sound(name: str) -> None:
    found = read_gameday(ROOT / "gamedays" / f"{name}.yaml", root=ROOT)
    assert found.day.name == name


def test_nightly_has_everything_that_needs_no_addon() -> None:
    paths = sorted((ROOT / "features").rglob("*.feature"))
    every = {
        (s.file, s.template)
        for path in paths
        for s in read_feature(path, root=ROOT).scenarios
        if "addon" not in s.tags
    }
    nightly = read_gameday(ROOT / "gamedays" / "nightly.yaml", root=ROOT)
    assert {(c.file, c.template) for c in nightly.chosen} == every
