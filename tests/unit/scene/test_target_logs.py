"""The logs of what was harmed: whose, how much, and what is said where they cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aftershock.errors import NotFoundError
from aftershock.scene.target_logs import write_target_logs
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi
from tests.conformance.generator import Story, healthy_web
from tests.unit.report.told import RECOVERED


class Logs(FakeApi):
    """Pods that log what they were asked; `takes_s` each, `gone` those that are not there."""

    def __init__(self, clock: FakeClock, *, takes_s: float = 0.0, gone: str = "") -> None:
        super().__init__()
        self.asked: list[dict[str, str]] = []
        self._clock, self._takes_s, self._gone = clock, takes_s, gone

    def text(self, path: str, *, timeout_s: float | None = None, **query: str) -> str:
        self._clock.sleep(self._takes_s)
        self.asked.append(query)
        pod = path.split("/")[-2]
        if pod == self._gone:
            raise NotFoundError(f"GET {path}: 404 Not Found", status=404)
        return f"{pod} says password: hunter22\n" if "previous" not in query else ""


def written(tmp_path: Path, story: Story, verdicts: Any = (), **of_logs: Any) -> dict[str, str]:
    clock = FakeClock()
    api = Logs(clock, **of_logs)
    write_target_logs(tmp_path, api=api, record=story.timeline, verdicts=verdicts, clock=clock)
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(tmp_path.glob("logs/*"))}


def test_the_pods_of_the_workload_that_was_hit_the_restarted_one_first(tmp_path: Path) -> None:
    story = healthy_web().injected(0).pod(3, "web-2", restarts=1, finished=1)
    found = written(tmp_path, story.end(9))
    assert found["web-2.main.previous.log"] == "it wrote nothing\n"
    assert found["web-1.main.log"] == "web-1 says password: <redacted>\n"
    assert set(found) == {f"web-{n}.main.log" for n in (1, 2, 3)} | {"web-2.main.previous.log"}


def test_they_are_bounded_and_begin_with_the_fault(tmp_path: Path) -> None:
    clock = FakeClock()
    api = Logs(clock)
    story = healthy_web(9).injected(0).pod(3, "web-2", restarts=1).end(9)
    write_target_logs(tmp_path, api=api, record=story.timeline, verdicts=(), clock=clock)
    assert len(api.asked) == 7  # six pods, one of which restarted
    assert {(query["tailLines"], query["limitBytes"]) for query in api.asked} == {("200", "65536")}
    assert [query.get("sinceTime") for query in api.asked[:2]] == ["2026-03-01T12:00:00.000000Z", None]


def test_a_workload_that_was_judged_counts_too(tmp_path: Path) -> None:
    story = healthy_web().injected(0, "node/worker").end(9)
    assert not written(tmp_path, story)
    assert len(written(tmp_path, story, [RECOVERED])) == 3


def test_successors_are_asked_and_others_are_not(tmp_path: Path) -> None:
    story = healthy_web(1).pod(-60, "other-1", change="LISTED", workload="other").injected(0)
    story.pod(1, "web-1", change="DELETED").pod(2, "web-9", change="ADDED")
    assert set(written(tmp_path, story.end(9))) == {"web-9.main.log"}


def test_what_cannot_be_had_is_said(tmp_path: Path) -> None:
    found = written(tmp_path, healthy_web(1).injected(0).end(9), gone="web-1")
    assert found["web-1.main.log"].startswith("not to be had: GET ")


def test_a_node_that_does_not_answer_keeps_nobody(tmp_path: Path) -> None:
    found = written(tmp_path, healthy_web(6).injected(0).end(9), takes_s=5.0)
    assert [text.startswith("not asked for") for text in found.values()].count(True) == 3


@pytest.mark.parametrize("story", [healthy_web().end(9), Story()], ids=["no fault", "empty"])
def test_without_a_fault_there_is_nobody_to_ask(tmp_path: Path, story: Story) -> None:
    assert not written(tmp_path, story)
