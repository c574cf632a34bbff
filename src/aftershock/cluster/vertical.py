"""What the Vertical Pod Autoscaler needs beside its deployments: definitions, rights, a certificate."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.apply import Applier, load_objects
from aftershock.cluster.shell import Shell

__all__ = ["define_vpa"]

_MODULE = "k8s.io/autoscaler/vertical-pod-autoscaler"
_PINS = Path("cluster/kind/modules/vpa")
_FILES = ("deploy/vpa-v1-crd-gen.yaml", "deploy/vpa-rbac.yaml")
_SERVICE = "vpa-webhook.kube-system.svc"
_DAYS = "3650"


def define_vpa(api: KubeApi, *, root: Path, shell: Shell) -> None:
    """Apply its definitions and rights, from its module, and give its webhook a certificate if it has none.

    Raises:
        CommandError: there is no go, or no openssl.

    """
    module = shell.run("go", "list", "-m", "-f", "{{.Dir}}", _MODULE, cwd=root / _PINS).strip()
    texts = [(Path(module) / name).read_text(encoding="utf-8") for name in _FILES]
    applier = Applier(api)
    applier.apply([item for text in texts for item in load_objects(text)])
    wanted: Json = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "vpa-tls-certs", "namespace": "kube-system"},
    }
    if applier.get(wanted) is None:
        applier.apply([{**wanted, "data": _certificate(shell)}])


def _certificate(shell: Shell) -> dict[str, str]:
    """Make an authority and a certificate of its for the webhook's service; neither leaves this machine."""
    with tempfile.TemporaryDirectory(prefix="aftershock-vpa-") as scratch:
        folder = Path(scratch)
        shell.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", _DAYS,
            "-subj", "/CN=aftershock vpa", "-keyout", "caKey.pem", "-out", "caCert.pem", cwd=folder,
        )  # fmt: skip
        shell.run(
            "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={_SERVICE}",
            "-keyout", "serverKey.pem", "-out", "server.csr", cwd=folder,
        )  # fmt: skip
        (folder / "names").write_text(f"subjectAltName=DNS:{_SERVICE}\n", encoding="utf-8")
        shell.run(
            "openssl", "x509", "-req", "-in", "server.csr", "-CA", "caCert.pem", "-CAkey", "caKey.pem",
            "-CAcreateserial", "-days", _DAYS, "-extfile", "names", "-out", "serverCert.pem", cwd=folder,
        )  # fmt: skip
        return {
            name: base64.b64encode((folder / name).read_bytes()).decode()
            for name in ("caCert.pem", "serverCert.pem", "serverKey.pem")
        }
