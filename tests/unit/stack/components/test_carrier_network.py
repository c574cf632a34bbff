"""Acts on a pod's network: which packets are meant, what the rules say, and that nothing stays."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aftershock_components.carrier import (
    network_latency,
    network_loss,
    network_partition,
    network_reset,
    rules,
    selection,
)
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.delays import Delays
from aftershock_components.carrier.orders import OrderError
from aftershock_components.carrier.rules import chain_name
from aftershock_components.carrier.selection import Selection, selected

from tests.unit.stack.components.network import FakeTools, Said, network, order

POD = ipaddress.ip_address("10.0.0.2")
NODE = ipaddress.ip_address("10.0.0.1")
IN, OUT = chain_name("fault-0", "INPUT"), chain_name("fault-0", "OUTPUT")
ACTS = (network_latency, network_loss, network_partition, network_reset)


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> FakeTools:
    found = FakeTools(network=network(POD), missing={"netem"})
    for module in ACTS:
        monkeypatch.setattr(module, "pod_network", lambda order: found.network)
        monkeypatch.setattr(module, "Tools", lambda network, proc: found)
    monkeypatch.setattr(selection, "node_address_towards", lambda proc, address: NODE)
    return found


@pytest.fixture
def run(tools: FakeTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Run an act to its end, and look that it leaves nothing; `seen` has its rules meanwhile."""

    def run(module: Any, **options: Any) -> Said:
        changes = Changes(
            state=tmp_path / "f", kinds={rules.KIND: rules.putting_back(tmp_path, make_tools=lambda _: tools)}
        )
        said = Said()
        try:
            module.act(order(tmp_path, until=time.time(), **options), changes, said)
        finally:
            run.seen = {name: list(found) for name, found in tools.own().items()}  # type: ignore[attr-defined]  # told beside
            changes.put_back()
            assert tools.own() == {}
        return said

    return run


class TestLoss:
    def test_a_share_of_what_comes_in(self, run: Any) -> None:
        (said,) = run(network_loss, share=0.25)
        assert run.seen == {
            IN: ["-i lo -j RETURN", "-m statistic --mode random --probability 0.250000 -j DROP"]
        }
        assert (said["share"], said["ends_by_itself"], said["peers"]) == (0.25, True, "all")

    @pytest.mark.parametrize("share", [0, -0.1, 1.1, "half"])
    def test_no_share(self, run: Any, share: object) -> None:
        with pytest.raises(OrderError, match="share"):
            run(network_loss, share=share)


class TestPartition:
    def test_everybody_but_the_node(self, run: Any) -> None:
        run(network_partition)
        assert run.seen[IN] == ["-i lo -j RETURN", "-s 10.0.0.1/32 -j RETURN", "-j DROP"]
        out = run.seen[OUT]
        assert out[:2] == ["-o lo -j RETURN", "-d 10.0.0.1/32 -j RETURN"]
        assert out[2].startswith("-j NFQUEUE --queue-num "), "silently: a DROP would be told to the sender"
        assert "bypass" not in out[2]

    def test_the_node_too(self, run: Any) -> None:
        run(network_partition, spare_node=False)
        assert run.seen[IN] == ["-i lo -j RETURN", "-j DROP"]

    def test_chosen_peers(self, run: Any) -> None:
        run(network_partition, spare_node=False, peers=["10.0.1.7", "10.0.2.0/24", "fd00::7"])
        assert run.seen[IN] == ["-i lo -j RETURN", "-s 10.0.1.7/32 -j DROP", "-s 10.0.2.0/24 -j DROP"]

    def test_a_kernel_without_queues_drops_aloud(self, run: Any, tools: FakeTools) -> None:
        tools.unsupported = {"NFQUEUE"}
        first, second = run(network_partition, spare_node=False)
        assert (first["event"], second["event"]) == ("not silently", "cut off")
        assert run.seen[OUT] == ["-o lo -j RETURN", "-j DROP"]


class TestReset:
    def test_both_ends_and_never_a_reset_itself(self, run: Any) -> None:
        run(network_reset)
        refused = "-p tcp -m tcp ! --tcp-flags RST RST -j REJECT --reject-with tcp-reset"
        assert run.seen == {IN: ["-i lo -j RETURN", refused], OUT: ["-o lo -j RETURN", refused]}

    def test_at_a_port_and_a_share(self, run: Any) -> None:
        run(network_reset, ports=[8080], share=0.5)
        rest = (
            "-m tcp ! --tcp-flags RST RST -m statistic --mode random --probability 0.500000 "
            "-j REJECT --reject-with tcp-reset"
        )
        assert run.seen[IN][1:] == [f"-p tcp --dport 8080 {rest}"]
        assert run.seen[OUT][1:] == [f"-p tcp --sport 8080 {rest}"]


class Queue:
    """A packet queue whose kernel hands over two packets at once, then none."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.arrived: list[tuple[int, bytes]] = [(1, b""), (2, b"")]
        self.gone: list[int] = []

    def __enter__(self) -> Queue:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def fileno(self) -> int:
        return 0

    def read(self) -> list[tuple[int, bytes]]:
        arrived, self.arrived = self.arrived, []
        return arrived

    def let_go(self, packets: list[int]) -> None:
        self.gone += packets


class TestLatency:
    @pytest.fixture
    def queue(self, monkeypatch: pytest.MonkeyPatch) -> list[Queue]:
        made: list[Queue] = []
        monkeypatch.setattr(
            network_latency, "PacketQueue", lambda number: made.append(Queue(number)) or made[-1]
        )
        return made

    def test_without_netem_packets_wait_in_a_queue(self, run: Any, queue: list[Queue]) -> None:
        delaying, _ = run(network_latency, delay_ms=100)
        (chain,) = run.seen.values()
        assert chain[1] == f"-j NFQUEUE --queue-num {queue[0].number} --queue-bypass"
        assert delaying["mechanism"] == "packet queue"
        assert queue[0].closed

    def test_with_netem_the_kernel_does_it(
        self, run: Any, tools: FakeTools, queue: list[Queue], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tools.missing = set()
        monkeypatch.setattr(network_latency, "add_netem", lambda *args, **how: ["eth0"])
        (said,) = run(network_latency, delay_ms=100, jitter_ms=20)
        assert (said["mechanism"], said["interfaces"], said["jitter_ms"]) == ("netem", ["eth0"], 20)
        assert queue == []

    def test_netem_cannot_choose_so_the_queue_does(
        self, run: Any, tools: FakeTools, queue: list[Queue]
    ) -> None:
        tools.missing = set()
        delaying, _ = run(network_latency, delay_ms=100, spare_node=True)
        assert delaying["mechanism"] == "packet queue"

    def test_what_still_waits_at_the_end_is_let_go(self, tmp_path: Path) -> None:
        queue, delays = Queue(1), Delays(delay_s=0.01)
        count = network_latency._hold(queue, delays, time.time() + 0.05)  # type: ignore[arg-type]  # a fake
        assert (count, queue.gone) == (2, [1, 2])

    def test_a_kernel_with_neither(self, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(number: int) -> None:
            raise OSError(93, "Protocol not supported")

        monkeypatch.setattr(network_latency, "PacketQueue", refuse)
        with pytest.raises(OrderError, match="neither netem nor a packet queue"):
            run(network_latency, delay_ms=100)

    @pytest.mark.parametrize(
        "options", [{"delay_ms": 0}, {"delay_ms": 1e6}, {"delay_ms": 10, "jitter_ms": 11}]
    )
    def test_a_delay_that_makes_no_sense(self, run: Any, options: dict[str, float]) -> None:
        with pytest.raises(OrderError, match="makes no sense"):
            run(network_latency, **options)


class TestSelection:
    def test_neighbours_are_always_found(self) -> None:
        found = Selection().rules("INPUT", "-j DROP", family=6)
        assert [rule for rule in found if "icmpv6-type 135 -j RETURN" in rule or "136 -j RETURN" in rule]

    def test_ports_are_the_pods_own(self) -> None:
        chosen = Selection(ports=(53,))
        assert chosen.rules("INPUT", "-j DROP", family=4)[1:] == (
            "-p tcp --dport 53 -j DROP",
            "-p udp --dport 53 -j DROP",
        )
        assert not chosen.everything
        assert Selection().everything

    @pytest.mark.parametrize(
        "options",
        [
            {"peers": ["nobody"]},
            {"peers": "10.0.0.1"},
            {"ports": [0]},
            {"ports": ["http"]},
            {"spare_node": "yes"},
        ],
    )
    def test_what_is_none(self, tmp_path: Path, options: dict[str, Any]) -> None:
        with pytest.raises(OrderError, match="option"):
            selected(order(tmp_path, **options), network(POD), spare_node=False)

    def test_a_node_that_cannot_be_spared(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(selection, "node_address_towards", lambda proc, address: None)
        with pytest.raises(OrderError, match="cannot be told"):
            selected(order(tmp_path), network(POD), spare_node=True)


class TestDelays:
    def test_due_after_the_delay_in_order(self) -> None:
        delays = Delays(delay_s=2)
        delays.add(1, b"", 10)
        delays.add(2, b"", 10.5)
        assert delays.next_in(11) == 1
        assert delays.due(11.9) == []
        assert delays.due(12.5) == [1, 2]
        assert delays.next_in(13) is None

    def test_jitter_stays_within_its_bounds_and_keeps_a_flows_order(self) -> None:
        delays = Delays(delay_s=0.1, jitter_s=0.05, seed=1)
        for number in range(500):
            delays.add(number, b"a", number * 0.001)
        assert delays.due(0.049) == []
        assert delays.due(0.5 + 0.151) == list(range(500))

    def test_flows_overtake_one_another(self) -> None:
        delays = Delays(delay_s=0.1, jitter_s=0.1, seed=3)
        for number in range(100):
            delays.add(number, bytes([number]), 0)
        found = delays.due(1)
        assert sorted(found) == list(range(100))
        assert found != sorted(found)

    def test_flows_of_long_ago_are_forgotten(self) -> None:
        delays = Delays(delay_s=0.1, jitter_s=0.01)
        for number in range(9000):
            delays.add(number, number.to_bytes(2, "big"), float(number))
        assert len(delays._last) <= 4097
