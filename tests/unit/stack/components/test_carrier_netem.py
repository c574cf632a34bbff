"""netem: only where the kernel has it, only on queues of nobody's, and only ours is taken away."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.netem import KIND, add_netem, has_netem, putting_back
from aftershock_components.carrier.tools import ToolError

from tests.unit.stack.components.network import FakeTools


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    return FakeTools()


@pytest.fixture
def changes(tools: FakeTools, tmp_path: Path) -> Changes:
    return Changes(state=tmp_path / "f", kinds={KIND: putting_back(tmp_path, make_tools=lambda _: tools)})


def test_it_is_tried_where_nobody_is(tools: FakeTools) -> None:
    assert has_netem(tools)
    assert tools.calls[0][:3] == ["unshare", "--net", "tc"]
    tools.missing = {"netem"}
    assert not has_netem(tools)


def test_every_interface_but_the_loopback(tools: FakeTools, changes: Changes) -> None:
    assert add_netem(tools.network, tools, changes, delay_ms=100, jitter_ms=20) == ["eth0"]
    assert tools.qdiscs == {"eth0": "qdisc netem a5f7: root refcnt 2 netem limit 100000 delay 100ms 20ms"}
    assert [entry["interface"] for entry in changes.put_back()] == ["eth0"]
    assert tools.qdiscs == {}
    assert changes.put_back() == []


def test_somebodys_queue_is_not_replaced(tools: FakeTools, changes: Changes) -> None:
    tools.qdiscs = {"eth0": "qdisc htb 1: root refcnt 2"}
    with pytest.raises(ToolError, match="a queue of its own"):
        add_netem(tools.network, tools, changes, delay_ms=100, jitter_ms=0)
    assert changes.remembered() == []


def test_somebodys_netem_is_not_taken_away(tools: FakeTools, changes: Changes) -> None:
    add_netem(tools.network, tools, changes, delay_ms=100, jitter_ms=0)
    tools.qdiscs = {"eth0": "qdisc netem 8001: root refcnt 2 delay 1s"}
    assert changes.put_back() == []
    assert tools.qdiscs


def test_a_pod_that_is_gone(tmp_path: Path) -> None:
    back = putting_back(tmp_path, make_tools=lambda _: None)
    assert not back({"interface": "eth0", "device": 1, "inode": 2})
