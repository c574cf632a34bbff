"""The run's Lease: one run at a time, and what a dead run's is worth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aftershock.cluster.api import Json
from aftershock.errors import RefusedError
from aftershock.faults.lease import LASTS_S, RUN_LEASE, Lapses, RunLease, await_no_run
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi


def lease(holder: str | None, renewed: int = 0) -> Json:
    spec = {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": LASTS_S}
    return {"metadata": {"name": "aftershock-run"}, "spec": spec}


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def held_by(api: FakeApi, holder: str) -> None:
    api.add(RUN_LEASE.rpartition("/")[0], lease(holder))


@pytest.fixture
def run(api: FakeApi, clock: FakeClock) -> Iterator[RunLease]:
    mine = RunLease(api, "mine", clock=clock)
    yield mine
    mine.release()


class TestLapses:
    def test_a_lease_is_held_until_it_has_not_changed_for_as_long_as_it_lasts(self, clock: FakeClock) -> None:
        lapses = Lapses(clock)
        assert lapses.holder(lease("a")) == "a"
        clock.sleep(LASTS_S - 1)
        assert lapses.holder(lease("a")) == "a"
        clock.sleep(2)
        assert lapses.holder(lease("a")) == ""

    def test_a_renewal_begins_a_new_term_whatever_time_it_tells(self, clock: FakeClock) -> None:
        lapses = Lapses(clock)
        lapses.holder(lease("a", 7_000))
        clock.sleep(LASTS_S - 1)
        assert lapses.holder(lease("a", 6_000)) == "a"
        clock.sleep(LASTS_S - 1)
        assert lapses.holder(lease("a", 6_000)) == "a"

    @pytest.mark.parametrize("none", [None, lease(None), {"metadata": {}, "spec": {}}])
    def test_nobody(self, clock: FakeClock, none: Json | None) -> None:
        assert Lapses(clock).holder(none) == ""


class TestHold:
    def test_a_free_cluster(self, api: FakeApi, run: RunLease) -> None:
        run.hold()
        assert api.get(RUN_LEASE)["spec"]["holderIdentity"] == "mine"
        run.release()
        assert "holderIdentity" not in api.get(RUN_LEASE)["spec"]

    def test_a_dead_runs_lease_is_taken_over_once_it_has_lapsed(
        self, api: FakeApi, run: RunLease, clock: FakeClock
    ) -> None:
        held_by(api, "dead")
        run.hold()
        assert LASTS_S < clock.monotonic() < LASTS_S + 2
        assert api.get(RUN_LEASE)["spec"]["holderIdentity"] == "mine"

    def test_a_live_run_is_not_disturbed(self, api: FakeApi, run: RunLease, clock: FakeClock) -> None:
        api.renewing.add(RUN_LEASE)
        with pytest.raises(RefusedError, match="another run is under way: x"):
            run.hold()
        assert clock.monotonic() < 2
        assert api.calls == []

    def test_what_this_run_holds_already_is_renewed_and_not_given_back(
        self, api: FakeApi, run: RunLease
    ) -> None:
        held_by(api, "mine")
        run.hold()
        assert api.get(RUN_LEASE)["spec"]["renewTime"] != 0
        run.release()
        assert api.get(RUN_LEASE)["spec"]["holderIdentity"] == "mine"

    def test_somebody_who_was_quicker_wins(self, api: FakeApi, run: RunLease) -> None:
        def steal(method: str, path: str) -> None:
            if path.startswith("/api/v1/namespaces/"):
                held_by(api, "thief")

        api.on_change = steal
        with pytest.raises(RefusedError, match="at this very moment"):
            run.hold()


def test_recover_waits_for_a_dead_run_and_not_for_a_live_one(api: FakeApi, clock: FakeClock) -> None:
    assert await_no_run(api, clock=clock) is None
    held_by(api, "dead")
    assert await_no_run(api, clock=clock) is not None
    assert clock.monotonic() > LASTS_S
    api.renewing.add(RUN_LEASE)
    with pytest.raises(RefusedError):
        await_no_run(api, clock=clock)
