"""The forecast in the timeline: written, read again, the same."""

from __future__ import annotations

import json

from aftershock.forecast.beat import Bounds, Delay
from aftershock.forecast.kept import KeptAlert, kept_alerts, to_data
from aftershock.forecast.objectives import Expectation
from aftershock.forecast.routing import Notify
from tests.unit.forecast.test_alerts import DELAY, NOON, path, s, source


def test_it_is_read_as_it_was_written() -> None:
    kept = KeptAlert(
        alert="A",
        paths=(
            path(
                source(1.0, instance="a"), notify=(Notify(receiver="x"),), lasts_s=120.0, second_sample=None
            ),
        ),
        delays={"kube_reason": Delay(earliest_s=0.5, usual_s=2.5, latest_s=6, by="carrier")},
    )
    expected = Expectation(what="A fires", bounds=Bounds(earliest_s=1.0), limit_s=30.0, unknown=("x",))
    data = to_data([kept], [expected])
    again = json.loads(json.dumps(data))
    assert again == data
    assert kept_alerts(again) == {"A": kept}
    assert again["expectations"][0]["bounds"]["earliest_s"] == 1.0


def test_of_several_rules_the_first_to_fire_counts() -> None:
    kept = KeptAlert(alert="A", paths=(path(for_s=10.0), path()), delays=DELAY)
    firing = kept.fires_after(NOON)
    assert firing is not None
    assert firing.point == NOON + s(8)
    half = KeptAlert(alert="A", paths=(path(), path(evaluated=None)), delays=DELAY).fires_after(NOON)
    assert half is not None
    assert half.point is None


def test_without_a_rule_there_is_no_forecast() -> None:
    assert KeptAlert(alert="A", paths=(), delays={}).fires_after(NOON) is None
