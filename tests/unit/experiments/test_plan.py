"""The faults behind an experiment's actions."""

from __future__ import annotations

from pathlib import Path

from aftershock.experiments.plan import planned_faults
from aftershock.faults.node_drain import NodeDrain
from aftershock.faults.tools import tools
from aftershock.testing.kube import FakeApi, node, pod
from tests.unit.experiments.test_file import call, experiment, written

ROOT = Path(__file__).parents[3]


def test_our_drain_is_planned_and_nothing_is_touched() -> None:
    api = FakeApi()
    api.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    api.add("/api/v1/nodes", node("worker"))
    api.add_pods(pod("a", app="nginx-web"))
    path = ROOT / "experiments" / "drain-worker.yaml"
    ((name, fault),) = planned_faults(path, tools(api, may_touch=lambda _: True))
    assert name == "drain the worker"
    assert isinstance(fault, NodeDrain)
    assert [str(target) for target in fault.plan().targets] == ["node/worker", "pod/demo/a"]
    assert api.calls == []


def test_of_another_action_nothing_is_known(tmp_path: Path) -> None:
    path = written(tmp_path, experiment(method=[call("uncordon")]))
    assert planned_faults(path, tools(FakeApi())) == [("call uncordon", None)]
