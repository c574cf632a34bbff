from pathlib import Path

import pytest

from aftershock.collect.gherkin import Document, read_feature

FEATURE = """# a comment
@recovery
Feature: House
  Promises.

  Background:
    Given a steady service

  Scenario: Plain
    When a pod is killed
    And another one too
    Then it recovers
    But slowly

  Rule: Under load
    Background:
      Given load

    @slow
    Scenario Outline: <service> recovers
      Some words.
      Then <service> is back within <limit>

      @node
      Examples:
        | service | limit |
        | web     | 30 s  |
        | api     | 1m    |
"""


def read(tmp_path: Path, text: str | bytes, name: str = "features/a.feature") -> Document:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_feature(path, root=tmp_path)


def test_a_scenario_is_rendered_with_its_background_and_each_example(tmp_path):
    document = read(tmp_path, FEATURE)

    assert document.errors == ()
    assert document.file == "features/a.feature"
    plain, web, api = document.scenarios
    assert [(s.type, str(s), s.line) for s in plain.steps] == [
        ("given", "Given a steady service", 7),
        ("when", "When a pod is killed", 10),
        ("when", "And another one too", 11),
        ("then", "Then it recovers", 12),
        ("then", "But slowly", 13),
    ]
    assert (plain.rule, plain.tags, plain.description) == ("", {"recovery"}, "Promises.")
    assert (web.name, web.template, web.rule) == ("web recovers", "<service> recovers", "Under load")
    assert [str(s) for s in web.steps] == [
        "Given a steady service",
        "Given load",
        "Then web is back within 30 s",
    ]
    assert web.tags == {"recovery", "slow", "node"}
    assert web.description == "Some words."
    assert web.example == (("service", "web"), ("limit", "30 s"))
    assert api.example == (("service", "api"), ("limit", "1m"))
    assert [(tag.name, tag.line) for tag in document.tags] == [("recovery", 2), ("slow", 19), ("node", 24)]
    assert document.headings == (("Plain", 9), ("<service> recovers", 20))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.feature:1: there is no feature in this file"),
        ("Feature: A\n", "a.feature:1: the feature has no scenario"),
        ("Feature: A\n  Scenario: B\n", "a.feature:2: scenario 'B' has no step"),
        ("Feature: A\n  Scenario:\n    Given c\n", "a.feature:2: a scenario without a name"),
        ("Feature: A\n  Scenario: B\n    And c\n", "a.feature:3: scenario 'B' begins with 'And'"),
        (
            "Feature: A\n  Background:\n    * c\n  Scenario: B\n    Given c\n",
            "a.feature:3: a background begins",
        ),
        ("Feature: A\n  Scenario: B\n    Given <c>\n", "a.feature:3: <c> is filled in by nothing"),
        (
            "Feature: A\n  Scenario Outline: B\n    Given <c>\n    Examples:\n      | d |\n      | 1 |\n",
            "a.feature:3: <c> is filled in by nothing",
        ),
        (
            "Feature: A\n  Scenario Outline: B\n    Given <c>\n    Examples:\n      | c |\n",
            "a.feature:4: these examples have no row",
        ),
        (
            "Feature: A\n  Scenario Outline: B\n    Given <c>\n    Examples:\n      | c |\n      | 1 | 2 |\n",
            "a.feature:6: inconsistent cell count within the table",
        ),
        ("Feature: A\n  Scenario: B\n    Given c\n  Givn d\n", "a.feature:4: this line cannot stand here"),
        ('Feature: A\n  Scenario: B\n    Given c\n      """\n', "a.feature:5: the file ends too early"),
        ("# language: zz\nFeature: A\n", "a.feature:1: Language not supported: zz"),
        (b"Feature: \xff\n", "a.feature:1: this is no UTF-8 text"),
    ],
)
def test_what_pytest_bdd_would_drop_or_run_as_it_stands_is_an_error(tmp_path, text, said):
    (error,) = read(tmp_path, text, "a.feature").errors

    assert error.message.startswith(said)
    assert error.exit_code == 4


def test_every_wrong_line_is_reported_not_only_the_first(tmp_path):
    errors = read(tmp_path, "Feature: A\n  Scenario: B\n    Given c\n  one\n  two\n").errors

    assert [e.message.split(":")[1] for e in errors] == ["4", "5"]
    assert errors[0].found == "one"
    assert "a step" in errors[0].expected
    assert "#" not in errors[0].expected


def test_keywords_of_another_language_are_known(tmp_path):
    document = read(tmp_path, "# language: de\nFunktionalität: A\n  Szenario: B\n    Wenn c\n    Dann d\n")

    assert [s.type for s in document.scenarios[0].steps] == ["when", "then"]
