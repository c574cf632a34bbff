"""The kubeconfig: its key is made here and never leaves this machine."""

from __future__ import annotations

import base64
import math
import os
import re
from pathlib import Path

import yaml

from aftershock.cluster.ec2.remote import Remote
from aftershock.cluster.ec2.tunnels import API_HERE
from aftershock.cluster.shell import Shell
from aftershock.errors import EnvironmentUnusableError

__all__ = ["context_of", "fetch_kubeconfig"]

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


def context_of(cluster: str) -> str:
    """Return the name of the kubeconfig's context."""
    return f"ec2-{cluster}"


def fetch_kubeconfig(
    path: Path, *, cluster: str, hours: float, instance: str, remote: Remote, shell: Shell
) -> None:
    """Write a kubeconfig that lasts a day longer than the cluster. The key is made here, and signed there.

    What Systems Manager carries, it keeps for a month: it sees a request and a certificate, no secret.

    Raises:
        CommandError: openssl is missing here, or the request was not signed.

    """
    key, request = path.with_name("client.key"), path.with_name("client.csr")
    key.unlink(missing_ok=True)
    os.close(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    # kubeadm binds the first group to cluster-admin; unlike system:masters it can be taken away.
    shell.run(
        "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", key, "-out", request, "-subj", "/O=kubeadm:cluster-admins/CN=aftershock",
        hint="install openssl",
    )  # fmt: skip
    packed = base64.b64encode(request.read_bytes()).decode()
    days = str(math.ceil(hours / 24) + 1)
    printed = remote.node(instance, "sign", "--days", days, stdin=packed)
    found = _CERTIFICATE.findall(printed)
    if len(found) != 2:  # noqa: PLR2004 - the client's and the authority's
        raise EnvironmentUnusableError(
            "the control plane signed no certificate",
            expected="two certificates",
            found=printed[-200:] or "nothing",
        )
    name = context_of(cluster)
    text = yaml.safe_dump(
        _kubeconfig(name, client=found[0], authority=found[1], key=key.read_text(encoding="ascii"))
    )
    key.unlink()
    request.unlink()
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _kubeconfig(name: str, *, client: str, authority: str, key: str) -> dict[str, object]:
    def packed(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    cluster = {"server": f"https://127.0.0.1:{API_HERE}", "certificate-authority-data": packed(authority)}
    user = {"client-certificate-data": packed(client), "client-key-data": packed(key)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
