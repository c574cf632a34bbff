"""The injector: the order of things, the proof, and the undo whatever happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from aftershock.cluster.targets import Target
from aftershock.errors import FaultError, RefusedError, ResidueError, TransientError
from aftershock.faults import halting, marks
from aftershock.faults.injector import Injector
from aftershock.faults.journal import Journal, Record
from aftershock.faults.lease import RUN_LEASE
from aftershock.faults.protocol import Plan, Proof, Switch
from aftershock.faults.switch import REAPER_LEASE
from aftershock.faults.tools import tools
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, pod
from aftershock.timeline import Event, Timeline

POD = Target(kind="pod", namespace="demo", name="web-0", uid="u0")


class Bench:
    """A fault and its undo that write down what is asked of them, in one list."""

    name = "bench"

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.calls: list[str] = []
        self.lands_at: float | None = 0.0
        self.lands_within_s = 60.0
        self.act_fails = False
        self.left_until = 0.0
        self.undo_refusals = 0
        self.journal: Journal | None = None
        self.switch: Switch = "carrier"
        self.on_disk_at_act: list[Record] = []

    def plan(self) -> Plan:
        self.calls.append("plan")
        return Plan(
            fault="bench",
            targets=(POD,),
            undo={"a": 1},
            expires_after_s=60,
            blast_radius="one pod",
            switch=self.switch,
            serial="1",
            lands_within_s=self.lands_within_s,
        )

    def inject(self, plan: Plan, record: Record) -> None:
        self.calls.append("inject")
        if self.journal:
            self.on_disk_at_act = list(self.journal.latest())
        self.clock.sleep(2)
        if self.act_fails:
            raise FaultError("it does not budge")

    def landed(self, plan: Plan) -> Proof:
        self.calls.append("landed")
        holds = self.lands_at is not None and self.clock.monotonic() >= self.lands_at
        return Proof(holds=holds, source="a peer", facts={"hit": holds})

    def undo(self, record: Record) -> None:
        self.calls.append(f"undo {record.fault_id}")
        if self.undo_refusals:
            self.undo_refusals -= 1
            raise TransientError("the API server does not answer")

    def undone(self, record: Record) -> Proof:
        return Proof(
            holds=self.clock.monotonic() >= self.left_until, source="a peer", facts={"left": "carrier"}
        )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock)


@pytest.fixture
def timeline(clock: FakeClock) -> Timeline:
    return Timeline(clock=clock)


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    fake.add_pods(pod("web-0", metadata={"uid": "u0"}))
    return fake


@pytest.fixture
def injector(tmp_path: Path, api: FakeApi, bench: Bench, timeline: Timeline) -> Iterator[Injector]:
    journal = Journal(tmp_path / "journal.jsonl")
    bench.journal = journal
    injector = Injector(
        tools(api, clock=bench.clock),
        run_id="run1",
        journal=journal,
        timeline=timeline,
        check=lambda targets, disturbs: bench.calls.append(f"check {targets[0]}"),
        undos={"bench": bench},
    )
    yield injector
    injector.lease.release()


def marked(api: FakeApi) -> bool:
    return "aftershock.dev/marked" in api.get("/api/v1/namespaces/demo/pods/web-0")["metadata"]["labels"]


def states(injector: Injector) -> list[str]:
    return [record.state for record in injector.journal.latest()]


class TestInject:
    def test_guard_before_journal_before_act_before_proof(self, injector: Injector, bench: Bench) -> None:
        injection = injector.inject(bench)
        assert bench.calls == ["plan", "check pod/demo/web-0", "inject", "landed"]
        assert [record.state for record in bench.on_disk_at_act] == ["planned"]
        assert bench.on_disk_at_act[0].undo == {"a": 1}
        assert states(injector) == ["injected"]
        assert injection.proof.facts == {"hit": True}
        assert injection.record.fault_id == "bench-1"

    def test_a_refusal_leaves_no_trace(self, injector: Injector, bench: Bench, timeline: Timeline) -> None:
        def refuse(targets: object, *, disturbs: bool) -> None:
            raise RefusedError(f"no: {targets}, {disturbs}")

        injector.check = refuse
        with pytest.raises(RefusedError):
            injector.inject(bench)
        assert "inject" not in bench.calls
        assert not injector.journal.path.exists()
        assert len(timeline) == 0

    def test_a_fault_that_nobody_can_undo_is_not_injected(self, injector: Injector, bench: Bench) -> None:
        injector.undos = {}
        with pytest.raises(FaultError, match="nobody knows how to undo"):
            injector.inject(bench)
        assert "inject" not in bench.calls

    def test_events_say_when_the_act_began_and_what_proves_it(
        self, injector: Injector, bench: Bench, timeline: Timeline
    ) -> None:
        bench.lands_at = 3.5
        injector.inject(bench)
        seen = [(event.kind, event.subject, event.mono) for event in timeline]
        assert [kind for kind, _, _ in seen] == ["planned", "injecting", "injected", "landed"]
        assert {subject for _, subject, _ in seen} == {"pod/demo/web-0"}
        assert [mono for _, _, mono in seen] == [0, 0, 2, pytest.approx(3.5, abs=0.11)]
        landed = timeline.select(kind="landed")[0].data
        assert (landed["fault_id"], landed["proof"], landed["hit"]) == ("bench-1", "a peer", True)

    def test_without_proof_it_is_an_error_with_the_last_thing_seen(
        self, injector: Injector, bench: Bench, timeline: Timeline
    ) -> None:
        bench.lands_at = None
        bench.lands_within_s = 20
        with pytest.raises(FaultError, match="no proof that bench landed within 20 s") as caught:
            injector.inject(bench)
        assert caught.value.found == "a peer: hit=False"
        assert not timeline.select(kind="landed")
        assert timeline.select(kind="failed")
        assert states(injector) == ["injected"]

    @pytest.mark.parametrize("instead", ["nobody", "another of that name"])
    def test_without_proof_it_says_which_targets_are_gone(
        self, injector: Injector, bench: Bench, api: FakeApi, instead: str
    ) -> None:
        bench.lands_at = None
        inject = bench.inject

        def scaled_down(plan: Plan, record: Record) -> None:
            inject(plan, record)
            api.delete("/api/v1/namespaces/demo/pods/web-0", {})
            if instead != "nobody":
                api.add_pods(pod("web-0", metadata={"uid": "u1"}))

        bench.inject = scaled_down  # type: ignore[method-assign]  # what an HPA does meanwhile
        with pytest.raises(FaultError, match="no proof that bench landed") as caught:
            injector.inject(bench)
        assert caught.value.found.endswith("; gone meanwhile: pod/demo/web-0")

    def test_a_failed_act_stays_open_in_the_journal(self, injector: Injector, bench: Bench) -> None:
        bench.act_fails = True
        with pytest.raises(FaultError, match="budge"):
            injector.inject(bench)
        assert states(injector) == ["planned"]
        injector.undo_all()
        assert "undo bench-1" in bench.calls
        assert states(injector) == ["undone"]

    def test_what_the_fault_tells_enters_the_timeline_even_when_it_did_not_land(
        self, injector: Injector, bench: Bench, clock: FakeClock, timeline: Timeline
    ) -> None:
        def testimony(plan: Plan) -> Iterable[Event]:
            yield Event(
                at=clock.now(), mono=None, source="harness", kind="carrier", data={"event": "refused"}
            )

        bench.testimony = testimony  # type: ignore[attr-defined]  # makes it a Witness
        bench.lands_at = None
        with pytest.raises(FaultError):
            injector.inject(bench)
        assert timeline.select(kind="carrier")[0].data == {"event": "refused"}

    def test_a_silent_witness_is_no_failure(
        self, injector: Injector, bench: Bench, timeline: Timeline
    ) -> None:
        def testimony(plan: Plan) -> Iterable[Event]:
            raise TransientError("no log")

        bench.testimony = testimony  # type: ignore[attr-defined]  # makes it a Witness
        assert injector.inject(bench).proof.holds
        assert timeline.select(kind="silent")


class TestSafety:
    def test_the_target_bears_the_record_before_the_act_and_until_the_undo_is_proven(
        self, injector: Injector, bench: Bench, api: FakeApi
    ) -> None:
        seen: list[bool] = []
        act, undo = bench.inject, bench.undo

        def inject(plan: Plan, record: Record) -> None:
            seen.append(marked(api))
            act(plan, record)

        def take_back(record: Record) -> None:
            seen.append(marked(api))
            undo(record)

        bench.inject, bench.undo = inject, take_back  # type: ignore[method-assign]  # to look in between
        injector.inject(bench)
        (record,) = marks.records(api)
        assert (record.fault_id, record.undo, record.state) == ("bench-1", {"a": 1}, "planned")
        injector.undo_all()
        assert seen == [True, True]
        assert not marked(api)

    def test_one_run_at_a_time(self, injector: Injector, bench: Bench, api: FakeApi) -> None:
        injector.inject(bench)
        assert api.get(RUN_LEASE)["spec"]["holderIdentity"] == "run1"
        injector.undo_all()
        assert "holderIdentity" not in api.get(RUN_LEASE)["spec"]

    def test_nothing_is_injected_while_faults_are_halted(
        self, injector: Injector, bench: Bench, api: FakeApi
    ) -> None:
        halting.halt(injector.tools, reason="deploying")
        with pytest.raises(RefusedError, match="halted") as caught:
            injector.inject(bench)
        assert "deploying" in caught.value.found
        assert bench.calls == []
        assert halting.resume(injector.tools)
        injector.inject(bench)

    def test_a_fault_that_depends_on_the_reaper_needs_it_alive(
        self, injector: Injector, bench: Bench, api: FakeApi
    ) -> None:
        bench.switch = "reaper"
        with pytest.raises(FaultError, match="needs the reaper"):
            injector.inject(bench)
        assert "inject" not in bench.calls
        assert not injector.journal.path.exists()
        assert not marked(api)

    def test_a_reaper_that_renews_its_lease_is_alive(
        self, injector: Injector, bench: Bench, api: FakeApi
    ) -> None:
        bench.switch = "reaper"
        api.renewing.add(REAPER_LEASE)
        assert injector.inject(bench).proof.holds

    def test_nothing_is_injected_beside_another_run(
        self, injector: Injector, bench: Bench, api: FakeApi
    ) -> None:
        api.renewing.add(RUN_LEASE)
        with pytest.raises(RefusedError, match="another run is under way: x"):
            injector.inject(bench)
        assert "inject" not in bench.calls
        assert not injector.journal.path.exists()


class TestUndo:
    def test_is_proven_and_written(self, injector: Injector, bench: Bench, timeline: Timeline) -> None:
        injector.inject(bench)
        injector.undo_all()
        assert states(injector) == ["undone"]
        assert timeline.select(kind="undone")[0].data["proof"] == "a peer"

    def test_twice_does_nothing_the_second_time(self, injector: Injector, bench: Bench) -> None:
        injector.inject(bench)
        injector.undo_all()
        size = injector.journal.path.stat().st_size
        injector.undo_all()
        assert bench.calls.count("undo bench-1") == 1
        assert injector.journal.path.stat().st_size == size

    def test_waits_for_the_proof(self, injector: Injector, bench: Bench, clock: FakeClock) -> None:
        injector.inject(bench)
        bench.left_until = 30
        injector.undo_all()
        assert 30 <= clock.monotonic() < 31

    def test_asks_again_while_the_api_server_is_down(self, injector: Injector, bench: Bench) -> None:
        injector.inject(bench)
        bench.undo_refusals = 5
        injector.undo_all()
        assert bench.calls.count("undo bench-1") == 6

    def test_what_remains_is_listed_and_stays_open(self, injector: Injector, bench: Bench) -> None:
        injector.inject(bench)
        bench.left_until = 10_000
        with pytest.raises(ResidueError) as caught:
            injector.undo_all()
        assert caught.value.exit_code == 11
        assert "bench-1" in caught.value.found
        assert "left=carrier" in caught.value.found
        assert states(injector) == ["injected"]

    def test_latest_first_and_all_of_them_even_if_one_fails(self, injector: Injector, bench: Bench) -> None:
        for number in range(3):
            plan = bench.plan()
            record = Plan(**{**plan.__dict__, "serial": str(number)}).record(
                run_id="run1", now=bench.clock.now()
            )
            injector.journal.write(record)
        good = bench.undo

        def undo(record: Record) -> None:
            good(record)
            if record.fault_id == "bench-1":
                raise FaultError("stuck")

        bench.undo = undo  # type: ignore[method-assign]  # one of the three fails
        with pytest.raises(ResidueError, match="1 of our faults"):
            injector.undo_all()
        assert [call for call in bench.calls if call.startswith("undo")] == [
            "undo bench-2",
            "undo bench-1",
            "undo bench-0",
        ]
        assert states(injector) == ["undone", "planned", "undone"]

    def test_one_fault_can_be_undone_before_the_end(self, injector: Injector, bench: Bench) -> None:
        injection = injector.inject(bench)
        assert injector.undo(injection.record.fault_id).holds
        assert states(injector) == ["undone"]
        with pytest.raises(FaultError, match="no fault 'other'"):
            injector.undo("other")

    def test_a_second_process_undoes_from_the_journal_alone(
        self, injector: Injector, bench: Bench, clock: FakeClock
    ) -> None:
        injector.inject(bench)
        other = Injector(
            injector.tools,
            run_id="run1",
            journal=Journal(injector.journal.path),
            timeline=Timeline(clock=clock),
            check=lambda targets, disturbs: None,
            undos={"bench": bench},
        )
        other.undo_all()
        assert states(injector) == ["undone"]
