"""`python -m aftershock_components.bookinfo`; `settings` has the variables, PORT names the port (8080)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from starlette.applications import Starlette

from aftershock_components.bookinfo.backends import create_details, create_ratings, create_reviews
from aftershock_components.bookinfo.productpage import create_productpage
from aftershock_components.bookinfo.settings import BookinfoSettings, Service, read_settings
from aftershock_components.serving import serve

SERVICES: Mapping[Service, Callable[[BookinfoSettings], Starlette]] = {
    "productpage": create_productpage,
    "details": create_details,
    "ratings": create_ratings,
    "reviews": create_reviews,
}


def main() -> None:
    """Serve until told to stop."""
    settings = read_settings(os.environ)
    serve(SERVICES[settings.service](settings))


if __name__ == "__main__":
    main()
