from __future__ import annotations

import inspect
from typing import Any

from chaosk8s.node import actions

from benchmarks.faults.peer import Drained, drained_in, experiment


def journal(**changes: Any) -> dict[str, Any]:
    times = {"start": "2026-11-02T10:00:00.500000", "end": "2026-11-02T10:00:10.750000"}
    return {"run": [{"status": "succeeded", **times, **changes}]}


def test_the_time_is_the_activitys_own() -> None:
    assert drained_in(journal()) == Drained(took_s=10.25)


def test_a_failure_is_told_by_its_last_line() -> None:
    raised = ["Traceback (most recent call last):\n", "ActivityFailed: Failed to evict pod a: 429\n"]
    assert drained_in(journal(status="failed", exception=raised)).failed == "Failed to evict pod a: 429"
    assert drained_in(journal(status="aborted")).failed == "aborted"


def test_the_peer_takes_what_it_is_told() -> None:
    asked = experiment("worker")
    for activity in (*asked["method"], *asked["rollbacks"]):
        provider = activity["provider"]
        function = getattr(actions, provider["func"])
        inspect.signature(function).bind(**provider["arguments"])
        assert provider["arguments"]["name"] == "worker"


def test_the_peers_pace_is_what_is_said_of_it() -> None:
    # If a release of it waits otherwise, what we say of it is to be looked at again.
    assert "time.sleep(10)" in inspect.getsource(actions.drain_nodes)
