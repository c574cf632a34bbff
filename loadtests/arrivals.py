"""The open model: requests are due at fixed times, whatever the target does.

Each is sent when it is due, by a visitor who has nothing else to do; where there is none, a
new one comes. So a target that stalls meets as many visitors as in real life, and the time
that each of them waits is counted from when it wanted to ask. What cannot be sent, because too
many wait already or because this process is too busy, is noted as dropped.
"""

from __future__ import annotations

import gc
import math
import os
import random
import time
from typing import TYPE_CHECKING, Any, ClassVar

import gevent
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner
from shapes import SHAPES, due_times

if TYPE_CHECKING:
    from common import WebUser
    from request_log import RequestLog

__all__ = ["Arrivals", "install"]

LATEST_S = 1.0
"""What is this late is no longer sent: this process, not the target, is what is slow."""
MOST_VISITORS = 8000
"""Requests under way at once, at most: each has a connection, and Locust asks for 10,000 open files."""
SPARE_VISITORS = 8
TICK_S = 0.001
"""As finely as the kernel's polling knows time: what is due within it is sent together, and never early."""
AT_ONCE = 32
"""After so many that are due already, others get their turn: answers that have come are read."""


class Arrivals(User):
    """The only user that Locust itself knows: it sends visitors, of the classes in `visitors`.

    `rate` in requests per second is the highest of the shape, all of it; of `workers` in a cluster
    each sends its share.
    """

    abstract = True
    visitors: ClassVar[tuple[type[WebUser], ...]] = ()
    rate: ClassVar[float] = 0.0
    total_s: ClassVar[float] = 0.0
    shape: ClassVar[str] = "constant"
    workers: ClassVar[int] = 1
    log: ClassVar[RequestLog]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.idle: list[WebUser] = []
        self.busy: dict[WebUser, float] = {}
        self.greenlets: dict[WebUser, gevent.Greenlet] = {}
        self.hub = gevent.get_hub()
        patience = max(kind.connection_timeout + kind.network_timeout for kind in self.visitors)
        # As many as can be waiting for an answer at once before the first of them gives up.
        self.most = min(MOST_VISITORS, max(100, math.ceil(self.rate / self.workers * patience)))

    @task
    def send(self) -> None:
        """Send all that is due, wait for the last answers, and end the load."""
        for kind in self.visitors:
            kind.host = self.host
        self.idle = [self._new() for _ in range(SPARE_VISITORS)]
        gc.collect()
        gc.freeze()  # what is there now stays: looking through it again and again only makes us late
        try:
            self._send_all()
            self._wait_for_answers()
        finally:
            for due in self.busy.values():
                self.log.note_unfinished(due)
            gevent.killall(list(self.greenlets.values()), block=False)
        self.log.note_done()
        if isinstance(self.environment.runner, LocalRunner):
            gevent.spawn(self.environment.runner.quit)
        raise StopUser

    def _send_all(self) -> None:
        ours = self.environment.runner.worker_index
        begun = time.monotonic()
        self.log.under_way = 0
        pieces = SHAPES[self.shape]
        times = due_times(pieces, rate=self.rate, total_s=self.total_s, first=ours, every=self.workers)
        for number, after in enumerate(times):
            wait = begun + after - time.monotonic()
            if wait > 0:
                gevent.sleep(max(TICK_S, wait))
            elif number % AT_ONCE == 0:
                gevent.sleep(0)
            self._send(begun + after, late=-wait)

    def _send(self, due: float, *, late: float) -> None:
        full = not self.idle and len(self.busy) >= self.most
        if full or late > LATEST_S:
            self.log.note_dropped(due)
            return
        visitor = self.idle.pop() if self.idle else self._new()
        self.busy[visitor] = visitor.due = due
        self.log.under_way = len(self.busy)
        if visitor in self.greenlets:
            self.hub.loop.run_callback(self.greenlets[visitor].switch)
        else:
            self.greenlets[visitor] = gevent.spawn(self._visit_again_and_again, visitor)

    def _visit_again_and_again(self, visitor: WebUser) -> None:
        """Have a visitor act each time that it is sent; in between it is switched away from."""
        while True:
            self._visit(visitor, self.busy[visitor])
            del self.busy[visitor]
            self.idle.append(visitor)
            self.hub.switch()

    def _visit(self, visitor: WebUser, due: float) -> None:
        """Have a visitor do one of its tasks."""
        sent = time.monotonic()
        error = "sent nothing"
        try:
            random.choice(visitor.tasks)(visitor)  # noqa: S311 - which page is asked for is no secret
        except Exception as raised:  # noqa: BLE001 - whatever a task raises, the request that was due is not hidden
            self.environment.events.user_error.fire(user_instance=visitor, exception=raised, tb=None)
            error = type(raised).__name__
        if visitor.due:  # no request took it
            self.log.note_failed(due, sent, error)

    def _wait_for_answers(self) -> None:
        """Every request ends by its own time-outs."""
        while self.busy:
            gevent.sleep(0.01)

    def _new(self) -> WebUser:
        kinds = self.visitors
        kind = random.choices(kinds, [each.weight for each in kinds])[0]  # noqa: S311 - as above
        return kind(self.environment)


def install(
    environment: Environment, log: RequestLog | None, variables: dict[str, str] | Any = os.environ
) -> None:
    """Have Locust send arrivals of its user classes instead of running them as users.

    A master, which sends none, has no log.

    Raises:
        ValueError: a class has no task that is a plain function.

    """
    kinds = tuple(environment.user_classes)
    for kind in kinds:
        if not kind.tasks or any(isinstance(task, type) for task in kind.tasks):
            raise ValueError(f"{kind.__name__}: a load at a rate needs tasks that are functions")
    facts = {
        "abstract": False,
        "visitors": kinds,
        "rate": float(variables["AFTERSHOCK_LOAD_ARRIVALS"]),
        "total_s": float(variables["AFTERSHOCK_LOAD_SECONDS"]),
        "shape": variables.get("AFTERSHOCK_LOAD_SHAPE", "constant"),
        "workers": int(variables.get("AFTERSHOCK_LOAD_WORKERS", "1")),
        "log": log,
    }
    environment.user_classes = [type("ArrivalsOf" + kinds[0].__name__, (Arrivals,), facts)]
