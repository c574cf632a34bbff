"""A graph of tasks, done as soon as what they need is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

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
    """
    waiting = dict(tasks)
    running: dict[Future[object], str] = {}
    done: set[str] = set()
    compilers = ThreadPoolExecutor(1, "compile")
    others = ThreadPoolExecutor(max(2, (os.cpu_count() or 2) // 2), "image")
    try:
        while waiting or running:
            for name in [name for name, task in waiting.items() if _free(task, tasks, done)]:
                task = waiting.pop(name)
                running[(compilers if task.compiles else others).submit(task.run)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                done.add(running.pop(future))
                future.result()
    except BaseException:
        # Whoever waits for the answer should not wait for a compiler that nobody wants any more.
        stop()
        raise
    finally:
        for pool in (compilers, others):
            pool.shutdown(wait=True, cancel_futures=True)


def _free(task: Task, tasks: Mapping[str, Task], done: set[str]) -> bool:
    return all(need in done or need not in tasks for need in task.needs)
