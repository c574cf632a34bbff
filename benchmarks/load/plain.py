"""Bare Locust, for comparison: FastHttpUser as its documentation shows it.

PLAIN_RATE in the environment is requests per second of each user; without it they do not wait.
"""

from __future__ import annotations

import os

from locust import constant, constant_throughput, task
from locust.contrib.fasthttp import FastHttpUser


class Plain(FastHttpUser):
    """Asks for the page, again and again."""

    wait_time = (
        constant_throughput(float(os.environ["PLAIN_RATE"])) if "PLAIN_RATE" in os.environ else constant(0)
    )

    @task
    def look(self) -> None:
        """Ask for the page."""
        self.client.get("/")
