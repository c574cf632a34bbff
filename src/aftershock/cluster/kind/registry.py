"""Whether official images can be had: asked of the registries themselves, within seconds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Literal

import requests

from aftershock.errors import EnvironmentUnusableError

__all__ = ["choose_mode"]

# The hosts that the official references of images.toml live on.
_HOSTS = ("registry-1.docker.io", "registry.k8s.io", "quay.io")
_PATIENCE_S = 4.0


def choose_mode(mode: str, *, registry: str = "") -> tuple[Literal["pull", "build"], str]:
    """Return "pull" or "build" for `mode` auto or pull, and why.

    `registry` is a mirror to ask instead of the official hosts.

    Raises:
        EnvironmentUnusableError: `mode` is pull and a registry does not answer.

    """
    hosts = (registry,) if registry else _HOSTS
    with ThreadPoolExecutor(len(hosts)) as pool:
        problems = [problem for problem in pool.map(_problem, hosts) if problem]
    if not problems:
        return "pull", f"{', '.join(hosts)} answered"
    if mode == "pull":
        raise EnvironmentUnusableError(
            "official images cannot be pulled",
            expected=f"an answer from {', '.join(hosts)}",
            found="; ".join(problems),
            hint="use --images build, which needs package archives only",
        )
    return "build", f"no container registry: {problems[0]}"


def _problem(host: str) -> str:
    """Return "" if `host` answers as a registry does, else what happened."""
    scheme = "http" if host.startswith(("127.0.0.1", "localhost")) else "https"
    try:
        answer = requests.get(f"{scheme}://{host}/v2/", timeout=_PATIENCE_S)
    except requests.RequestException as error:
        return f"{host} does not answer ({type(error).__name__})"
    if answer.status_code not in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}:
        return f"{host} answers {answer.status_code}"
    return ""
