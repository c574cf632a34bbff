"""A cluster that one can talk to: its API, and where its monitoring answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aftershock.cluster.api import KubeApi

__all__ = ["Cluster", "Endpoint", "Monitoring"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An HTTP service as this machine reaches it, with what TLS and authentication need.

    `verify` is a CA file, or False for plain HTTP; `cert` a client certificate and its key.
    """

    url: str
    verify: str | bool = True
    cert: tuple[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold a token


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """What watches the cluster. `webhook` is our notification log, where it is deployed."""

    namespace: str
    prometheus: Endpoint
    alertmanager: Endpoint | None = None
    webhook: Endpoint | None = None


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A connected cluster.

    `services` maps "namespace/service" to the URL where this machine reaches it: on 127.0.0.1, by
    the settings, or, where we run in the cluster itself, at its address there. Load goes nowhere else.
    """

    context: str
    provider: Literal["kind", "kubeconfig", "inside"]
    kubeconfig: str
    api: KubeApi
    monitoring: Monitoring
    services: Mapping[str, str] = field(default_factory=dict)
