"""Alerts: that they fire, that they resolve, and that the others stay silent."""

from __future__ import annotations

from pytest_bdd import then

from aftershock.collect.meaning import means
from aftershock.collect.types import phrase
from aftershock.forecast.objectives import AlertFires, AlertResolves
from aftershock.scene.alert_names import Silent, Told
from aftershock.scene.alerts import Alerts


@then(phrase("{alert:w} fires within {limit:Duration}"))
@means(lambda alert, limit: AlertFires(alert=alert, within_s=limit))
def alert_fires(alerts: Alerts, alert: str, limit: float) -> None:
    """Hold that the alert fires, counted from the fault, by Prometheus' own samples.

    As in: Then PodOOMKilled fires within 30 seconds
    """
    alerts.fires(alert, within_s=limit)


@then(phrase("{alert:w} resolves within {limit:Duration}"))
@means(lambda alert, limit: AlertResolves(alert=alert, within_s=limit))
def alert_resolves(alerts: Alerts, alert: str, limit: float) -> None:
    """Hold that the alert stops firing, counted from when it fired.

    As in: Then PodOOMKilled resolves within 3 minutes
    """
    alerts.resolves(alert, within_s=limit)


@then(phrase("{alert:w} fires for {workload} within {limit:Duration}"))
@means(lambda alert, workload, limit: AlertFires(alert=alert, within_s=limit, of=workload))
def alert_fires_for(alerts: Alerts, *, alert: str, workload: str, limit: float) -> None:
    """Hold that the alert fires for that workload, which need not be what the fault hit.

    As in: Then HighErrorRate fires for productpage within 2 minutes
    """
    alerts.fires(alert, within_s=limit, of=workload)


@then(phrase("{alert:w} resolves for {workload} within {limit:Duration}"))
@means(lambda alert, workload, limit: AlertResolves(alert=alert, within_s=limit, of=workload))
def alert_resolves_for(alerts: Alerts, *, alert: str, workload: str, limit: float) -> None:
    """Hold that the alert stops firing for that workload, counted from when it fired.

    As in: Then HighErrorRate resolves for productpage within 3 minutes
    """
    alerts.resolves(alert, within_s=limit, of=workload)


@then(phrase("{alert:w} reaches the {receiver} receiver within {limit:Duration}"))
@means(lambda alert, receiver, **_: Told(alert=alert, receiver=receiver))
def alert_reaches(alerts: Alerts, alert: str, receiver: str, limit: float) -> None:
    """Hold that the receiver is told of the alert, counted from its firing.

    As in: Then NodeDown reaches the critical receiver within 10 seconds
    """
    alerts.reaches(alert, receiver, within_s=limit)


@then(phrase("the {receiver} receiver hears within {limit:Duration} that {alert:w} is over"))
@means(lambda alert, receiver, **_: Told(alert=alert, receiver=receiver))
def receiver_hears(alerts: Alerts, receiver: str, limit: float, alert: str) -> None:
    """Hold that the receiver is told of the alert's end, counted from it.

    As in: Then the critical receiver hears within 20 seconds that NodeDown is over
    """
    alerts.is_over_for(receiver, alert, within_s=limit)


@then(phrase("{alert:w} is held back"))
@means(lambda alert: Told(alert=alert))
def alert_is_held_back(alerts: Alerts, alert: str) -> None:
    """Hold that the alert fires and nobody is told, because another says it already.

    As in: Then NodeMemoryPressure is held back
    """
    alerts.is_held_back(alert)


@then("no other alert fires")
@then("no alert fires")
@means(Silent)
def nothing_else_fires(alerts: Alerts) -> None:
    """Hold that no alert fired that no step has named, from the start of the scenario until now.

    As in: Then no other alert fires
    As in: Then no alert fires
    """
    alerts.stay_silent()
