"""Kubelet stopped: the timer is armed before the stop, and whoever comes after starts it again."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from aftershock_components.carrier import calls, kubelet, node_timer
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.orders import Expired, Order, OrderError
from aftershock_components.carrier.tools import ToolError

from tests.unit.stack.components.network import FakeTools, network


class Systemd(FakeTools):
    """A node's service manager, as far as `systemctl` and `systemd-run` show it."""

    def __init__(self) -> None:
        super().__init__(network=network(), of_node=True)
        self.kubelet = "active"
        self.done: list[str] = []
        self.refuses = ""

    def run(self, program: str, *args: str, given: str = "") -> str:
        said = " ".join((program, *args))
        if self.refuses and self.refuses in said:
            raise ToolError(f"{said}: refused")
        if args[-1] == kubelet.UNIT and args[0] == "show":
            return f"{self.kubelet}\n"
        if "is-active" not in args:
            self.done.append(said)
        if args[-1] != kubelet.UNIT:
            return super().run(program, *args, given=given)
        self.kubelet = "inactive" if args[0] == "stop" else "active"
        return ""


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch) -> Systemd:
    found = Systemd()
    monkeypatch.setattr(node_timer, "node_tools", lambda proc: found)
    return found


@pytest.fixture
def port() -> int:
    with socket.create_server(("", 0)) as probe:
        free: int = probe.getsockname()[1]
    return free


@pytest.fixture
def changes(systemd: Systemd, tmp_path: Path) -> Changes:
    return Changes(
        state=tmp_path / "state.json",
        kinds={kubelet.KIND: kubelet.putting_back(tmp_path, make_tools=lambda: systemd)},
    )


def order(port: int, *, for_s: float = 30.0) -> Order:
    return Order(fault_id="stop-1", until=time.time() + for_s, options={"after_s": 0.0, "port": port})


def call(port: int, *names: str) -> threading.Thread:
    """Call, after the kubelet has been stopped, with each of these names."""

    def talk() -> None:
        for name in names:
            asked = Order(
                fault_id="c",
                until=time.time() + 3,
                options={"name": name, "address": "127.0.0.1", "port": port},
            )
            if name == "stop-1":
                calls.act(asked, Changes(state=Path("/nowhere"), kinds={}), lambda *_, **__: None)
            else:
                with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
                    connection.sendall(name.encode() + b"\n")

    thread = threading.Thread(target=talk)
    thread.start()
    return thread


def test_the_timer_comes_before_the_stop_and_a_call_ends_it(
    systemd: Systemd, changes: Changes, port: int
) -> None:
    said: list[str] = []
    callers: list[threading.Thread] = []

    def say(event: str, **facts: object) -> None:
        said.append(event)
        if event == "stopped":
            assert [entry["timer"] for entry in changes.remembered()] == [node_timer.unit_name("stop-1")]
            callers.append(call(port, "another", "stop-1"))

    kubelet.act(order(port), changes, say)
    callers[0].join()
    assert said == ["listening", "armed", "stopped", "called"]
    armed = next(i for i, command in enumerate(systemd.done) if "systemd-run" in command)
    stopped = systemd.done.index("systemctl stop kubelet.service")
    assert armed < stopped
    assert "systemctl start kubelet.service" in systemd.done[armed]
    assert len(changes.put_back()) == 1
    assert (systemd.kubelet, systemd.timers) == ("active", {})


def test_by_itself_when_the_time_is_over(
    systemd: Systemd, changes: Changes, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubelet, "SHORTEST_S", 0.05)
    said: list[str] = []
    kubelet.act(order(port, for_s=0.3), changes, lambda event, **_: said.append(event))
    assert said[-1] == "done"


def test_a_kubelet_that_the_timer_has_started_is_left_alone(systemd: Systemd, changes: Changes) -> None:
    changes.remember(kubelet.KIND, timer="aftershock-x")
    assert changes.put_back() == []
    assert not [command for command in systemd.done if "start kubelet" in command]


def test_what_does_not_start_stays_written_down(systemd: Systemd, changes: Changes) -> None:
    systemd.kubelet, systemd.refuses = "inactive", "start kubelet"
    changes.remember(kubelet.KIND, timer="aftershock-x")
    with pytest.raises(OSError, match="refused"):
        changes.put_back()
    assert changes.remembered()


@pytest.mark.parametrize("refuses", ["systemd-run", "stop kubelet", "show"])
def test_a_node_that_refuses(systemd: Systemd, changes: Changes, port: int, refuses: str) -> None:
    systemd.refuses = refuses
    with pytest.raises(OrderError, match="refused"):
        kubelet.act(order(port), changes, lambda *_, **__: None)
    assert systemd.kubelet == "active"


def test_a_node_without_that_unit(systemd: Systemd, changes: Changes, port: int) -> None:
    systemd.kubelet = "inactive"
    with pytest.raises(OrderError, match="not what runs here"):
        kubelet.act(order(port), changes, lambda *_, **__: None)
    assert changes.remembered() == []


def test_too_little_time(systemd: Systemd, changes: Changes, port: int) -> None:
    with pytest.raises(OrderError, match="are left"):
        kubelet.act(order(port, for_s=1.0), changes, lambda *_, **__: None)
    assert systemd.done == []


def test_nobody_answers_a_call(changes: Changes, port: int) -> None:
    asked = Order(
        fault_id="c", until=time.time() + 0.2, options={"name": "n", "address": "127.0.0.1", "port": port}
    )
    with pytest.raises(Expired, match="did not answer"):
        calls.act(asked, changes, lambda *_, **__: None)


def test_a_timer_that_is_not_there_after_all(systemd: Systemd, changes: Changes, port: int) -> None:
    systemd.refuses = "is-active"
    with pytest.raises(OrderError, match="no timer that would end this for sure"):
        kubelet.act(order(port), changes, lambda *_, **__: None)
    assert systemd.kubelet == "active"


def test_the_timer_outlasts_a_kubelet_that_does_not_start(systemd: Systemd, changes: Changes) -> None:
    node_timer.start("aftershock-x", "systemctl start kubelet.service", after_s=5, tools=systemd)
    changes.remember(kubelet.KIND, timer="aftershock-x")
    systemd.kubelet, systemd.refuses = "inactive", "start kubelet"
    with pytest.raises(OSError, match="refused"):
        changes.put_back()
    assert set(systemd.timers) == {"aftershock-x.timer"}
