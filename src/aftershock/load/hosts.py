"""Where requests may go: 127.0.0.1, the hosts that the settings name; from inside, the cluster's services."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import msgspec

from aftershock.cluster.connection import Cluster
from aftershock.config import Settings
from aftershock.errors import RefusedError

__all__ = ["LOCAL", "check_host", "from_here", "with_services"]

LOCAL = "127.0.0.1"


def with_services(settings: Settings, cluster: Cluster) -> Settings:
    """Return settings by which load may go to the services of the cluster that we run in ourselves.

    Those are of namespaces that opted in. From anywhere else their addresses are somebody else's.
    """
    if cluster.provider != "inside":
        return settings
    hosts = {urlsplit(url).hostname or "" for url in cluster.services.values()}
    return msgspec.structs.replace(settings, load_hosts=(*settings.load_hosts, *sorted(hosts - {""})))


def from_here(url: str, services: Mapping[str, str], settings: Settings, *, namespace: str = "") -> str:
    """Return where this machine asks for what `url` names inside the cluster, or `url` if it may be asked.

    `services` are where it reaches them, by "namespace/name"; a name without a namespace is of `namespace`.

    Raises:
        RefusedError: it is no service that can be reached from here, and no host that may be asked.

    """
    parts = urlsplit(url)
    name, _, rest = (parts.hostname or "").partition(".")
    space = rest.removesuffix(".").removesuffix(".cluster.local").removesuffix("svc").rstrip(".")
    own = services.get(f"{space or namespace}/{name}")
    if own is None:
        check_host(url, settings)
        return url
    there = urlsplit(own)
    return urlunsplit((there.scheme, there.netloc, parts.path or "/", parts.query, ""))


def check_host(url: str, settings: Settings) -> None:
    """Do nothing if load and probes may go to `url`.

    The name must match exactly; it is not resolved, so `localhost` is not 127.0.0.1 here.

    Raises:
        RefusedError: they may not, or it is no HTTP URL.

    """
    allowed = (LOCAL, *settings.load_hosts)
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError as error:
        raise RefusedError(
            f"{url!r} is no URL", expected="http://127.0.0.1:30080", found=str(error)
        ) from error
    well_formed = parts.scheme in {"http", "https"} and port_is_fine and "@" not in parts.netloc
    if not well_formed or parts.hostname not in allowed or "\\" in url:
        raise RefusedError(
            f"requests may not go to {url!r}",
            expected=f"http:// or https:// and one of {', '.join(allowed)}",
            found=parts.hostname or "no host",
            hint="add the host to load_hosts in [tool.aftershock], if it is yours to load",
        )
