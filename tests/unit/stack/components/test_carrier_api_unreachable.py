"""The API server cut off from a node: the node's own timer is armed first, and somebody may end it early."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from aftershock_components.carrier import api_unreachable, node_timer, rules
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.orders import OrderError
from aftershock_components.carrier.rules import chain_name
from aftershock_components.carrier.stop_request import StopListener

from tests.unit.stack.components.network import FakeTools, Said, network, order

CHAIN = chain_name("fault-0", "POSTROUTING")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    found = FakeTools(network=network(), of_node=True)
    monkeypatch.setattr(api_unreachable, "node_network", lambda proc: found.network)
    monkeypatch.setattr(api_unreachable, "Tools", lambda network, proc, of_node: found)
    return found


@pytest.fixture
def changes(tools: FakeTools, tmp_path: Path) -> Changes:
    kinds = {
        rules.KIND: rules.putting_back(tmp_path, make_tools=lambda _: tools),
        node_timer.KIND: node_timer.putting_back(tmp_path, make_tools=lambda: tools),
    }
    return Changes(state=tmp_path / "f", kinds=kinds)


def cut(
    tools: FakeTools, changes: Changes, tmp_path: Path, servers: list[str], *, for_s: float = 0.05
) -> Said:
    said = Said()
    asked = order(tmp_path, until=time.time() + for_s, servers=servers)
    api_unreachable.act(asked, changes, said)
    return said


class TestAct:
    def test_the_timer_is_armed_before_the_rule_is_there(
        self, tools: FakeTools, changes: Changes, tmp_path: Path
    ) -> None:
        (said,) = cut(tools, changes, tmp_path, ["10.0.0.9:6443", "[fd00::9]:443"])
        programs = [call[0] for call in tools.calls]
        assert programs.index("systemd-run") < programs.index("iptables-nft-restore")
        assert tools.own() == {CHAIN: ["-d 10.0.0.9 -p tcp --dport 6443 -j DROP"]}
        assert said["servers"] == ["10.0.0.9:6443", "[fd00::9]:443"]
        assert [entry["kind"] for entry in changes.put_back()] == ["iptables", "timer"]
        assert (tools.own(), tools.timers) == ({}, {})

    def test_the_node_would_take_away_exactly_that(
        self, tools: FakeTools, changes: Changes, tmp_path: Path
    ) -> None:
        (said,) = cut(tools, changes, tmp_path, ["10.0.0.9:6443"])
        (script,) = tools.timers.values()
        first, *_, last = script.splitlines()
        assert first.startswith(f"iptables-nft -w 10 -t mangle -F {CHAIN}")
        assert last == f"iptables-nft -w 10 -t mangle -X {CHAIN}"
        assert f"{said['timer']}.timer" in tools.timers

    def test_a_node_without_systemd_is_refused_untouched(
        self, tools: FakeTools, changes: Changes, tmp_path: Path
    ) -> None:
        tools.missing = {"systemd-run"}
        with pytest.raises(OrderError, match="no timer that would end this for sure"):
            cut(tools, changes, tmp_path, ["10.0.0.9:6443"])
        assert tools.own() == {}
        assert changes.put_back() == []

    @pytest.mark.parametrize("servers", [[], ["10.0.0.9"], ["api:6443"], [7]])
    def test_no_servers(self, tools: FakeTools, changes: Changes, tmp_path: Path, servers: list[str]) -> None:
        with pytest.raises(OrderError, match="servers"):
            cut(tools, changes, tmp_path, servers)

    def test_nothing_is_cut_off_before_its_kubelet_can_have_told_of_it(
        self, tools: FakeTools, changes: Changes, tmp_path: Path
    ) -> None:
        begun = time.time()
        said = Said()
        asked = order(tmp_path, until=begun + 0.3, servers=["10.0.0.9:6443"], settle_s=0.2)
        at: list[float] = []

        def say(event: str, **facts: object) -> None:
            at.append(time.time())
            said(event, **facts)

        api_unreachable.act(asked, changes, say)
        assert [line["event"] for line in said] == ["cutting off the API"]
        assert at[0] - begun >= 0.2

    def test_it_can_be_told_to_stop_before_it_has_cut_anything_off(
        self, tools: FakeTools, changes: Changes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_unreachable, "wait", lambda until, *files: True)
        monkeypatch.setattr(StopListener, "asked", lambda listener: True)
        (said,) = cut(tools, changes, tmp_path, ["10.0.0.9:6443"], for_s=5.0)
        assert said["event"] == "asked to stop"
        assert tools.own() == {}

    def test_ends_when_it_is_asked_to(
        self, tools: FakeTools, changes: Changes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(StopListener, "asked", lambda listener: True)
        monkeypatch.setattr(api_unreachable, "wait", lambda until, *files: until > time.time())
        said = cut(tools, changes, tmp_path, ["10.0.0.9:6443"], for_s=50)
        assert [line["event"] for line in said] == ["cutting off the API", "asked to stop"]


class TestStopListener:
    @pytest.mark.parametrize(
        ("line", "stops"),
        [
            ("GET /stop/fault-0 HTTP/1.1", True),
            ("GET /stop/fault-01 HTTP/1.1", False),
            ("POST /stop/fault-0 HTTP/1.1", False),
            ("GET / HTTP/1.1", False),
        ],
    )
    def test_only_for_that_fault(self, line: str, stops: bool) -> None:
        with (
            StopListener(0, "fault-0", host="127.0.0.1") as listener,
            socket.create_connection(("127.0.0.1", listener.port)) as asking,
        ):
            asking.sendall(f"{line}\r\nHost: x\r\n\r\n".encode())
            assert listener.asked() is stops
            assert asking.recv(64).startswith(b"HTTP/1.1 200" if stops else b"HTTP/1.1 404")

    def test_whoever_asks_and_goes_does_no_harm(self) -> None:
        with StopListener(0, "fault-0", host="127.0.0.1") as listener:
            socket.create_connection(("127.0.0.1", listener.port)).close()
            assert not listener.asked()


def test_a_timer_that_ran_out_needs_no_disarming(tools: FakeTools, tmp_path: Path) -> None:
    assert not node_timer.putting_back(tmp_path, make_tools=lambda: tools)({"unit": "aftershock-1"})
