"""A control plane of plain processes on 127.0.0.1: etcd, one API server and, if asked for, kwok's nodes.

No scheduler, no controllers and no kubelets: what happens to a pod is what its caller writes,
and what kwok answers. Ended with its context, and by the kernel if this process dies.
"""

from __future__ import annotations

import json
import secrets
import signal
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
import yaml

from aftershock.clock import wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.connect import kubeconfig_api
from aftershock.cluster.kind.programs import Programs
from aftershock.errors import CommandError, TransientError

__all__ = ["ControlPlane", "free_port"]

CONTEXT = "bench"
_GROUP = "bench-admins"
_STARTS_WITHIN_S = 120.0
_ENDS_WITHIN_S = 10.0  # an API server waits a minute for its last requests; a node in a hurry does not

# Every write of a pod with what came of it: its UID, its version and its state.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "omitManagedFields": True,
    "rules": [
        {
            "level": "RequestResponse",
            "verbs": ["create", "update", "patch", "delete"],
            "resources": [{"group": "", "resources": ["pods", "pods/status"]}],
        },
        {"level": "None"},
    ],
}


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ControlPlane:
    """Starts in `__enter__`; everything that it writes is below `folder`.

    `programs` has the binaries: etcd and hyperkube as `aftershock up` built them, kwok as
    only this does.
    """

    def __init__(self, folder: Path, *, programs: Programs, kwok: bool) -> None:
        self.folder = folder
        self.audit_log = folder / "audit.log"
        self.port = free_port()
        self._programs = programs
        self._kwok = kwok
        self._etcd_url = f"http://127.0.0.1:{free_port()}"
        self._root = secrets.token_hex(16)
        self._token = secrets.token_hex(16)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self._start_etcd()
            self.start_api_server()
            self._allow()
            if self._kwok:
                self._start_kwok()
        except BaseException:
            self._end_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_all()

    def api(self, port: int | None = None, *, root: bool = False) -> KubeApi:
        """Return the API, by way of another `port` of 127.0.0.1 if given."""
        return kubeconfig_api(self.kubeconfig(port, root=root), CONTEXT)

    def kubeconfig(self, port: int | None = None, *, root: bool = False) -> Path:
        """Write and return a kubeconfig of somebody who may do all, by a rule or (`root`) above them."""
        port = port or self.port
        path = self.folder / f"kubeconfig-{port}{'-root' if root else ''}"
        cluster = {
            "server": f"https://127.0.0.1:{port}",
            "certificate-authority": str(self.folder / "pki" / "apiserver.crt"),
        }
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CONTEXT,
            "clusters": [{"name": CONTEXT, "cluster": cluster}],
            "users": [{"name": CONTEXT, "user": {"token": self._root if root else self._token}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def restart_api_server(self, *, watch_cache: bool = True) -> None:
        """End the API server as an upgrade of its node would, and start it anew on the same port.

        Without a `watch_cache` for pods its watches come from etcd, where a compaction bites
        at once.
        """
        self._end("kube-apiserver")
        self.start_api_server(watch_cache=watch_cache)

    def start_api_server(self, *, watch_cache: bool = True) -> None:
        """Start the API server, and return when it is ready."""
        key = self.folder / "service-account.key"
        self._start(
            "kube-apiserver",
            f"--etcd-servers={self._etcd_url}",
            "--etcd-compaction-interval=0",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder / 'pki'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.96.0.0/16",
            # There is no controller that would make the account that it asks for.
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={self.folder / 'audit-policy.json'}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-maxsize=8192",
            *([] if watch_cache else ["--watch-cache-sizes=pods#0"]),
        )
        wait_until(
            lambda: self._answers("/readyz"), within_s=_STARTS_WITHIN_S, every_s=0.1, what="the API server"
        )

    def compact(self) -> int:
        """Have etcd forget everything before its present revision, which is returned."""
        # A range needs a key: that of one null byte, which nobody has.
        header = self._etcd("range", {"key": "AA=="})["header"]
        self._etcd("compaction", {"revision": header["revision"]})
        return int(header["revision"])

    def compact_always(self, stopping: threading.Event, every_s: float) -> None:
        """Compact every `every_s` seconds until told to stop."""
        while not stopping.wait(every_s):
            self.compact()

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "audit-policy.json").write_text(json.dumps(_AUDIT_POLICY), encoding="utf-8")
        tokens = self.folder / "tokens.csv"
        tokens.touch(mode=0o600)
        # The one is above all rules; the other may do all by a rule, as kubeadm's administrator.
        lines = (f"{self._root},root,root,system:masters", f"{self._token},bench,bench,{_GROUP}")
        tokens.write_text("\n".join(lines) + "\n", encoding="utf-8")
        subprocess.run(
            ["openssl", "genrsa", "-out", self.folder / "service-account.key", "2048"],
            check=True,
            capture_output=True,
        )
        hyperkube = self._programs.compile("hyperkube")
        (self.folder / "kube-apiserver").symlink_to(hyperkube)  # it goes by the name it is called by
        (self.folder / "etcd").symlink_to(self._programs.compile("etcd"))
        if self._kwok:
            (self.folder / "kwok").symlink_to(self._programs.compile("kwok"))

    def _start_etcd(self) -> None:
        peers = f"http://127.0.0.1:{free_port()}"
        self._start(
            "etcd",
            f"--data-dir={self.folder / 'etcd-data'}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",  # nobody needs the data after a crash, and the disk is not what is measured
            "--quota-backend-bytes=8589934592",
        )
        wait_until(self._etcd_answers, within_s=_STARTS_WITHIN_S, every_s=0.1, what="etcd")

    def _start_kwok(self) -> None:
        self._start(
            "kwok",
            f"--kubeconfig={self.kubeconfig()}",
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=40",
            f"--server-address=127.0.0.1:{free_port()}",
        )

    def _start(self, name: str, *options: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            # The kernel ends it if we are gone: nothing is left behind by a bench that was killed.
            command = ["setpriv", "--pdeathsig", "KILL", "--", str(self.folder / name), *options]
            self._processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder
            )

    def _end(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _end_all(self) -> None:
        for name in ("kwok", "kube-apiserver", "etcd"):
            self._end(name)

    def _alive(self, name: str) -> None:
        """Raise what a process said if it has ended."""
        code = self._processes[name].poll()
        if code is not None:
            said = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
            raise CommandError(f"{name} ended", command=[name], code=code, tail=said[-10:])

    def _answers(self, path: str) -> bool:
        self._alive("kube-apiserver")
        if not (self.folder / "pki" / "apiserver.crt").exists():
            return False  # it makes its certificate when it first starts
        self.api(root=True).text(path, timeout_s=5.0)
        return True

    def _allow(self) -> None:
        """Give the bench's user its rule."""
        group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": _GROUP}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        self.api(root=True).post(
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            {"metadata": {"name": _GROUP}, "subjects": [group], "roleRef": role},
        )

    def _etcd_answers(self) -> bool:
        self._alive("etcd")
        try:
            return requests.get(f"{self._etcd_url}/health", timeout=2.0).ok
        except requests.RequestException as error:
            raise TransientError("etcd does not answer", found=repr(error)) from error

    def _etcd(self, call: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(f"{self._etcd_url}/v3/kv/{call}", json=body, timeout=10.0)
        # 400: that revision is compacted already, because nothing has happened since.
        if not answer.ok and "compacted" not in answer.text:
            answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
