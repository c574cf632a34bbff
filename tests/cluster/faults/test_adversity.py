"""What can happen to a fault on the way, beside its harness: everything is whole all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connect import CLUSTER_NAME
from aftershock.cluster.connection import Cluster
from aftershock.cluster.kind.nodes import Nodes
from aftershock.cluster.progress import Progress
from aftershock.cluster.targets import is_ready
from aftershock.errors import AftershockError, ApiError, RefusedError, TransientError
from aftershock.faults.calls import make_fault
from aftershock.faults.injector import Injection, Injector
from aftershock.faults.protocol import Plan
from tests.cluster.conftest import Project
from tests.cluster.faults.cases import case
from tests.cluster.harness import Doomed, Trial, harness, new_run
from tests.cluster.state import await_state, engine, on

CONTROL_PLANE = f"{CLUSTER_NAME}-control-plane"
MANIFEST = "kube-apiserver.yaml"
AWAY_S = 15.0
RESTARTED_WITHIN_S = 120.0

PODS = "/api/v1/namespaces/demo/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/demo/deployments"


def inject(injector: Injector, fault: str, **more: object) -> Injection:
    """Inject a case, told otherwise as `more` says."""
    return injector.inject(make_fault(fault, injector.tools, {**case(fault).arguments, **more}))


def carriers(api: KubeApi, injection: Injection) -> list[Json]:
    """Return the pods of the fault's carriers, without those that only look."""
    path, label = "/api/v1/namespaces/aftershock/pods", f"aftershock.dev/fault={injection.record.fault_id}"
    return [pod for pod in api.items(path, labelSelector=label) if "-look-" not in pod["metadata"]["name"]]


def killed(api: KubeApi, injection: Injection) -> None:
    """Kill the carrier's process on its node: it cannot put anything back."""
    name = f"{injection.record.fault_id}-0"
    # Looked up and used in one go, on the node. The brackets keep this very command from being meant.
    on(
        carriers(api, injection)[0]["spec"]["nodeName"],
        f"for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline | grep -q '[-]-fault-id {name} '"
        " && kill -9 ${p#/proc/}; done; true",
    )


def deleted(api: KubeApi, injection: Injection) -> None:
    """Delete the carrier's pod, and give it no time."""
    path = carriers(api, injection)[0]["metadata"]["name"]
    api.delete(f"/api/v1/namespaces/aftershock/pods/{path}", {"gracePeriodSeconds": 0})


@pytest.mark.parametrize("end", [killed, deleted])
def test_the_carrier_is_gone(
    api: KubeApi,
    before: dict[str, object],
    injector: Injector,
    end: Callable[[KubeApi, Injection], None],
) -> None:
    injection = inject(injector, "network-partition")
    running = {pod["metadata"]["uid"] for pod in carriers(api, injection)}
    end(api, injection)

    def ended() -> bool:
        left = [pod for pod in carriers(api, injection) if pod["metadata"]["uid"] in running]
        return all(pod["status"]["phase"] in {"Succeeded", "Failed"} for pod in left)

    wait_until(ended, within_s=30, what="the carrier's end")
    injector.undo_all()
    await_state(api, before, within_s=10)


def test_the_carrier_s_node_is_rebooted(api: KubeApi, before: dict[str, object], injector: Injector) -> None:
    """Carriers, their rules and what they wrote down are gone with it; the marks are not."""
    injection = inject(injector, "network-partition", for_s=120.0)
    (node,) = {pod["spec"]["nodeName"] for pod in carriers(api, injection)}
    inject(injector, "node-cpu-hog", node=node, for_s=120.0)
    reboot(api, node)
    injector.undo_all()
    await_state(api, before, within_s=60)


def reboot(api: KubeApi, node: str) -> None:
    """Restart a node, and wait until it is heard of again."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}"
    engine().run("restart", "--time", "0", node)
    names = list(engine().containers(CLUSTER_NAME))
    Nodes(engine=engine(), names=names, progress=Progress()).rejoin(node)
    last = api.get(path)["spec"]["renewTime"]
    wait_until(
        lambda: api.get(path)["spec"]["renewTime"] != last and is_ready(api.get(f"/api/v1/nodes/{node}")),
        within_s=RESTARTED_WITHIN_S,
        what=f"{node} to be back",
    )


def test_the_api_server_is_away_during_the_undo(
    api: KubeApi, before: dict[str, object], injector: Injector
) -> None:
    inject(injector, "scaled-to-zero")
    inject(injector, "network-partition", for_s=60.0)
    raised: list[AftershockError] = []

    def undo() -> None:
        try:
            injector.undo_all()
        except AftershockError as error:
            raised.append(error)

    undoing = Thread(target=undo)
    with without_api_server(api):
        undoing.start()
        undoing.join(AWAY_S)
        assert undoing.is_alive(), "it was undone without the API server"
    undoing.join(RESTARTED_WITHIN_S)
    assert not raised
    assert not undoing.is_alive()
    assert not injector.journal.open_records()
    # Controllers lose their own leases, and start again.
    await_state(api, before, within_s=90)


@contextmanager
def without_api_server(api: KubeApi) -> Iterator[None]:
    """Take the API server's manifest from its kubelet for a while."""
    folder, aside = "/etc/kubernetes/manifests", f"/etc/kubernetes/{MANIFEST}"
    on(CONTROL_PLANE, f"mv {folder}/{MANIFEST} {aside}")
    try:
        wait_until(lambda: not answers(api), within_s=60, what="the API server to be gone")
        yield
    finally:
        on(CONTROL_PLANE, f"mv {aside} {folder}/{MANIFEST}")
        wait_until(lambda: answers(api), within_s=RESTARTED_WITHIN_S, what="the API server to be back")


def answers(api: KubeApi) -> bool:
    try:
        api.text("/readyz", timeout_s=2)
    except (ApiError, TransientError):  # one that has just been started refuses everybody
        return False
    return True


def test_the_journal_is_deleted(
    api: KubeApi, before: dict[str, object], cluster: Cluster, project: Project
) -> None:
    """The run ends and knows of nothing; the reaper sees marks without a run, long before their time."""
    with harness(cluster, project.reports, run_id=new_run()) as injector:
        inject(injector, "scaled-to-zero", for_s=300.0)
        inject(injector, "network-partition", for_s=300.0)
        injector.journal.path.unlink()
    await_state(api, before, within_s=60)


def test_of_two_harnesses_the_second_is_refused(
    before: dict[str, object], cluster: Cluster, injector: Injector, doom: Callable[..., Doomed]
) -> None:
    first = doom(Trial(fault="scaled-to-zero", arguments=case("scaled-to-zero").arguments, marker="injected"))
    first.at_markers()
    with pytest.raises(RefusedError, match=f"another run is under way: {first.run_id}") as refused:
        inject(injector, "bad-image")
    assert "wait for it to end" in str(refused.value)
    assert not injector.journal.path.exists()
    first.kill()
    await_state(cluster.api, before, within_s=60)


def test_the_target_is_gone_before_the_act(
    api: KubeApi, before: dict[str, object], injector: Injector
) -> None:
    """Another pod has taken its place since the plan: it is not what was meant."""
    fault = make_fault("network-partition", injector.tools, case("network-partition").arguments)
    plan = fault.plan

    def late() -> Plan:
        made = plan()
        api.delete(made.targets[0].path, {"gracePeriodSeconds": 0})
        wait_until(lambda: api.find(made.targets[0].path) is None, within_s=30, what="the pod to be gone")
        return made

    fault.plan = late
    with pytest.raises(RefusedError, match="gone"):
        injector.inject(fault)
    assert not injector.journal.path.exists()
    await_state(api, before, within_s=60)


def test_the_target_is_gone_before_the_undo(
    api: KubeApi, before: dict[str, object], injector: Injector
) -> None:
    injection = inject(injector, "network-partition")
    (pod,) = injection.plan.targets
    api.delete(pod.path, {"gracePeriodSeconds": 0})
    wait_until(lambda: api.find(pod.path) is None, within_s=30, what="the pod to be gone")
    injector.undo_all()
    await_state(api, before, within_s=60)


def test_another_one_has_the_target_s_name(api: KubeApi, injector: Injector) -> None:
    """A Deployment is deleted and made again while it is broken: the new one is nobody's to put back."""
    with workload(api, "twin") as path:
        inject(injector, "scaled-to-zero", workload="twin", namespace="demo")
        found = api.get(path)
        api.delete(path, {"propagationPolicy": "Foreground"})
        wait_until(lambda: api.find(path) is None, within_s=30, what="twin to be gone")
        meta = {"name": "twin", "labels": {"app": "twin"}}
        # With no pods from the beginning: what its author wants looks like what the fault had set.
        api.post(DEPLOYMENTS, {"metadata": meta, "spec": {**found["spec"], "replicas": 0}})
        injector.undo_all()
        assert api.get(path)["spec"]["replicas"] == 0


@contextmanager
def workload(api: KubeApi, name: str) -> Iterator[str]:
    """Have a Deployment of one pod; yield where the API has it."""
    like = api.get(f"{DEPLOYMENTS}/nginx-web")["spec"]["template"]["spec"]
    labels = {"app": name}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": like},
    }
    path = f"{DEPLOYMENTS}/{name}"
    api.post(DEPLOYMENTS, {"metadata": {"name": name, "labels": labels}, "spec": spec})
    try:
        wait_until(
            lambda: (api.get(path).get("status") or {}).get("readyReplicas") == 1,
            within_s=60,
            what=f"{name} to run",
        )
        yield path
    finally:
        api.delete(path, {"propagationPolicy": "Foreground"})
        gone = lambda: not api.items(PODS, labelSelector=f"app={name}") and api.find(path) is None  # noqa: E731 - asked again and again
        wait_until(gone, within_s=60, what=f"{name} to be gone")
