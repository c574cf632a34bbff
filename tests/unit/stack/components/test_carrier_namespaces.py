"""A pod's network is found by container id, told by its numbers, and never the node's."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import pytest
from aftershock_components.carrier import namespaces
from aftershock_components.carrier.containers import Container
from aftershock_components.carrier.namespaces import (
    find_network,
    local_addresses,
    node_address_towards,
    node_network,
    pod_network,
)
from aftershock_components.carrier.orders import Order, OrderError
from aftershock_components.carrier.tools import ToolError, Tools

from tests.unit.stack.components.network import network, order

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.1
              /32 host LOCAL
     |-- 10.244.2.46
        /32 host LOCAL
     |-- 10.244.2.255
        /32 link BROADCAST
Local:
     |-- 10.244.2.46
        /32 host LOCAL
"""
IF_INET6 = """00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000e488fefffe397fb0 02 40 20 80     eth0
fd000000000000000000000000000007 02 40 00 80     eth0
"""


def process(proc: Path, pid: int) -> Path:
    for folder in ("ns", "net"):
        (proc / str(pid) / folder).mkdir(parents=True)
    (proc / str(pid) / "ns" / "net").touch()
    return proc / str(pid)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    process(tmp_path, 1)
    pod = process(tmp_path, 40)
    (pod / "net" / "fib_trie").write_text(FIB_TRIE)
    (pod / "net" / "if_inet6").write_text(IF_INET6)
    return tmp_path


@pytest.fixture
def pids(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whose process the container's first one is, look by look."""
    found = [40, 40]
    monkeypatch.setattr(
        Order, "container", lambda order: Container(folder=Path("/"), version=2, pid=found.pop(0))
    )
    return found


def key(file: Path) -> dict[str, int]:
    return {"device": file.stat().st_dev, "inode": file.stat().st_ino}


def test_the_pods_own(proc: Path, pids: list[int]) -> None:
    found = pod_network(order(proc))
    assert {"device": found.device, "inode": found.inode} == key(proc / "40" / "ns" / "net")
    assert [str(address) for address in found.addresses] == [
        "10.244.2.46",
        "fd00::7",
        "fe80::e488:feff:fe39:7fb0",
    ]
    assert found.families == (4, 6)


def test_a_container_that_was_replaced_during_the_look(proc: Path, pids: list[int]) -> None:
    pids[1] = 41
    with pytest.raises(OrderError, match="replaced"):
        pod_network(order(proc))


def test_a_pod_of_the_nodes_network_is_refused(proc: Path, pids: list[int]) -> None:
    (proc / "40" / "ns" / "net").unlink()
    os.link(proc / "1" / "ns" / "net", proc / "40" / "ns" / "net")
    with pytest.raises(OrderError, match="the node's own network"):
        pod_network(order(proc))


def test_is_found_again_though_the_container_was_restarted(proc: Path) -> None:
    numbers = key(proc / "40" / "ns" / "net")
    os.link(proc / "40" / "ns" / "net", process(proc, 50) / "ns" / "other")
    assert find_network(proc, **numbers) is not None
    (proc / "50" / "ns" / "net").unlink()
    (proc / "50" / "ns" / "other").rename(proc / "50" / "ns" / "net")
    (proc / "40" / "ns" / "net").unlink()
    assert find_network(proc, **numbers) is not None


def test_is_found_again_where_no_process_is_in_it(proc: Path) -> None:
    kept = proc / "1" / "root" / "run" / "netns"
    kept.mkdir(parents=True)
    numbers = key(proc / "40" / "ns" / "net")
    (proc / "40" / "ns" / "net").rename(kept / "cni-1")
    assert find_network(proc, **numbers) is not None
    (kept / "cni-1").unlink()
    assert find_network(proc, **numbers) is None


def test_a_process_that_ended(proc: Path) -> None:
    assert local_addresses(proc / "99") == ()


def test_a_carrier_without_the_nodes_processes(tmp_path: Path) -> None:
    with pytest.raises(OrderError, match="PID namespace"):
        node_network(tmp_path)


def test_from_where_the_node_speaks_to_a_pod(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[int] = []
    monkeypatch.setattr(namespaces, "enter", lambda fd, kind=0: entered.append(fd))
    assert node_address_towards(proc, ipaddress.ip_address("127.0.0.1")) == ipaddress.ip_address("127.0.0.1")
    assert len(entered) == 2, "there and back"
    monkeypatch.setattr(namespaces, "enter", lambda fd, kind=0: (_ for _ in ()).throw(OSError("no")))
    assert node_address_towards(proc, ipaddress.ip_address("127.0.0.1")) is None


class TestTools:
    @pytest.fixture
    def tools(self, proc: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
        (proc / "1" / "ns" / "mnt").touch()
        monkeypatch.setattr("aftershock_components.carrier.tools.enter", lambda fd, kind: None)
        return Tools(network(), proc=proc)

    def test_what_it_prints_is_returned(self, tools: Tools) -> None:
        assert tools.run("cat", given="abc") == "abc"

    def test_a_failure_says_what_the_program_said(self, tools: Tools) -> None:
        with pytest.raises(ToolError, match=r"sh -c .* failed \(3\): oh no"):
            tools.run("sh", "-c", "echo oh no >&2; exit 3")
        assert not tools.has("false")
        assert tools.has("true")

    def test_a_program_that_is_nowhere(self, tools: Tools) -> None:
        with pytest.raises(ToolError, match="no-such-program cannot be run on the node"):
            tools.run("no-such-program")

    def test_is_both_a_senseless_order_and_an_error_of_putting_back(self) -> None:
        assert issubclass(ToolError, OrderError)
        assert issubclass(ToolError, OSError)
