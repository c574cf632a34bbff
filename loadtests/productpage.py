"""Load on bookinfo's front: readers of the page, and every fourth time an application that asks its API."""

from __future__ import annotations

from common import Shape, WebUser
from locust import task

__all__ = ["Reader", "Shape"]


class Reader(WebUser):
    """A reader of the page, which is there whatever is not, or of the API, which says what is not."""

    @task(3)
    def look(self) -> None:
        """Ask for the page."""
        self.ask("/productpage")

    @task
    def details(self) -> None:
        """Ask the API for a book's details."""
        self.ask("/api/v1/products/0")
