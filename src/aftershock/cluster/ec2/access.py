"""The way in: a kubeconfig whose key never left this machine, and tunnels to what nobody else reaches.

The nodes are in a private subnet. A tunnel is a session of Systems Manager's, held by AWS'
session-manager-plugin: it needs no bastion, no open port and no public address.
"""

from __future__ import annotations

import base64
import json
import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from aftershock.clock import Clock, wait_until
from aftershock.cluster.connect import NODE_PORTS
from aftershock.cluster.ec2.remote import Remote
from aftershock.cluster.ec2.session import Aws
from aftershock.cluster.ports import occupied
from aftershock.cluster.shell import Shell
from aftershock.errors import CommandError, EnvironmentUnusableError

__all__ = ["API_HERE", "TUNNELS", "context_of", "fetch_kubeconfig", "held"]

API_PORT = 6443
API_HERE = 16443
"""Where a tunnel to the API server begins, on 127.0.0.1."""

TUNNELS: Mapping[int, int] = {
    API_HERE: API_PORT,
    **{port: port for name, port in NODE_PORTS.items() if not name.startswith("monitoring/")},
}
"""Ports of 127.0.0.1, and of the control plane's machine; monitoring is reached through the API server."""

PLUGIN = "session-manager-plugin"
DOCUMENT = "AWS-StartPortForwardingSession"
OPENS_WITHIN_S = 20.0
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


@contextmanager
def held(
    aws: Aws, instance: str, ports: Mapping[int, int], *, log: Path, clock: Clock | None = None
) -> Iterator[None]:
    """Hold tunnels from ports of 127.0.0.1 to ports of an instance while the block runs.

    Raises:
        EnvironmentUnusableError: the plugin is missing, a port is taken, or a tunnel does not open.

    """
    if shutil.which(PLUGIN) is None:
        raise EnvironmentUnusableError(
            f"there is no {PLUGIN} on the PATH",
            expected="AWS' plugin, which carries a tunnel to a machine without a public address",
            hint="https://docs.aws.amazon.com/systems-manager/latest/userguide/"
            "session-manager-working-with-install-plugin.html",
        )
    taken = [port for port in ports if occupied(port)]
    if taken:
        raise EnvironmentUnusableError(
            "ports of 127.0.0.1 that the tunnels need are in use",
            expected=", ".join(str(port) for port in ports) + " free",
            found=", ".join(str(port) for port in taken),
            hint="another tunnel, or the kind cluster: end that one first (`aftershock down`)",
        )
    running: list[subprocess.Popen[bytes]] = []
    try:
        for here, there in ports.items():
            running.append(_tunnel(aws, instance, here, there, log=log))
        for (here, _), process in zip(ports.items(), running, strict=True):
            _opened(process, here, log=log, clock=clock)
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _tunnel(aws: Aws, instance: str, here: int, there: int, *, log: Path) -> subprocess.Popen[bytes]:
    asked = {
        "Target": instance,
        "DocumentName": DOCUMENT,
        "Parameters": {"portNumber": [str(there)], "localPortNumber": [str(here)]},
    }
    answer = aws.call("ssm", "start_session", **asked)
    session = {name: answer[name] for name in ("SessionId", "StreamUrl", "TokenValue")}
    # As AWS' own command line calls it. The token is good for this one session, and for its start only.
    words = [PLUGIN, json.dumps(session), aws.region, "StartSession", "", json.dumps(asked)]
    words.append(str(aws.client("ssm").meta.endpoint_url))
    with log.open("ab") as out:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def _opened(process: subprocess.Popen[bytes], port: int, *, log: Path, clock: Clock | None) -> None:
    def opened() -> bool:
        if process.poll() is not None:
            raise CommandError(
                f"the tunnel to port {port} has ended", command=[PLUGIN], code=process.returncode,
                tail=log.read_text(errors="replace").splitlines()[-5:], hint=f"the whole log: {log}",
            )  # fmt: skip
        return occupied(port)

    wait_until(opened, within_s=OPENS_WITHIN_S, every_s=0.2, what=f"a tunnel on port {port}", clock=clock)
