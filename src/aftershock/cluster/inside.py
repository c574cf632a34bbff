"""The Kubernetes API as a pod reaches it: by its service account. Needs no kubeconfig, no client library."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import urllib3

from aftershock.cluster.api import KubeApi
from aftershock.errors import EnvironmentUnusableError

__all__ = ["api_from_inside"]

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class _Inside:
    """What KubeApi asks of a client."""

    def __init__(self, account: Path, host: str) -> None:
        self.account = account
        self.configuration = SimpleNamespace(host=host, auth_settings=self._auth_settings)
        self.rest_client = SimpleNamespace(
            pool_manager=urllib3.PoolManager(ca_certs=str(account / "ca.crt"), maxsize=32)
        )
        self.default_headers: dict[str, str] = {"User-Agent": "aftershock"}

    def _auth_settings(self) -> dict[str, dict[str, str]]:
        """Return the token as it is now: the kubelet renews it."""
        token = (self.account / "token").read_text(encoding="ascii").strip()
        return {"BearerToken": {"key": "Authorization", "value": f"Bearer {token}"}}


def api_from_inside(account: Path = ACCOUNT) -> KubeApi:
    """Return the API of the cluster that this pod runs in; makes no request.

    Raises:
        EnvironmentUnusableError: this is no pod, or one without a service account's token.

    """
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    if not host or not (account / "token").is_file():
        raise EnvironmentUnusableError(
            "this is no pod of a cluster",
            expected=f"KUBERNETES_SERVICE_HOST in the environment, and {account}/token",
            found="not both",
            hint="run it as the CronJob of the addon nightly does, or name a cluster with --cluster",
        )
    shown = f"[{host}]" if ":" in host else host
    return KubeApi(_Inside(account, f"https://{shown}:{os.environ['KUBERNETES_SERVICE_PORT']}"))
