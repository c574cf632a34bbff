"""Faults from files: what their signatures take, and what they do not."""

from __future__ import annotations

import inspect

import msgspec
import pytest

from aftershock.errors import UsageError
from aftershock.faults.calls import fault_arguments, make_fault, parameters_of
from aftershock.faults.catalogue import FAULTS, UNDOS
from aftershock.faults.out_of_memory import OutOfMemory
from aftershock.faults.setting import NAME as SETTING
from aftershock.faults.tools import tools
from aftershock.testing.kube import FakeApi


def test_every_fault_can_be_made_and_undone() -> None:
    assert {*FAULTS, SETTING} == UNDOS.keys()


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_file_can_give_every_argument_of_a_fault(name: str) -> None:
    first, *others = parameters_of(FAULTS[name])
    assert first.name == "tools"
    assert {parameter.kind for parameter in others} == {inspect.Parameter.KEYWORD_ONLY}
    for parameter in others:
        msgspec.json.schema(parameter.annotation)


def test_a_fault_is_made_as_the_arguments_say() -> None:
    fault = make_fault("out-of-memory", tools(FakeApi()), {"workload": "web", "count": 2})
    assert isinstance(fault, OutOfMemory)
    assert (fault.pods.workload, fault.pods.count, fault.pods.namespace) == ("web", 2, "")


def test_whole_numbers_are_numbers() -> None:
    (value,) = fault_arguments("node-drain", {"within_s": 30}).values()
    assert (value, type(value)) == (30.0, float)


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("out-of-memroy", {}, "did you mean 'out-of-memory'"),
        ("out-of-memory", {}, "needs 'workload'"),
        ("out-of-memory", {"workload": "w", "countt": 1}, "did you mean 'count'"),
        ("out-of-memory", {"workload": "w", "tools": 1}, "no argument 'tools'"),
        ("cpu-hog", {"for_s": 3}, "needs 'workload'"),
        ("cpu-hog", {"workload": "w", "for_s": 3, "shares": 0.3}, "did you mean 'share'"),
        (
            "packet-loss",
            {"workload": "w", "for_s": "3", "of_packets": 0.1},
            "'for_s' of packet-loss is wrong",
        ),
        ("out-of-memory", {"workload": "w", "count": "1"}, "'count' of out-of-memory is wrong"),
        ("out-of-memory", {"workload": "w", "count": True}, "'count' of out-of-memory is wrong"),
    ],
)
def test_what_is_wrong_is_named(name: str, arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        fault_arguments(name, arguments)
    assert complaint in str(caught.value)
