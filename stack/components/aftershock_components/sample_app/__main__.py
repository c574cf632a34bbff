"""`python -m aftershock_components.sample_app`; PORT names the port (8080)."""

from __future__ import annotations

from aftershock_components.sample_app.app import create_sample_app
from aftershock_components.serving import serve

if __name__ == "__main__":
    serve(create_sample_app())
