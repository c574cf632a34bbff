"""Load on bookinfo: a reader of bookinfo's product page."""

from __future__ import annotations

from common import Shape, WebUser
from locust import task

__all__ = ["Reader", "Shape"]


class Reader(WebUser):
    """A reader of bookinfo's product page."""

    @task
    def look(self) -> None:
        """Ask for the page."""
        self.ask("/productpage")
