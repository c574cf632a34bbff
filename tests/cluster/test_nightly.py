"""The CronJob of the addon nightly on the live cluster: a run in a pod, what it may, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.cluster.own import JOBS, OWN_NAMESPACE, PODS
from aftershock.cluster.rights import RIGHTS, Right
from tests.cluster.state import on

pytestmark = pytest.mark.addon

CRONJOB = f"/apis/batch/v1/namespaces/{OWN_NAMESPACE}/cronjobs/aftershock-nightly"
ACCOUNT = f"system:serviceaccount:{OWN_NAMESPACE}:aftershock-harness"
VOLUME = "/var/lib/aftershock-runs"
NODE = "aftershock-control-plane"
FEATURE = "features/recovery/out_of_memory.feature"

MAY_NOT = (
    Right(verb="get", resource="secrets"),
    Right(verb="list", resource="secrets", namespace=OWN_NAMESPACE),
    Right(verb="create", resource="pods"),
    Right(verb="create", resource="pods/exec"),
    Right(verb="delete", resource="nodes"),
    Right(verb="delete", resource="deployments", group="apps"),
    Right(verb="create", resource="deployments", group="apps"),
    Right(verb="delete", resource="namespaces"),
    Right(verb="create", resource="jobs", group="batch", namespace="demo"),
    Right(verb="delete", resource="leases", group="coordination.k8s.io"),
    Right(verb="patch", resource="configmaps", namespace="monitoring"),
    Right(verb="create", resource="serviceaccounts/token", namespace=OWN_NAMESPACE),
    Right(verb="bind", resource="clusterroles", group="rbac.authorization.k8s.io"),
    Right(verb="escalate", resource="clusterroles", group="rbac.authorization.k8s.io"),
)


def allowed(api: KubeApi, right: Right) -> bool:
    """Ask the API what the harness' account may do."""
    kind, _, sub = right.resource.partition("/")
    attributes = {"verb": right.verb, "group": right.group, "resource": kind, "subresource": sub,
                  "namespace": right.namespace}  # fmt: skip
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": ACCOUNT, "groups": ["system:authenticated"], "resourceAttributes": attributes},
    }
    return bool(api.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", body)["status"]["allowed"])


def test_its_account_may_what_it_needs_and_no_more(cluster: Cluster) -> None:
    assert cluster.api.find(CRONJOB), "aftershock up --with nightly"
    assert [str(right) for right in RIGHTS if not allowed(cluster.api, right)] == []
    assert [str(right) for right in MAY_NOT if allowed(cluster.api, right)] == []


@pytest.fixture
def name(api: KubeApi) -> Iterator[str]:
    """A Job of the CronJob, under this name; it and what it left on the volume are taken away."""
    name = "nightly-trial"
    yield name
    api.delete(f"{JOBS}/{name}", {"propagationPolicy": "Foreground"})
    wait_until(lambda: api.find(f"{JOBS}/{name}") is None, within_s=150, what="the trial to be gone")
    on(NODE, f"rm -rf {VOLUME}/{name}")


def begin(api: KubeApi, name: str, *args: str) -> None:
    """Make a Job as the CronJob would, of these words for pytest: a game day takes hours."""
    job: dict[str, Any] = api.get(CRONJOB)["spec"]["jobTemplate"]
    (harness,) = job["spec"]["template"]["spec"]["containers"]
    harness |= {"command": ["pytest"], "args": [*args, "--run-id", name]}
    api.post(JOBS, {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": job["spec"]})


def ended(api: KubeApi, name: str) -> str:
    """Return "succeeded" or "failed" once the Job has ended."""
    status = api.get(f"{JOBS}/{name}")["status"]
    return next((word for word in ("succeeded", "failed") if status.get(word)), "")


def log(api: KubeApi, name: str) -> str:
    pods = api.items(PODS, labelSelector=f"batch.kubernetes.io/job-name={name}")
    return "\n".join(api.text(f"{PODS}/{pod['metadata']['name']}/log", container="harness") for pod in pods)


def test_a_run_in_the_cluster_passes_and_stays_on_the_volume(api: KubeApi, name: str) -> None:
    begin(api, name, FEATURE)
    outcome = wait_until(lambda: ended(api, name) or None, within_s=540, every_s=2, what="the run's end")
    assert outcome == "succeeded", log(api, name)
    folder = f"{VOLUME}/{name}"
    verdicts = json.loads(on(NODE, f"cat {folder}/*/verdicts.json"))
    assert {verdict["status"] for verdict in verdicts} == {"met"}
    states = [json.loads(line)["state"] for line in on(NODE, f"cat {folder}/journal.jsonl").splitlines()]
    assert states[-1] == "undone"
    # The observer was inside: its own context is in the record of the run.
    assert "cluster=in-cluster" in on(NODE, f"cat {folder}/allure-results/environment.properties")


def test_a_run_whose_pod_is_deleted_undoes_its_fault_and_keeps_its_folder(api: KubeApi, name: str) -> None:
    begin(api, name, FEATURE)

    def injected() -> bool:
        return '"injected"' in on(NODE, f"cat {VOLUME}/{name}/journal.jsonl 2>/dev/null || true")

    wait_until(injected, within_s=120, every_s=0.5, what="the fault")
    (pod,) = api.items(PODS, labelSelector=f"batch.kubernetes.io/job-name={name}")
    api.delete(f"{PODS}/{pod['metadata']['name']}")

    def undone() -> bool:
        return '"undone"' in on(NODE, f"cat {VOLUME}/{name}/journal.jsonl")

    wait_until(undone, within_s=120, every_s=1, what="the undo, by the harness itself")
