"""Outages whose true length is known, on the real cluster: a small share of `benchmarks honest-times`.

The bounds are looser than the objectives that the bench shows, because this machine may be
doing anything else; what they hold is that nothing is missed, made up, or off by a probe's period.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from aftershock.cluster.connection import Cluster
from aftershock.cluster.kind.engine import find_engine
from aftershock.config import state_dir
from aftershock.timeline import Event
from benchmarks.honest_times.driven_pods import PREFIX, driven_pods
from benchmarks.honest_times.errors import Reading, errors_of
from benchmarks.honest_times.measuring import Driven, client_readings, kubernetes_readings, record
from benchmarks.honest_times.trials import draw
from benchmarks.honest_times.truth import read_audit, ready_patches

PODS = 10
SEED = 7


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What came of one pass over all pods."""

    driven: list[Driven]
    events: list[Event]
    client: list[Reading]
    kubernetes: list[Reading]


@pytest.fixture(scope="module")
def measured(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    engine = find_engine(log=tmp_path_factory.mktemp("engine") / "log", state=state_dir())
    schedules = draw(kinds=["1 s", "2 s", "5 s", "overlapping"], per_kind=PODS, pods=PODS, seed=SEED)
    with driven_pods(cluster.api, count=PODS) as pods:
        driven, events = record(cluster.api, pods, schedules)
    audit = read_audit(engine)
    client: list[Reading] = []
    kubernetes: list[Reading] = []
    for one in driven:
        client += client_readings(one, events, condition="test")
        patches = ready_patches(audit, pod=one.pod.pod)
        kubernetes += kubernetes_readings(one, events, patches, condition="test")
    return Measured(driven=driven, events=events, client=client, kubernetes=kubernetes)


def test_the_client_s_clock_sees_every_outage_as_long_as_it_was(measured: Measured) -> None:
    errors = errors_of(measured.client)
    assert errors.count == 4 * PODS
    assert (errors.missed, errors.refused) == (0, 0), measured.client
    assert errors.median_s <= 0.1, measured.client
    assert errors.p95_s <= 0.3, measured.client


def test_kubernetes_clock_says_what_the_api_server_wrote_down(measured: Measured) -> None:
    errors = errors_of(measured.kubernetes)
    # An outage of one second may fall between two readiness probes.
    assert errors.count >= 3 * PODS
    assert (errors.missed, errors.refused, errors.invented) == (0, 0, 0), measured.kubernetes
    assert errors.median_s <= 0.1, measured.kubernetes
    assert errors.p95_s <= 0.5, measured.kubernetes


def test_overlapping_outages_are_not_added_up(measured: Measured) -> None:
    both = [reading for reading in measured.client if reading.kind == "overlapping"]
    assert len(both) == PODS
    # Two of 4 s, the second one begun before the first was over.
    assert all(reading.measured_s is not None and reading.measured_s < 7.8 for reading in both)


def test_readiness_s_own_lag_is_not_charged_to_the_clock(measured: Measured) -> None:
    """By Kubernetes' clock an outage is as long as Kubernetes knew of it, not as it was."""
    pairs = zip(measured.client, measured.kubernetes, strict=True)
    differences = [
        abs(client.true_s - kubernetes.true_s)
        for client, kubernetes in pairs
        if client.true_s is not None and kubernetes.true_s is not None
    ]
    assert max(differences) > 0.1  # a probe a second cannot do better
    assert max(differences) < 2.5


def test_nothing_is_left_of_the_driven_pods(cluster: Cluster, measured: Measured) -> None:
    core, apps = "/api/v1/namespaces/demo", "/apis/apps/v1/namespaces/demo"
    folders = (f"{core}/pods", f"{core}/services", f"{apps}/deployments")
    names = [item["metadata"]["name"] for folder in folders for item in cluster.api.items(folder)]
    assert [name for name in names if name.startswith(PREFIX)] == []
