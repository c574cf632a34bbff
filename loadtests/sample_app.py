"""Load on sample-app: a customer of sample-app."""

from __future__ import annotations

from common import Shape, WebUser
from locust import task

__all__ = ["Shape", "Shopper"]


class Shopper(WebUser):
    """A customer of sample-app."""

    @task
    def look(self) -> None:
        """Ask for the page."""
        self.ask("/")
