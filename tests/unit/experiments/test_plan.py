"""The faults behind an experiment's actions."""

from __future__ import annotations

from pathlib import Path

from aftershock.experiments.plan import planned_faults
from aftershock.faults.node_drain import NodeDrain
from aftershock.faults.out_of_memory import OutOfMemory
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
    path = written(tmp_path, experiment(method=[call("system", module="os", command="true")]))
    assert planned_faults(path, tools(FakeApi()), allowed=["os"]) == [("call system", None)]


def test_what_takes_back_is_no_fault(tmp_path: Path) -> None:
    path = written(tmp_path, experiment(method=[call("uncordon"), call("take_back", fault="node-drain")]))
    assert planned_faults(path, tools(FakeApi())) == []


def test_any_fault_by_its_name(tmp_path: Path) -> None:
    arguments = {"fault": "out-of-memory", "workload": "web", "count": 2}
    path = written(tmp_path, experiment(method=[call("inject", **arguments)]))
    ((_, fault),) = planned_faults(path, tools(FakeApi()))
    assert isinstance(fault, OutOfMemory)
    assert (fault.pods.workload, fault.pods.count) == ("web", 2)


def test_of_arguments_from_the_configuration_nothing_is_known(tmp_path: Path) -> None:
    arguments = {"fault": "out-of-memory", "workload": "${target}"}
    path = written(tmp_path, experiment(method=[call("inject", **arguments)]))
    assert planned_faults(path, tools(FakeApi())) == [("call inject", None)]
