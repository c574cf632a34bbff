"""Bad configuration: proven by a new pod whose container has ended with an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aftershock.errors import RefusedError
from aftershock.faults.bad_configuration import NO_COMMAND, BadConfiguration
from aftershock.faults.catalogue import UNDOS
from aftershock.testing import FakeClock
from tests.unit.faults.workloads import CONTAINER, WEB, Rollout, holds_only_when_acted, kit

CRASHED: dict[str, Any] = {"state": {"terminated": {"reason": "Error", "exitCode": 1}}}
WAITING: dict[str, Any] = {
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"reason": "StartError", "exitCode": 128}},
}


@pytest.mark.parametrize("status", [CRASHED, WAITING])
@pytest.mark.parametrize("options", [{}, {"env": {"PORT": "none"}}])
def test_a_new_pod_that_ended_with_an_error_is_the_proof(
    clock: FakeClock, options: dict[str, Any], status: dict[str, Any]
) -> None:
    api = Rollout()
    fault = BadConfiguration(kit(api, clock), workload="web", **options)
    holds_only_when_acted(fault, api, clock, **status)


def test_an_end_without_an_error_is_no_proof(clock: FakeClock) -> None:
    api = Rollout()
    fault = BadConfiguration(kit(api, clock), workload="web")
    plan = fault.plan()
    fault.inject(plan, plan.record(run_id="run1", now=clock.now()))
    api.roll(state={"terminated": {"reason": "Completed", "exitCode": 0}})
    assert not fault.landed(plan).holds


@pytest.mark.parametrize("options", [{}, {"env": {"PORT": "none"}}])
def test_what_was_set_is_taken_back(clock: FakeClock, options: dict[str, Any]) -> None:
    api = Rollout()
    tools = kit(api, clock)
    fault = BadConfiguration(tools, workload="web", **options)
    plan = fault.plan()
    record = plan.record(run_id="run1", now=clock.now())
    fault.inject(plan, record)
    (container,) = api.get(WEB)["spec"]["template"]["spec"]["containers"]
    assert container.get("command") == (None if options else list(NO_COMMAND))
    assert (container["env"][0]["value"] == "none") == bool(options)
    UNDOS[plan.fault](tools).undo(record)
    assert api.get(WEB)["spec"]["template"]["spec"]["containers"] == [CONTAINER]


@pytest.mark.parametrize(
    ("env", "said"),
    [({"KEY": "x"}, "KEY of web"), ({"PORT": "1", "NEW": "x"}, "NEW of web"), ({"PORT": ""}, "PORT of web")],
    ids=["from a secret", "not there", "empty"],
)
def test_a_variable_without_a_plain_value_is_refused(
    clock: FakeClock, env: dict[str, str], said: str
) -> None:
    with pytest.raises(RefusedError, match=said):
        BadConfiguration(kit(Rollout(), clock), workload="web", env=env).plan()


def test_no_other_value_and_no_new_one_is_told(clock: FakeClock) -> None:
    secret = {**CONTAINER, "env": [*CONTAINER["env"], {"name": "TOKEN", "value": "hidden"}]}
    fault = BadConfiguration(
        kit(Rollout(containers=(secret,)), clock), workload="web", env={"PORT": "nonsense"}
    )
    plan = fault.plan()
    assert "hidden" not in json.dumps(dict(plan.undo))
    assert "nonsense" not in plan.blast_radius
