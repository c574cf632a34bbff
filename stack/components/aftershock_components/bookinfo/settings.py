"""What one bookinfo process is, read from its environment before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["BookinfoSettings", "ReviewsVersion", "Service", "read_settings"]

Service = Literal["productpage", "details", "ratings", "reviews"]
ReviewsVersion = Literal["v1", "v2", "v3"]


@dataclass(frozen=True, kw_only=True)
class BookinfoSettings:
    """One process's part. The URLs are those of the services that it may call.

    service          BOOKINFO_SERVICE: productpage, details, ratings or reviews
    reviews_version  REVIEWS_VERSION: v1 without ratings, v2 black stars, v3 red stars
    details_url, reviews_url, ratings_url  DETAILS_URL, REVIEWS_URL, RATINGS_URL
    """

    service: Service
    reviews_version: ReviewsVersion = "v1"
    details_url: str = "http://details:8080"
    reviews_url: str = "http://reviews:8080"
    ratings_url: str = "http://ratings:8080"


def read_settings(environ: Mapping[str, str]) -> BookinfoSettings:
    """Return the settings that `environ` gives.

    Raises:
        SystemExit: a value is wrong; the message says which are right.

    """
    given = {
        name: environ[variable]
        for name, variable in (
            ("service", "BOOKINFO_SERVICE"),
            ("reviews_version", "REVIEWS_VERSION"),
            ("details_url", "DETAILS_URL"),
            ("reviews_url", "REVIEWS_URL"),
            ("ratings_url", "RATINGS_URL"),
        )
        if variable in environ
    }
    _one_of(given.get("service", ""), get_args(Service), "BOOKINFO_SERVICE")
    _one_of(given.get("reviews_version", "v1"), get_args(ReviewsVersion), "REVIEWS_VERSION")
    return BookinfoSettings(**given)  # type: ignore[arg-type] # both literals were checked above


def _one_of(value: str, allowed: tuple[str, ...], variable: str) -> None:
    if value not in allowed:
        raise SystemExit(f"{variable}={value!r} is wrong; expected one of {', '.join(allowed)}")
