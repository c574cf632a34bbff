"""A stand-in for AWS on 127.0.0.1 (moto in server mode), with what it cannot do: run commands on machines."""

from __future__ import annotations

import base64
import json
import logging
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

# Read when moto is imported: three images instead of thousands, which it would make anew for each test.
os.environ["MOTO_AMIS_PATH"] = str(Path(__file__).with_name("images.json"))

import moto.iam.models
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer
from moto.ssm.models import SimpleSystemManagerBackend

from aftershock.cluster.ec2.parts import find_all
from aftershock.cluster.ec2.provider import Ec2Provider
from aftershock.cluster.ec2.session import Aws
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell
from aftershock.ec2_settings import Ec2
from aftershock.errors import CloudError
from aftershock.testing import FakeClock

ROOT = Path(__file__).parents[4]
REGION = "eu-central-1"
WANTED = Ec2(region=REGION, owner="sre")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    standin = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    default_user_config["iam"] = {"load_aws_managed_policies": True}
    managed = json.loads(moto.iam.models.aws_managed_policies_data)
    name = "AmazonSSMManagedInstanceCore"
    moto.iam.models.aws_managed_policies_data = json.dumps({name: managed[name]})
    standin.start()
    host, port = standin.get_host_and_port()
    yield f"http://{host}:{port}"
    standin.stop()


@pytest.fixture
def cloud(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty account; nothing of the machine's own settings reaches the tests."""
    requests.post(f"{server}/moto-api/reset", timeout=60)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    values = {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "NO_PROXY": "127.0.0.1",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call that was made, as IAM names it: what botocore itself reports."""
    made: list[str] = []
    plain = Aws.client

    def client(self: Aws, service: str) -> Any:
        new = service not in self._clients
        found = plain(self, service)
        if new:
            found.meta.events.register(
                "before-call",
                lambda model, **_: made.append(f"{model.service_model.signing_name}:{model.name}"),
            )
        return found

    monkeypatch.setattr(Aws, "client", client)
    return made


class Refusals:
    """Answers of AWS' that a test asks for: by operation, a code and after how many calls."""

    def __init__(self) -> None:
        self.wanted: dict[str, list[str | None]] = {}

    def add(self, operation: str, code: str, *, after: int = 0, times: int = 1) -> None:
        self.wanted[operation] = [None] * after + [code] * times

    def next(self, operation: str) -> str | None:
        queue = self.wanted.get(operation)
        return queue.pop(0) if queue else None


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> Refusals:
    """AWS says no where a test wants it; the error goes the whole way through botocore."""
    from botocore.client import BaseClient  # noqa: PLC0415 - only where it is used
    from botocore.exceptions import ClientError  # noqa: PLC0415

    found = Refusals()
    plain = BaseClient._make_api_call

    def call(self: Any, name: str, arguments: Any) -> Any:
        if code := found.next(name):
            raise ClientError({"Error": {"Code": code, "Message": f"you asked for {code}"}}, name)
        return plain(self, name, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return found


class Machines:
    """What the bootstrap script would do on instances. `ran` is what was asked of them: instance, words."""

    def __init__(self, folder: Path) -> None:
        self.ran: list[tuple[str, list[str]]] = []
        self.nodes: str = ""
        self.fails = ""
        self.shell = Shell(log=folder / "openssl.log")
        self.folder = folder

    def verbs(self) -> list[str]:
        return [words[1] for _, words in self.ran if words[0].endswith("aftershock-node")]

    def answer(self, instance: str, command: str) -> dict[str, Any]:
        stdin, _, rest = command.rpartition(" | ")
        words = shlex.split(rest if stdin.startswith("echo ") else command)
        self.ran.append((instance, words))
        if self.fails and self.fails in words:
            return {"Status": "Failed", "ResponseCode": 1, "StandardErrorContent": "node: no way"}
        printed = ""
        if "join-command" in words:
            printed = "--api 10.20.1.4:6443 --token a.b --ca-hash sha256:00"
        elif "nodes" in words:
            printed = self.nodes
        elif "sign" in words:
            printed = self.signed(shlex.split(stdin)[1])
        return {"Status": "Success", "ResponseCode": 0, "StandardOutputContent": printed}

    def signed(self, request: str) -> str:
        """Sign it as the script does, by an authority that is made for it."""
        csr, key, ca = (self.folder / name for name in ("csr", "ca.key", "ca.crt"))
        csr.write_bytes(base64.b64decode(request))
        self.shell.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                       "-nodes", "-keyout", key, "-out", ca, "-subj", "/CN=kubernetes")  # fmt: skip
        client = self.shell.run(
            "openssl", "x509", "-req", "-in", csr, "-CA", ca, "-CAkey", key, "-set_serial", "1"
        )
        return client + ca.read_text()


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machines:
    found = Machines(tmp_path)
    plain = SimpleSystemManagerBackend.get_command_invocation

    def invocation(self: Any, command_id: str, instance_id: str, plugin_name: str | None) -> dict[str, Any]:
        answer = plain(self, command_id, instance_id, plugin_name)
        (command,) = self.get_command_by_id(command_id).parameters["commands"]
        return {**answer, "StandardErrorContent": "", **found.answer(instance_id, command)}

    monkeypatch.setattr(SimpleSystemManagerBackend, "get_command_invocation", invocation)
    return found


@pytest.fixture
def provider(
    cloud: str, machines: Machines, tmp_path: Path, clock: FakeClock, progress: Progress
) -> Ec2Provider:
    return make(tmp_path, clock, progress, machines=machines)


def make(
    state: Path,
    clock: FakeClock,
    progress: Progress,
    *,
    wanted: Ec2 = WANTED,
    machines: Machines | None = None,
) -> Ec2Provider:
    """Return a provider; where `machines` are given, they tell as nodes what addresses they have."""
    found = Ec2Provider(wanted, root=ROOT, state=state, progress=progress, clock=clock)
    if machines is not None:
        tell_nodes(found, machines)
    return found


def tell_nodes(provider: Ec2Provider, machines: Machines) -> None:
    """Have `nodes` on the control plane print what the instances that there are then would be."""
    plain = machines.answer

    def answer(instance: str, command: str) -> dict[str, Any]:
        if command.endswith(" nodes"):
            there = addresses(provider)
            machines.nodes = "".join(
                f"ip-{address.replace('.', '-')} {address} 10.244.{number}.0/24\n"
                for number, address in enumerate(there)
            )
        return plain(instance, command)

    machines.answer = answer  # type: ignore[method-assign]  # what it prints depends on what runs


def addresses(provider: Ec2Provider) -> list[str]:
    found = [item.raw for item in find_all(provider.aws, provider.tags) if item.kind == "instance"]
    return [str(raw["PrivateIpAddress"]) for raw in found]


def left(provider: Ec2Provider) -> list[str]:
    """Return everything that is there of the cluster, and what an account of its own would not have."""
    return sorted(f"{item.kind} {item.part}" for item in find_all(provider.aws, provider.tags))


def refused(code: str) -> CloudError:
    return CloudError("no", code=code)
