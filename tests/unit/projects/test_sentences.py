"""Sentences are read, matched and given examples without the converters of their words."""

from __future__ import annotations

import pytest
from pytest_bdd import parsers

from aftershock.collect.types import phrase
from aftershock.projects.sentences import Part, Sentence, found, parts_of, shown, without_examples


def sentence(parser: parsers.StepParser, kind: str = "when") -> Sentence:
    return Sentence(type=kind, text=parser.name, parts=parts_of(parser))


LOAD = sentence(phrase("{service:Locustfile} gets {demand:Demand} for {time:LoadTime}"))


def test_the_parts_of_a_sentence_have_the_patterns_of_their_types() -> None:
    assert parts_of(phrase("{node:Node} is {n:d} % off {x} {a:w}")) == (
        Part(
            word="node", type="Node", pattern=r"an? [\w-]+ node|the node that holds most of [^ ]+|node [^ ]+"
        ),
        Part(text=" is "),
        Part(word="n", type="d", pattern=r"[-+]?\d+"),
        Part(text=" % off "),
        Part(word="x", pattern=".+?"),
        Part(text=" "),
        Part(word="a", type="w", pattern=r"\w+"),
    )


@pytest.mark.parametrize(
    ("parser", "text", "fits"),
    [
        (phrase("{service:Locustfile} gets {demand:Demand} for {time:LoadTime}"),
         "no-such-file gets 10 requests/s for 1 minute", True),
        (phrase("{node:Node} is lost"), "some node is lost", False),
        (parsers.parse("it is (almost) done"), "it is (almost) done", True),
        (parsers.parse("it is done"), "it is done again", False),
        (parsers.string("a {brace}"), "a {brace}", True),
        (parsers.re(r"(?P<n>\d+) pods?"), "3 pods", True),
        (parsers.re(r"(?P<n>\d+) pods?"), "no pods", False),
        (parsers.cfparse("{n:d} pods"), "3 pods", True),
    ],
)  # fmt: skip
def test_a_step_is_matched_as_pytest_bdd_would_but_for_files(
    parser: parsers.StepParser, text: str, fits: bool
) -> None:
    assert sentence(parser).matches(text) is fits


def test_a_reader_sees_words_without_types() -> None:
    assert shown(LOAD) == "When {service} gets {demand} for {time}"
    assert shown(sentence(parsers.re(r"(?P<n>\d+) pods"), "")) == r"* (?P<n>\d+) pods"
    assert shown(sentence(parsers.string("a pod"), "given")) == "Given a pod"


DOCSTRING = """Do it.

As in: When web gets 5 users for 1 minute
"""


def test_the_example_of_a_feature_comes_first() -> None:
    used = [
        ("then", "web gets 1 users for 1 minute", "features/a.feature:3"),
        ("when", "web gets 2 users for 1 minute", "features/b.feature:4"),
    ]
    with_it = found(LOAD, used, DOCSTRING)
    assert (with_it.example, with_it.place) == ("When web gets 2 users for 1 minute", "features/b.feature:4")
    assert found(LOAD, used[:1], DOCSTRING).example == "When web gets 5 users for 1 minute"
    assert found(LOAD, [], "Do it.").example == ""


def test_an_example_is_no_description() -> None:
    assert without_examples(DOCSTRING) == "Do it."
