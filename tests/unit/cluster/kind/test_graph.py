"""The graph: order, one compilation at a time, and what a failure leaves."""

from __future__ import annotations

import threading

import pytest

from aftershock.cluster.kind.graph import Task, run_graph


class Work:
    """Notes what is done, and how much of it at once."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def task(self, name: str, *needs: str, compiles: bool = False) -> Task:
        def run() -> None:
            with self._lock:
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
            threading.Event().wait(0.005)
            with self._lock:
                self.at_once -= 1
                self.done.append(name)

        return Task(needs, run, compiles=compiles)


def test_nothing_to_do() -> None:
    run_graph({})


def test_needs_come_first() -> None:
    work = Work()
    tasks = {
        "node": work.task("node", "core", "web"),
        "web": work.task("web", "base"),
        "core": work.task("core", "base", "go"),
        "go": work.task("go", compiles=True),
        "base": work.task("base"),
    }
    run_graph(tasks)
    assert sorted(work.done) == sorted(tasks)
    for name, task in tasks.items():
        assert all(work.done.index(need) < work.done.index(name) for need in task.needs)


def test_a_need_that_is_no_task_is_met() -> None:
    work = Work()
    run_graph({"a": work.task("a", "there already")})
    assert work.done == ["a"]


def test_one_compilation_at_a_time() -> None:
    work = Work()
    run_graph({f"go:{n}": work.task(f"go:{n}", compiles=True) for n in range(6)})
    assert work.most_at_once == 1
    assert len(work.done) == 6


def test_images_are_made_beside_a_compilation() -> None:
    met = threading.Barrier(2, timeout=10)
    run_graph({"go": Task((), met.wait, compiles=True), "image": Task((), met.wait)})


def test_a_failure_stops_what_has_not_begun_and_keeps_what_is_finished() -> None:
    work = Work()

    def fail() -> None:
        raise OSError("disk full")

    tasks = {
        "base": work.task("base"),
        "broken": Task(("base",), fail),
        "after": work.task("after", "broken"),
    }
    with pytest.raises(OSError, match="disk full"):
        run_graph(tasks)
    assert work.done == ["base"]


def test_a_failure_ends_what_still_runs() -> None:
    stopped = threading.Event()
    running = threading.Event()

    def long() -> None:
        running.set()
        assert stopped.wait(10)

    def fail() -> None:
        assert running.wait(10)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_graph({"long": Task((), long, compiles=True), "broken": Task((), fail)}, stop=stopped.set)
    assert stopped.is_set()


def test_success_stops_nothing() -> None:
    stops: list[int] = []
    run_graph({"a": Work().task("a")}, stop=lambda: stops.append(1))
    assert stops == []
