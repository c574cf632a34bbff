"""Load on nginx-web: a visitor of nginx-web, who reads the price list."""

from __future__ import annotations

from common import Shape, WebUser
from locust import task

__all__ = ["NginxVisitor", "Shape"]


class NginxVisitor(WebUser):
    """A visitor of nginx-web, who reads the price list."""

    @task
    def look(self) -> None:
        """Ask for the page."""
        self.ask("/")
