"""What the proofs of the faults share: the state before, a run's injector, and harnesses to be killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from aftershock.cluster.api import KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.faults.injector import Injector
from aftershock.faults.lease import RUN_LEASE
from tests.cluster.conftest import Project
from tests.cluster.harness import Doomed, Trial, harness, new_run
from tests.cluster.state import state_of


@pytest.fixture
def before(api: KubeApi) -> dict[str, object]:
    """What a fault could change, before it did."""
    return state_of(api)


@pytest.fixture
def injector(cluster: Cluster, api: KubeApi, project: Project) -> Iterator[Injector]:
    """What a run injects with; it takes back what a test leaves."""
    with harness(cluster, project.reports, run_id=new_run()) as made:
        yield made


@pytest.fixture
def doom(api: KubeApi, project: Project) -> Iterator[Callable[..., Doomed]]:
    """What begins a harness that is to be killed with these trials; none outlives the test."""
    begun: list[Doomed] = []

    def begin(*trials: Trial) -> Doomed:
        begun.append(Doomed(project.reports, *trials))
        return begun[-1]

    yield begin
    for doomed in begun:
        doomed.put_down()
    # The next one would watch a dead run's Lease for 15 s before it takes it.
    lease = api.find(RUN_LEASE)
    if lease is not None and lease["spec"].get("holderIdentity") in {doomed.run_id for doomed in begun}:
        api.delete(RUN_LEASE)
