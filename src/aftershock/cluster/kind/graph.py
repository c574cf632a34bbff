"""A graph of tasks, done as soon as what they need is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter

__all__ = ["Task", "run_graph"]


@dataclass(frozen=True)
class Task:
    """A piece of work: `needs` are the names of those that come before it.

    Of those that `compiles`, one runs at a time: the compiler fills the cores by itself.
    """

    needs: tuple[str, ...]
    run: Callable[[], object]
    compiles: bool = False


def run_graph(tasks: Mapping[str, Task], *, stop: Callable[[], None] = lambda: None) -> None:
    """Do all `tasks`: one compilation at a time, a few others beside it.

    A need that is no task is taken as met. When a task fails, or we are interrupted, no
    other begins, `stop` is called to end those that run, and the error is raised.

    Raises:
        graphlib.CycleError: tasks need one another; none was begun.

    """
    order = TopologicalSorter(
        {name: [need for need in task.needs if need in tasks] for name, task in tasks.items()}
    )
    order.prepare()
    running: dict[Future[object], str] = {}
    compilers = ThreadPoolExecutor(1, "compile")
    others = ThreadPoolExecutor(max(2, (os.cpu_count() or 2) // 2), "image")
    try:
        while order.is_active():
            for name in order.get_ready():
                pool = compilers if tasks[name].compiles else others
                running[pool.submit(tasks[name].run)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                order.done(running.pop(future))
    except BaseException:
        # Whoever waits for the answer should not wait for a compiler that nobody wants any more.
        stop()
        raise
    finally:
        for pool in (compilers, others):
            pool.shutdown(wait=True, cancel_futures=True)
