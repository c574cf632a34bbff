"""The vocabulary is listed whole, found by its words, and the page of it is up to date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from aftershock import cli
from aftershock.errors import UsageError
from aftershock.projects.sentences import Group
from aftershock.projects.vocabulary import as_json, as_markdown, as_text, only, vocabulary

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def groups() -> list[Group]:
    return vocabulary(ROOT)


def test_every_step_is_listed_with_an_example_of_each_sentence(groups: list[Group]) -> None:
    defined = sum(
        path.read_text(encoding="utf-8").count("\ndef ")
        - path.read_text(encoding="utf-8").count("@pytest.fixture")
        for path in (ROOT / "steps").glob("*.py")
        if path.name != "stage.py"
    )
    steps = [step for group in groups for step in group.steps]
    assert len(steps) == defined
    assert [s.text for step in steps for s in step.sentences if not s.example] == []
    assert [step.name for step in steps if not step.where.startswith("steps/")] == []
    assert {group.noun for group in groups} >= {"alerts", "network", "workloads"}
    used = [s.place for step in steps for s in step.sentences if s.place]
    assert len(used) > 60
    for place in used[:5]:
        name, _, line = place.rpartition(":")
        assert len((ROOT / name).read_text().splitlines()) >= int(line)


def test_the_page_is_up_to_date(groups: list[Group]) -> None:
    page = (ROOT / "docs" / "vocabulary.md").read_text(encoding="utf-8")
    assert page == as_markdown(groups), "run `make vocabulary`"


@pytest.mark.parametrize(
    ("words", "nouns"),
    [
        (("BUDGET",), {"budgets", "nodes", "pods", "traffic"}),
        (("budget", "evict"), {"budgets", "pods"}),
        (("ratings", "reach"), {"network"}),
        (("nothing like it",), set()),
    ],
)
def test_words_choose(groups: list[Group], words: tuple[str, ...], nouns: set[str]) -> None:
    found = only(groups, words)
    assert {group.noun for group in found} == nouns
    assert all(group.steps for group in found)


def test_in_a_terminal(groups: list[Group]) -> None:
    assert as_text(only(groups, ["drained node was emptied"])).splitlines() == [
        "nodes: drained, and given back.",
        "",
        "  Then the drained node was emptied",
        "      Hold that the node held pods and then none that can be moved.",
        "      as in: Then the drained node was emptied   (features/maintenance/drain_worker.feature:9)",
    ]


def test_as_json(groups: list[Group]) -> None:
    (group,) = json.loads(as_json(only(groups, ["is held back"])))
    assert (group["noun"], group["steps"][0]["name"]) == ("alerts", "alert_is_held_back")
    assert group["steps"][0]["sentences"][0]["parts"][0] == {"word": "alert", "type": "w", "pattern": r"\w+"}


class TestProject:
    @pytest.fixture
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        (tmp_path / "pyproject.toml").write_text(
            '[tool.pytest.ini_options]\naddopts = ["-p", "no:locust"]\naftershock_steps = []\n'
        )
        (tmp_path / "conftest.py").write_text(
            '"""Shop: what is sold."""\nfrom pytest_bdd import step\n\n'
            '@step("it is sold")\ndef sold():\n    pass\n'
        )
        inner = tmp_path / "features" / "inner" / "conftest.py"
        inner.parent.mkdir(parents=True)
        inner.write_text("from pytest_bdd import when\n\n@when('it is sent')\ndef sent():\n    pass\n")
        (inner.parent / "a.feature").write_text(
            "Feature: A\n  Scenario: B\n    Given it is sold\n    nonsense\n"
        )
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def test_steps_of_its_own_whatever_is_wrong_with_its_features(self, project: Path) -> None:
        shown = as_text(vocabulary(project))
        assert "conftest: what is sold." in shown
        assert "  * it is sold" in shown
        assert "  When it is sent" in shown
        assert "no feature uses it, and its docstring has no line `As in: Given ...`" in shown

    def test_steps_that_cannot_be_read(self, project: Path) -> None:
        (project / "conftest.py").write_text("import nowhere_to_be_found\n")
        with pytest.raises(UsageError, match="the vocabulary cannot be read") as caught:
            vocabulary(project)
        assert "nowhere_to_be_found" in caught.value.found

    def test_the_command(self, project: Path) -> None:
        done = CliRunner().invoke(cli.main, ["steps", "--json", "sold"])
        assert done.exit_code == 0
        assert [group["noun"] for group in json.loads(done.output)] == ["conftest"]
        assert CliRunner().invoke(cli.main, ["steps", "bought"]).exit_code == 4
