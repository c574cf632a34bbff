"""Questions: written down, read back, asked again of the record as it was."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from datetime import datetime
from typing import Any

import pytest

import aftershock.judge
from aftershock.errors import UsageError
from aftershock.judge.alerts import fired_within, nothing_else_fired
from aftershock.judge.load_record import Phase
from aftershock.judge.question import JUDGES, Question, ask_again
from aftershock.judge.recovery import recovered_within
from aftershock.timeline import Event
from aftershock.verdict import Verdict, met
from tests.conformance.generator import at, healthy_web

WEB = "deployment/demo/web"


def recovering() -> list[Event]:
    return healthy_web().injected(0).pod(1, "web-1", ready=False).pod(3, "web-1").end(30).timeline


def asked() -> Verdict:
    return Question.of(recovered_within, workload=WEB, within_s=30.0, since=at(0)).ask(recovering())


def test_a_verdict_carries_what_was_asked_of_how_much() -> None:
    assert asked().question == {
        "judge": "recovered_within",
        "arguments": {"workload": WEB, "within_s": 30.0, "since": "2026-03-01T12:00:00.000000Z"},
        "events": len(recovering()),
    }


def test_it_is_the_judges_own_verdict() -> None:
    direct = recovered_within(recovering(), workload=WEB, within_s=30.0, since=at(0))
    assert asked() != direct
    assert {**asked().to_dict(), "question": None} == direct.to_dict()


def test_asked_again_of_a_record_that_has_grown_it_is_the_same() -> None:
    read = Verdict.from_dict(json.loads(json.dumps(asked().to_dict())))
    relapse = healthy_web().pod(40, "web-1", ready=False).end(90).timeline
    assert ask_again(read, [*recovering(), *relapse]) == asked()
    whole = recovered_within([*recovering(), *relapse], workload=WEB, within_s=30.0, since=at(0))
    assert whole.status != asked().status


def test_the_profile_is_the_runs() -> None:
    verdict = Verdict.from_dict({**asked().to_dict(), "profile": "nightly"})
    assert ask_again(verdict, recovering()).profile == "nightly"


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        (None, "was not kept"),
        ({"judge": "guess", "arguments": {}, "events": 0}, "there is no judge 'guess'"),
        ({"judge": "recovered_within", "arguments": {"workload": WEB}, "events": 0}, "cannot be asked that"),
        (
            {
                "judge": "recovered_within",
                "arguments": {"workload": WEB, "within_s": 1, "by": 1},
                "events": 0,
            },
            "cannot be asked that",
        ),
        (
            {"judge": "node_schedulable", "arguments": {"node": "a", "at": "noon"}, "events": 0},
            "cannot be asked that",
        ),
        ({"judge": "node_schedulable", "arguments": {"node": "a"}, "events": 999}, "is not whole"),
    ],
)
def test_what_cannot_be_asked_again(question: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        ask_again(met("it", expected="x", observed="x", question=question), recovering())


def test_only_plain_arguments_can_be_written_down() -> None:
    question = Question.of(
        nothing_else_fired, expected=("A", {"alertname": "B", "pod": "b"}), since=at(0), until=None
    )
    assert question.arguments["expected"] == ["A", {"alertname": "B", "pod": "b"}]
    assert question.arguments["until"] is None
    with pytest.raises(TypeError, match="cannot be written down"):
        Question.of(nothing_else_fired, expected=object())  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match="takes its arguments by name"):
        Question.of(fired_within, "PodOOMKilled")  # type: ignore[call-arg]  # that is the point


def judges() -> dict[str, Any]:
    """Everything public in judge/ that turns a record into a verdict."""
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(aftershock.judge.__path__):
        module = importlib.import_module(f"aftershock.judge.{info.name}")
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                signature = inspect.signature(thing, eval_str=True)
                if next(iter(signature.parameters)) == "events" and signature.return_annotation is Verdict:
                    found[name] = thing
    return found


def test_every_judge_can_be_asked_for_by_its_name() -> None:
    assert judges() == JUDGES


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_every_argument_of_a_judge_has_a_type_that_is_read_back(name: str) -> None:
    parameters = list(inspect.signature(JUDGES[name], eval_str=True).parameters.values())[1:]
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters)
    plain = (str, float, int, bool, str | None, int | None, datetime, datetime | None, Phase)
    others = {p.name for p in parameters if p.annotation not in plain}
    assert others <= {"labels", "expected"}
