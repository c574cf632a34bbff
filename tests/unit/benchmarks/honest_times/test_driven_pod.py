from __future__ import annotations

import asyncio
import threading
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest

from aftershock.clock import SystemClock, wait_until
from aftershock.errors import AftershockError
from aftershock.observe.client_probe import Answer, ask
from benchmarks.honest_times.driven_pod import DrivenServer
from benchmarks.honest_times.driven_pods import DrivenPod, Interval
from benchmarks.honest_times.trials import Outage, Schedule, Trial


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a client was told, and when it asked and had the answer."""

    sent: datetime
    received: datetime
    answer: Answer


@pytest.fixture
def pod() -> Iterator[DrivenPod]:
    loop = asyncio.new_event_loop()
    server = DrivenServer(host="127.0.0.1", app_port=0, control_port=0)
    app, control = loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield DrivenPod(
        name="driven-0",
        pod="driven-0-x",
        url=f"http://127.0.0.1:{app}/",
        control=f"http://127.0.0.1:{control}",
    )
    loop.call_soon_threadsafe(server.stop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def driven(pod: DrivenPod, *outages: Outage) -> tuple[list[Asked], list[Interval]]:
    """Drive the pod and ask it as fast as it goes until its schedule is over."""
    pod.drive(Schedule(trials=(Trial(kind="1 s", outages=outages),)))
    asked: list[Asked] = []

    def over() -> list[Interval] | None:
        sent = datetime.now(UTC)
        answer = ask(pod.url, timeout_s=1.0, clock=SystemClock())
        asked.append(Asked(sent=sent, received=datetime.now(UTC), answer=answer))
        try:
            return pod.outages()
        except AftershockError:
            return None

    return asked, wait_until(over, within_s=5, every_s=0.005, what="the schedule to be over")


@pytest.mark.parametrize(
    ("how", "down"),
    [("unavailable", Answer(ok=False, status=503)), ("refused", Answer(ok=False, error="refused"))],
)
def test_its_log_says_when_answers_changed(pod: DrivenPod, how: str, down: Answer) -> None:
    asked, outages = driven(pod, Outage(after_s=0.1, for_s=0.2, how=how))  # type: ignore[arg-type]  # by name

    (outage,) = outages
    assert outage.length_s == pytest.approx(0.2, abs=0.1)
    within = [one.answer for one in asked if one.sent > outage.begin and one.received < outage.end]
    without = [one.answer for one in asked if one.received < outage.begin or one.sent > outage.end]
    assert len(within) > 5
    assert set(within) == {down}
    assert without
    assert set(without) == {Answer(ok=True, status=200)}


def test_overlapping_outages_are_one_from_the_first_to_the_last(pod: DrivenPod) -> None:
    asked, outages = driven(
        pod,
        Outage(after_s=0.2, for_s=1.0, how="refused"),
        Outage(after_s=0.7, for_s=1.0, how="unavailable"),
    )

    assert [outage.length_s for outage in outages] == [pytest.approx(1.5, abs=0.3)]
    # What was asked before and is answered within it gets a 503, whichever outage it is.
    bad = [one.answer for one in asked if not one.answer.ok and one.sent > outages[0].begin]
    assert bad[0].error == "refused"
    assert bad[-1].status == 503


def test_a_new_schedule_forgets_the_one_before(pod: DrivenPod) -> None:
    driven(pod, Outage(after_s=0.0, for_s=0.05, how="unavailable"))
    pod.drive(Schedule(trials=(Trial(kind="1 s", outages=(Outage(after_s=30, for_s=1, how="refused"),)),)))

    with pytest.raises(AftershockError, match="has not come to the end"):
        pod.outages()
    assert ask(pod.url, timeout_s=1.0, clock=SystemClock()).ok


def test_what_it_does_not_know_is_not_found(pod: DrivenPod) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urlopen(f"{pod.control}/other", timeout=5)
