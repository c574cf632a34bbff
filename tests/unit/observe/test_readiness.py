"""What `up` waits for of the monitoring."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.cluster.connection import Cluster, Endpoint, Monitoring
from aftershock.config import Settings
from aftershock.errors import EnvironmentUnusableError
from aftershock.observe import readiness
from aftershock.observe.readiness import monitoring_ready
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi

MONITOR = {"kind": "ServiceMonitor", "metadata": {"namespace": "autorecovery", "name": "autorecovery"}}
RULES = {"kind": "PrometheusRule", "spec": {"groups": [{"rules": [{"alert": "Late"}, {"record": "r"}]}]}}


class Loading:
    """A Prometheus that has what the operator gave it after `after_s` seconds."""

    def __init__(self, clock: FakeClock, after_s: float) -> None:
        self.clock, self.after_s = clock, after_s

    def rules(self) -> list[dict[str, Any]]:
        return [{"rules": [{"name": "Late"}]}] if self.clock.elapsed >= self.after_s else []

    def targets(self) -> list[dict[str, Any]]:
        pools = ["podMonitor/monitoring/prometheus/0"]
        pools += ["serviceMonitor/autorecovery/autorecovery/0"] if self.clock.elapsed >= self.after_s else []
        return [{"health": "up", "scrapePool": pool, "scrapeUrl": "http://it"} for pool in pools]


@pytest.fixture
def loading(monkeypatch: pytest.MonkeyPatch) -> Any:
    def loads(after_s: float) -> FakeClock:
        clock = FakeClock()
        monitoring = Monitoring(namespace="monitoring", prometheus=Endpoint(url="http://it"))
        cluster = Cluster(
            context="c",
            provider="kind",
            kubeconfig="",
            api=FakeApi(),
            monitoring=monitoring,
        )
        monkeypatch.setattr(readiness, "connect", lambda _: cluster)
        monkeypatch.setattr(readiness, "Prometheus", lambda _: Loading(clock, after_s))
        return clock

    return loads


@pytest.mark.parametrize("items", [[MONITOR], [RULES], [MONITOR, RULES]])
def test_what_was_deployed_last_is_waited_for(loading: Any, items: list[dict[str, Any]]) -> None:
    clock = loading(60.0)
    monitoring_ready(Settings(), items, clock=clock)
    assert clock.elapsed == pytest.approx(60.0)


def test_a_monitor_without_a_target_is_named(loading: Any) -> None:
    with pytest.raises(EnvironmentUnusableError) as caught:
        monitoring_ready(Settings(), [MONITOR], clock=loading(1e6))
    assert caught.value.found == "serviceMonitor/autorecovery/autorecovery has no target"
