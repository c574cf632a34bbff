"""Every transition of a pod is in the timeline or inside a recorded gap, whatever happens on the way.

On an API server of its own, from the programs that `aftershock up` has built; the truth is
its audit log.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aftershock.clock import pause
from aftershock.cluster.kind.catalogue import load_catalogue
from aftershock.cluster.kind.programs import Programs
from aftershock.cluster.progress import Progress
from aftershock.config import project_root, state_dir
from aftershock.observe.recorder import Recorder
from aftershock.timeline import Event, Timeline
from benchmarks.recorder.accounting import Account, account, read_audit
from benchmarks.recorder.control_plane import ControlPlane
from benchmarks.recorder.pods import Changes, Population
from benchmarks.recorder.trouble import Trouble
from benchmarks.recorder.wire import Wire

NAMESPACES = ("one", "two")
PODS = 200
PER_S = 40.0
SETTLE_S = 1.0


class Scene:
    """An API server with pods that change, watched through a wire that can be cut."""

    def __init__(self, plane: ControlPlane, timeline: Timeline) -> None:
        self.plane = plane
        self.timeline = timeline
        self.wire = Wire(plane.port)
        self.trouble = Trouble(plane=plane, wire=self.wire, calm_s=4.0, compact_every_s=0.1)
        self.population = Population(plane.api(), namespaces=NAMESPACES, nodes=0)
        self.population.make(PODS)
        self.recorder = Recorder(
            plane.api(self.wire.port), timeline, namespaces=NAMESPACES, kinds=["pod", "node"]
        )
        self.changes = Changes(self.population, per_s=PER_S)

    def begin(self) -> None:
        self.recorder.start()
        self.since = self.timeline.clock.now()
        self.changes.start()

    def end(self) -> Account:
        self.changes.stop()
        pause(SETTLE_S)
        left = {item["metadata"]["uid"] for item in self.population.items()}
        self.recorder.stop()
        return account(self.timeline, read_audit(self.plane.audit_log), left=left, since=self.since)

    def gaps(self) -> list[Event]:
        return self.timeline.select(kind="gap")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    programs = Programs(
        catalogue=load_catalogue(project_root(Path(__file__).parent)),
        state=state_dir(),
        log=tmp_path / "build.log",
        progress=Progress(),
    )
    timeline = Timeline(tmp_path / "timeline.jsonl")
    with ControlPlane(tmp_path / "plane", programs=programs, kwok=False) as plane:
        scene = Scene(plane, timeline)
        try:
            yield scene
        finally:
            scene.wire.close()
            timeline.close()


def test_nothing_is_lost_while_nothing_goes_wrong(scene: Scene) -> None:
    scene.begin()
    pause(17)  # longer than one watch lasts
    result = scene.end()
    assert result.seen["ready"] > 100
    assert result.seen["deletion"] > 10
    assert result.lost_writes == []
    assert (result.in_gap.total(), result.told_wrong, result.invented, result.late) == (0, 0, 0, [])
    assert scene.gaps() == []


def test_nothing_is_lost_through_cuts_a_restart_and_compactions(scene: Scene) -> None:
    scene.begin()
    scene.trouble.cut(2.0)
    assert scene.wire.port != scene.plane.port
    scene.trouble.silence(3.0)
    scene.trouble.compact(32.0)  # longer than a watch lasts; it restarts the API server first
    result = scene.end()
    assert result.lost_writes == []
    assert (result.told_wrong, result.invented, result.late) == (0, 0, [])
    assert result.seen.total() > 3 * result.in_gap.total() > 0
    gaps = [gap for gap in scene.gaps() if gap.data["resource"] == "pod"]
    assert all(gap.data["until"] for gap in gaps)
    for namespace in NAMESPACES:
        reasons = [gap.data["reason"] for gap in gaps if gap.data["namespace"] == namespace]
        lost = [reason for reason in reasons if "broke" in reason or "does not answer" in reason]
        assert len(lost) >= 3, "\n".join(reasons)  # cut, silence, restart
        assert any("410" in reason for reason in reasons), reasons


def test_record_that_ends_in_silence_owns_up_to_it(scene: Scene) -> None:
    scene.begin()
    pause(3)
    scene.wire.silence()
    pause(3)
    result = scene.end()
    assert result.lost_writes == []
    assert result.in_gap["ready"] > 10
    assert {gap.data["until"] for gap in scene.gaps()} == {None}
