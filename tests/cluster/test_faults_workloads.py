"""Faults of workloads through the API: they land, are undone, and are undone when the harness is killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from aftershock.clock import SystemClock, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.cluster.stack import is_ready
from aftershock.config import load_settings
from aftershock.faults.bad_configuration import BadConfiguration
from aftershock.faults.bad_image import BadImage
from aftershock.faults.failing_readiness import FailingReadiness
from aftershock.faults.pod_kill import How, PodKill
from aftershock.faults.protocol import Fault
from aftershock.faults.scaled_to_zero import ScaledToZero
from tests.cluster.conftest import ROOT, Project
from tests.cluster.harness import MARKERS, harness, killed_at, unmarked

WEB = "/apis/apps/v1/namespaces/demo/deployments/nginx-web"
# Kubernetes' own count of roll-outs; it does not go back.
REVISION = "deployment.kubernetes.io/revision"
LASTS_S = 60.0
PATCHES = (ScaledToZero, BadImage, BadConfiguration, FailingReadiness)


def state(api: KubeApi) -> Json:
    """Return what a fault may have changed of the workload."""
    found = api.get(WEB)
    meta = found["metadata"]
    annotations = {key: text for key, text in meta.get("annotations", {}).items() if key != REVISION}
    return {"spec": found["spec"], "labels": meta.get("labels"), "annotations": annotations}


def whole_again(api: KubeApi) -> None:
    ready = lambda: is_ready({**api.get(WEB), "kind": "Deployment"})  # noqa: E731 - asked again and again
    wait_until(ready, within_s=60, what="nginx-web to be whole")


@pytest.mark.parametrize("fault", PATCHES)
def test_a_patch_lands_and_is_taken_back(
    api: KubeApi, cluster: Cluster, project: Project, fault: Callable[..., Fault]
) -> None:
    before = state(api)
    with harness(cluster, load_settings(root=ROOT), project.reports, run_id="patch") as injector:
        made = fault(injector.tools, workload="demo/nginx-web", for_s=LASTS_S)
        assert injector.inject(made).proof.holds
        assert state(api) != before
    assert state(api) == before
    whole_again(api)


@pytest.mark.parametrize(
    ("marker", "module", "name"),
    [
        *((marker, "scaled_to_zero", "ScaledToZero") for marker in MARKERS),
        ("injected", "bad_image", "BadImage"),
        ("injected", "bad_configuration", "BadConfiguration"),
        ("injected", "failing_readiness", "FailingReadiness"),
    ],
)
def test_the_reaper_takes_back_what_a_killed_harness_left(
    api: KubeApi, project: Project, marker: str, module: str, name: str
) -> None:
    before = state(api)
    arguments = f"workload='demo/nginx-web', for_s={LASTS_S}"
    record = killed_at(marker, project, module=module, name=name, arguments=arguments)
    # Its Lease lapses long before its time is over.
    unmarked(api, record.fault_id, by=record.expires_at, now=SystemClock().now())
    assert state(api) == before
    whole_again(api)
    assert project.aftershock("recover").stdout.endswith("nothing is left\n")
    assert project.aftershock("recover").stdout == "nothing to undo\n"


HOWS: tuple[How, ...] = ("deletion", "eviction")


@pytest.mark.parametrize("how", HOWS)
def test_pods_are_killed_and_made_again(api: KubeApi, cluster: Cluster, project: Project, how: How) -> None:
    with harness(cluster, load_settings(root=ROOT), project.reports, run_id="kill") as injector:
        fault = PodKill(injector.tools, workload="demo/nginx-web", share=0.4, how=how)
        assert injector.inject(fault).proof.facts["gone"] == 1
    whole_again(api)


def test_a_harness_that_is_killed_with_a_pod_leaves_nothing(api: KubeApi, project: Project) -> None:
    record = killed_at(
        "injected", project, module="pod_kill", name="PodKill", arguments="workload='demo/nginx-web'"
    )
    whole_again(api)
    unmarked(api, record.fault_id, by=SystemClock().now() + timedelta(seconds=1), now=SystemClock().now())
    assert "nothing is left" in project.aftershock("recover").stdout
