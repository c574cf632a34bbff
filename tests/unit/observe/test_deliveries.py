from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from aftershock.errors import QueryError, TransientError
from aftershock.observe.alertmanager import Alertmanager, WebhookLog
from aftershock.observe.deliveries import record_deliveries
from aftershock.observe.prometheus import Prometheus, Series
from aftershock.testing import FakeClock
from aftershock.timeline import Timeline

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


class Counters:
    """A Prometheus that has these samples, or refuses."""

    def __init__(self, refusal: Exception | None = None, **found: list[float]) -> None:
        self.refusal = refusal
        self.found = found

    def samples(self, selector: str, **_: Any) -> list[Series]:
        if self.refusal:
            raise self.refusal
        short = selector.split("_", maxsplit=1)[0]
        values = self.found.get(short if "dropped" not in selector else "dropped", [])
        samples = tuple(enumerate(values))
        return [Series(labels={"integration": "slack", "job": "x"}, samples=samples)] if values else []


class Asked:
    """An Alertmanager or a webhook that answers, or does not."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal = refusal

    def record(self, timeline: Timeline) -> None:
        if self.refusal:
            raise self.refusal
        timeline.record("alertmanager", "am-alerts", alerts=[])

    def notifications(self, since: datetime) -> list[Any]:
        if self.refusal:
            raise self.refusal
        return []


@pytest.fixture
def timeline(tmp_path: Path) -> Iterator[Timeline]:
    timeline = Timeline(tmp_path / "timeline.jsonl", clock=FakeClock())
    yield timeline
    timeline.close()


def look(
    timeline: Timeline, counters: Counters, alertmanager: Asked | None, webhook: Asked | None
) -> dict[str, str]:
    event = record_deliveries(
        timeline,
        prometheus=cast("Prometheus", counters),
        alertmanager=cast("Alertmanager | None", alertmanager),
        webhook=cast("WebhookLog | None", webhook),
        since=SINCE,
        until=UNTIL,
    )
    return dict(event.data["problems"])


def test_nothing_is_wrong(timeline: Timeline) -> None:
    assert look(timeline, Counters(alertmanager=[3, 3, 3]), Asked(), Asked()) == {}
    assert [event.kind for event in timeline] == ["am-alerts", "deliveries"]


def test_who_is_away_is_said(timeline: Timeline) -> None:
    down = TransientError("http://am does not answer", found="refused")
    assert look(timeline, Counters(), Asked(down), Asked()) == {
        "alertmanager": "Alertmanager cannot be asked: http://am does not answer (refused)"
    }
    broken = QueryError("http://hook answers 500", status=500)
    assert look(timeline, Counters(), Asked(), Asked(broken)) == {
        "webhook": "the webhook cannot be asked: http://hook answers 500"
    }
    problems = look(timeline, Counters(), None, None)
    assert problems == {
        "alertmanager": "there is no Alertmanager that can be asked",
        "webhook": "there is no webhook that can be asked",
    }


def test_receivers_that_failed_are_counted_across_a_restart(timeline: Timeline) -> None:
    problems = look(timeline, Counters(alertmanager=[3, 5, 1], dropped=[0, 2]), Asked(), Asked())
    assert problems == {
        "receivers": "notifications failed: 3 by slack",
        "prometheus": "Prometheus did not reach Alertmanager 2 times",
    }


def test_a_prometheus_that_refuses_leaves_it_open(timeline: Timeline) -> None:
    problems = look(timeline, Counters(TransientError("no answer")), Asked(), Asked())
    assert problems == {"receivers": "whether receivers failed is not known: no answer"}
