"""Traffic: what users ask, and how they are answered."""

from __future__ import annotations

from pathlib import Path

from pytest_bdd import given, then, when

from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.judge.load_record import Phase
from aftershock.load.spec import Demand
from aftershock.scene.acts import Looks, load, users_load
from aftershock.scene.traffic import Traffic

USERS_LOAD = phrase(
    "{users:Users} users load {service:Locustfile} at {rate:UserRate} requests per second each "
    "for {time:LoadTime}"
)
SERVICE_GETS = phrase("{service:Locustfile} gets {demand:Demand} for {time:LoadTime}")


@given(USERS_LOAD)
@when(USERS_LOAD)
@means(users_load)
def users_load_service(traffic: Traffic, users: int, service: Path, rate: float, time: float) -> None:
    """Start the locustfile of that name against the service of that name; goes on while later steps run.

    As in: Given 20 users load nginx-web at 1 requests per second each for 60 seconds
    As in: When 100 users load nginx-web at 2 requests per second each for 90 seconds
    """
    traffic.start(service, Demand(users=users, rate_per_user=rate), duration_s=time)


@given(SERVICE_GETS)
@when(SERVICE_GETS)
@means(load)
def service_gets(traffic: Traffic, service: Path, demand: Demand, time: float) -> None:
    """Start that load, at a rate whatever the service does or by users who wait for their answers.

    As in: Given nginx-web gets 200 requests/s for 60 seconds
    """
    traffic.start(service, demand, duration_s=time)


@when(phrase("the load goes on for {time:Duration}"))
def load_goes_on(traffic: Traffic, time: float) -> None:
    """Let that time pass under load, so that there is something to compare with.

    As in: When the load goes on for 10 seconds
    """
    traffic.go_on(time)


@given(phrase("a client watches {workload}"))
@means(lambda workload: Looks(service=workload))
def client_watches(traffic: Traffic, workload: str) -> None:
    """Ask the service many times a second, each time on a new connection, until the scenario ends.

    As in: Given a client watches nginx-web
    """
    traffic.watch(workload)


@then(phrase("{workload} answers throughout"))
def service_answers(traffic: Traffic, workload: str) -> None:
    """Hold that not one of the watching client's requests failed.

    As in: Then nginx-web answers throughout
    """
    traffic.answered(workload)


@then(phrase("{percent:Percentile} of {workload} {phase:Phase} stays below {limit:Duration}"))
def latency_stays_below(traffic: Traffic, percent: float, workload: str, phase: Phase, limit: float) -> None:
    """Hold that so many of the load's requests in that phase were answered in time, since they were due.

    As in: Then p95 of nginx-web during the fault stays below 200 ms
    """
    traffic.stays_below(workload, percent=percent, limit_s=limit, phase=phase)


@then(phrase("fewer than {percent:g} % of the requests to {workload} fail {phase:Phase}"))
def few_requests_fail(traffic: Traffic, percent: float, workload: str, phase: Phase) -> None:
    """Hold the share of the load's requests in that phase that failed.

    As in: Then fewer than 1 % of the requests to nginx-web fail during the fault
    """
    traffic.fail_below(workload, percent=percent, phase=phase)


@then(phrase("{workload} answers at least {rate:g} requests/s {phase:Phase}"))
def answers_at_least(traffic: Traffic, workload: str, rate: float, phase: Phase) -> None:
    """Hold how many of the load's requests in that phase were answered well, per second.

    As in: Then nginx-web answers at least 190 requests/s throughout
    """
    traffic.answers(workload, rps=rate, phase=phase)


@then(phrase("{workload} spends at most {percent:g} % of the month's error budget"))
def service_spends(traffic: Traffic, workload: str, percent: float) -> None:
    """Hold what the watching client lost, in time and in requests, against the service's objective.

    As in: Then nginx-web spends at most 5 % of the month's error budget
    """
    traffic.spends(workload, percent=percent)
