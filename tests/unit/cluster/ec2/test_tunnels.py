"""Tunnels to a cluster that nobody else reaches: held by AWS' plugin, and ended with the block."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster.ec2.session import Aws
from aftershock.cluster.ec2.tunnels import TUNNELS, check_tools, held
from aftershock.cluster.ports import occupied
from aftershock.errors import CommandError, EnvironmentUnusableError
from tests.unit.cluster.ec2.conftest import REGION

# As the plugin: listens on the port that it was told, until it is asked to end.
PLUGIN = """#!/usr/bin/env python3
import json, socket, sys
with open({log!r}, "a") as log: log.write(json.dumps(sys.argv[1:]) + "\\n")
if {fails}: sys.exit("no token")
door = socket.socket()
door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("127.0.0.1", int(json.loads(sys.argv[5])["Parameters"]["localPortNumber"][0])))
door.listen()
while True: door.accept()
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return install(tmp_path, monkeypatch)


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> Path:
    import sys  # noqa: PLC0415 - the interpreter of the fake

    program, log = tmp_path / "session-manager-plugin", tmp_path / "called"
    text = PLUGIN.format(log=str(log), fails=fails).replace("/usr/bin/env python3", sys.executable)
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return log


@pytest.fixture
def aws(cloud: str, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The stand-in has no sessions; what is asked for is kept."""
    found = Aws(REGION)
    asked: list[Any] = []

    def call(service: str, operation: str, **arguments: Any) -> dict[str, str]:
        asked.append((f"{service}:{operation}", arguments))
        return {"SessionId": "s", "StreamUrl": "wss://x", "TokenValue": "t", "ResponseMetadata": "none of it"}

    monkeypatch.setattr(found, "call", call)
    monkeypatch.setattr(found, "asked", asked, raising=False)
    return found


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_tunnels_are_open_inside_the_block_and_closed_after(aws: Any, plugin: Path, tmp_path: Path) -> None:
    ports = {free(): 6443, free(): 30080}
    with held(aws, "i-1", ports, log=tmp_path / "log"):
        assert all(occupied(port) for port in ports)
    assert not any(occupied(port) for port in ports)
    assert [name for name, _ in aws.asked] == ["ssm:start_session"] * 2
    words = [json.loads(line) for line in plugin.read_text().splitlines()]
    assert {tuple(json.loads(w[4])["Parameters"]["portNumber"]) for w in words} == {("6443",), ("30080",)}
    for session, region, action, profile, asked, endpoint in words:
        assert json.loads(session) == {"SessionId": "s", "StreamUrl": "wss://x", "TokenValue": "t"}
        assert (region, action, profile) == (REGION, "StartSession", "")
        assert json.loads(asked)["DocumentName"] == "AWS-StartPortForwardingSession"
        assert endpoint.startswith("http://127.0.0.1")


def test_without_the_plugin(aws: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(EnvironmentUnusableError, match="no session-manager-plugin") as caught,
        held(aws, "i-1", {free(): 1}, log=tmp_path / "log"),
    ):
        pass
    assert "docs.aws.amazon.com" in caught.value.hint
    assert aws.asked == []


def test_a_port_that_is_taken(aws: Any, plugin: Path, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(EnvironmentUnusableError, match="in use") as caught,
            held(aws, "i-1", {port: 1}, log=tmp_path / "log"),
        ):
            pass
    assert str(port) in caught.value.found
    assert aws.asked == []


def test_a_tunnel_that_ends_at_once(aws: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(tmp_path, monkeypatch, fails=True)
    with (
        pytest.raises(CommandError, match="has ended") as caught,
        held(aws, "i-1", {free(): 1}, log=tmp_path / "log"),
    ):
        pass
    assert "no token" in caught.value.found


def test_what_ends_is_opened_anew(aws: Any, plugin: Path, tmp_path: Path) -> None:
    kept, lost = free(), free()
    said: list[str] = []

    class EnoughError(Exception):
        """The test has heard what it wanted."""

    def say(line: str) -> None:
        said.append(line)
        raise EnoughError

    with held(aws, "i-1", {kept: 1, lost: 2}, log=tmp_path / "log") as tunnels:
        before = dict(tunnels._running)
        before[lost].terminate()  # as Systems Manager does with a session that is idle
        with pytest.raises(EnoughError):
            tunnels.keep(say)
        assert occupied(lost)
        assert tunnels._running[kept] is before[kept]
        assert said[0].endswith(f"opened anew: {lost}")
    assert not occupied(lost)


def test_what_leads_to_a_cluster_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(tmp_path, monkeypatch)
    with pytest.raises(EnvironmentUnusableError, match="there is no openssl on the PATH"):
        check_tools()


def test_what_scenarios_reach() -> None:
    assert TUNNELS == {16443: 6443, 30080: 30080, 30081: 30081, 30082: 30082}
