"""Traffic: what users ask, and whether they are answered."""

from __future__ import annotations

from pathlib import Path

from pytest_bdd import given, then, when

from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.scene.acts import load
from aftershock.scene.traffic import Traffic


@given(
    phrase(
        "{users:d} users load {service:Locustfile} at {rate:g} requests per second each for {time:Duration}"
    )
)
@when(
    phrase(
        "{users:d} users load {service:Locustfile} at {rate:g} requests per second each for {time:Duration}"
    )
)
@means(load)
def users_load_service(traffic: Traffic, users: int, service: Path, rate: float, time: float) -> None:
    """Start the locustfile of that name against the service of that name; goes on while later steps run."""
    traffic.start(service, users=users, rate=rate, duration_s=time)


@given(phrase("a client watches {workload}"))
def client_watches(traffic: Traffic, workload: str) -> None:
    """Ask the service many times a second, each time on a new connection, until the scenario ends."""
    traffic.watch(workload)


@then(phrase("{workload} answers throughout"))
def service_answers(traffic: Traffic, workload: str) -> None:
    """Hold that not one of the watching client's requests failed."""
    traffic.answered(workload)
