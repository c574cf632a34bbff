"""Names that fail: messages to the byte, the chosen names only, everything else handed through."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aftershock_components.carrier import dns_failure, rules
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.dns_messages import (
    AAAA,
    MessageError,
    failing,
    query,
    read_answer,
    read_question,
    wrong,
)
from aftershock_components.carrier.dns_responder import Failing, Responder, loopback, open_sockets
from aftershock_components.carrier.looking_up import look_up
from aftershock_components.carrier.orders import OrderError
from aftershock_components.carrier.resolving import Resolving, read_resolving

from tests.unit.stack.components.network import FakeTools, Said, network, order

CLUSTER = Resolving(
    servers=("127.0.0.1",), search=("demo.svc.cluster.local", "svc.cluster.local", "cluster.local"), ndots=5
)


class TestMessages:
    def test_a_question_is_read_in_lower_case(self) -> None:
        asked = read_question(query(7, "Reviews.Demo.svc"))
        assert (asked.number, asked.name, asked.kind) == (7, "reviews.demo.svc", 1)

    @pytest.mark.parametrize(("code", "number"), [("refused", 5), ("servfail", 2), ("nxdomain", 3)])
    def test_a_failure_repeats_the_question(self, code: str, number: int) -> None:
        asked = query(7, "a.b")
        answer = failing(asked, code)
        assert answer[:2] == asked[:2]
        assert answer[12:] == asked[12:]
        assert read_answer(answer).code == number
        assert struct.unpack_from(">H", answer, 2)[0] & 0x8180 == 0x8180

    def test_a_wrong_address_is_not_to_be_kept(self) -> None:
        answer = wrong(query(7, "a.b"), "192.0.2.1")
        assert read_answer(answer).addresses == ("192.0.2.1",)
        assert struct.unpack_from(">I", answer, len(query(7, "a.b")) + 6)[0] == 0

    def test_of_another_kind_there_is_none(self) -> None:
        found = read_answer(wrong(query(7, "a.b", AAAA), "192.0.2.1"))
        assert (found.code, found.addresses) == (0, ())
        assert read_answer(wrong(query(7, "a.b", AAAA), "2001:db8::1")).addresses == ("2001:db8::1",)

    @pytest.mark.parametrize(
        "message",
        [
            b"",
            query(1, "a")[:14],
            failing(query(1, "a"), "refused"),
            query(1, "a")[:12] + b"\xc0\x0c" + bytes(4),
        ],
        ids=["nothing", "cut off", "an answer", "a name that leads to itself"],
    )
    def test_what_is_no_question(self, message: bytes) -> None:
        with pytest.raises(MessageError):
            read_question(message)

    @pytest.mark.parametrize("message", [b"", query(1, "a"), wrong(query(1, "a"), "192.0.2.1")[:-9]])
    def test_what_is_no_answer(self, message: bytes) -> None:
        with pytest.raises(MessageError):
            read_answer(message)


class TestResolving:
    def test_a_pods_resolv_conf(self, tmp_path: Path) -> None:
        file = tmp_path / "resolv.conf"
        file.write_text(
            "# kubelet's\nsearch demo.svc.cluster.local svc.cluster.local cluster.local\n"
            "nameserver 127.0.0.1\nnameserver nonsense\nnameserver\noptions edns0 ndots:5\n\n"
        )
        assert read_resolving(file) == CLUSTER

    def test_suffixes_come_first_for_short_names(self) -> None:
        assert CLUSTER.candidates("ratings")[0] == "ratings.demo.svc.cluster.local"
        assert CLUSTER.candidates("ratings")[-1] == "ratings"
        assert CLUSTER.candidates("a.b.c.d.e.f")[0] == "a.b.c.d.e.f"
        assert CLUSTER.candidates("whole.") == ("whole",)

    @pytest.mark.parametrize(
        ("chosen", "asked", "meant"),
        [
            ("ratings", "ratings", True),
            ("ratings", "ratings.demo.svc.cluster.local", True),
            ("Ratings.", "ratings.cluster.local", True),
            ("ratings", "ratings.other.svc.cluster.local", False),
            ("ratings", "myratings", False),
            ("ratings.demo.svc.cluster.local", "ratings.demo.svc.cluster.local", True),
            ("*", "anything", True),
            ("*.example.com", "a.example.com", True),
            ("*.example.com", "example.org", False),
        ],
    )
    def test_which_questions_are_meant(self, chosen: str, asked: str, meant: bool) -> None:
        assert CLUSTER.means(chosen, asked) is meant


class Upstream(asyncio.DatagramProtocol):
    """The true server: says that every name has an address, over both protocols."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.asked.append(data)
        self.transport.sendto(wrong(data, "10.0.0.9"), address)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack(">H", await reader.readexactly(2))
        answer = wrong(await reader.readexactly(length), "10.0.0.9")
        writer.write(struct.pack(">H", len(answer)) + answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def with_responder(failing_: Failing, work: Callable[[int, Responder], Awaitable[Any]]) -> Any:
    """Run a true server, a responder before it, and `work` with the responder's port."""
    true, true_stream = open_sockets("127.0.0.1")
    loop = asyncio.get_running_loop()
    upstream = Upstream()
    transport, _ = await loop.create_datagram_endpoint(lambda: upstream, sock=true)
    server = await asyncio.start_server(upstream.stream, sock=true_stream)
    responder = Responder("127.0.0.1", failing_, port=true_stream.getsockname()[1], mark=0)
    datagram, stream = open_sockets("127.0.0.1")
    port = datagram.getsockname()[1]
    serving = asyncio.create_task(responder.serve(datagram, stream))
    try:
        return await work(port, responder)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        transport.close()
        server.close()
        await server.wait_closed()


def fails(mode: str, **more: Any) -> Failing:
    return Failing(mode=mode, names=("ratings",), resolving=CLUSTER, **more)


class TestResponder:
    @pytest.mark.parametrize(
        ("how", "name", "outcome", "addresses"),
        [
            (fails("refused"), "ratings", "refused", ()),
            (fails("servfail"), "ratings", "servfail", ()),
            (fails("wrong", address="192.0.2.1"), "ratings", "found", ("192.0.2.1",)),
            (fails("slow", delay_s=0.05), "ratings", "found", ("10.0.0.9",)),
            (fails("refused"), "details", "found", ("10.0.0.9",)),
        ],
    )
    def test_datagrams(self, how: Failing, name: str, outcome: str, addresses: tuple[str, ...]) -> None:
        async def work(port: int, responder: Responder) -> Any:
            return await look_up(name, CLUSTER, 2, 2.0, port=port), responder.counts

        lookups, counts = asyncio.run(with_responder(how, work))
        assert [(one.outcome, one.addresses) for one in lookups] == [(outcome, addresses)] * 2
        assert counts["handed through" if name == "details" else "failed"] == 2
        if how.mode == "slow":
            assert all(one.took_ms >= 50 for one in lookups)

    @pytest.mark.parametrize(("name", "code"), [("ratings", 5), ("details", 0)])
    def test_streams(self, name: str, code: int) -> None:
        async def work(port: int, responder: Responder) -> Any:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            asked = query(9, name)
            writer.write(struct.pack(">H", len(asked)) + asked)
            (length,) = struct.unpack(">H", await reader.readexactly(2))
            answer = read_answer(await reader.readexactly(length))
            writer.close()
            await writer.wait_closed()
            return answer

        assert asyncio.run(with_responder(fails("refused"), work)).code == code

    def test_what_is_no_question_is_handed_through(self) -> None:
        async def ask(message: bytes) -> bytes:
            return b"as it came: " + message

        responder = Responder("127.0.0.1", fails("refused"))
        assert asyncio.run(responder.answer(b"?", ask)) == b"as it came: ?"

    def test_a_server_that_does_not_answer_is_no_answer(self) -> None:
        async def work(port: int, responder: Responder) -> Any:
            responder.upstream = ("127.0.0.1", 1)
            found = await look_up("details", CLUSTER, 1, 0.2, port=port)
            return found, responder.counts["unanswered"]

        (lookup,), unanswered = asyncio.run(with_responder(fails("refused"), work))
        assert (lookup.outcome, unanswered) == ("unanswered", 1)

    def test_loopbacks(self) -> None:
        assert (loopback("10.96.0.10"), loopback("fd00::a")) == ("127.0.0.1", "::1")


class TestAct:
    @pytest.fixture
    def tools(self, monkeypatch: pytest.MonkeyPatch) -> FakeTools:
        found = FakeTools(network=network())
        monkeypatch.setattr(dns_failure, "pod_network", lambda order: found.network)
        monkeypatch.setattr(dns_failure, "Tools", lambda network, proc: found)
        monkeypatch.setattr(dns_failure, "_resolving", lambda order: CLUSTER)
        return found

    @pytest.fixture
    def changes(self, tools: FakeTools, tmp_path: Path) -> Changes:
        back = rules.putting_back(tmp_path, make_tools=lambda _: tools)
        return Changes(state=tmp_path / "f", kinds={rules.KIND: back})

    def test_only_what_goes_to_the_pods_servers_is_led_here(
        self, tools: FakeTools, changes: Changes, tmp_path: Path
    ) -> None:
        said = Said()
        asked = order(tmp_path, until=time.time() + 0.05, mode="refused", names=["ratings"])
        dns_failure.act(asked, changes, said)
        port = said[0]["servers"]["127.0.0.1"]
        ((name, rules_),) = tools.own().items()
        assert tools.rules("nat", "OUTPUT")[0].endswith(f"-j {name}")
        assert rules_ == [
            "-m mark --mark 0xa5f7 -j RETURN",
            f"-d 127.0.0.1 -p udp --dport 53 -j REDIRECT --to-ports {port}",
            f"-d 127.0.0.1 -p tcp --dport 53 -j REDIRECT --to-ports {port}",
        ]
        assert said[1]["counts"] == {"127.0.0.1": {}}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", port))
        changes.put_back()
        assert tools.own() == {}

    def test_servers_of_an_ip_version_that_the_pod_has_not_are_left_out(
        self, tools: FakeTools, changes: Changes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        both = Resolving(servers=("127.0.0.1", "fd00::a", "127.0.0.2"))
        monkeypatch.setattr(dns_failure, "_resolving", lambda order: both)
        said = Said()
        dns_failure.act(order(tmp_path, until=time.time(), mode="refused", names=["a"]), changes, said)
        assert list(said[0]["servers"]) == ["127.0.0.1", "127.0.0.2"]

    def test_no_server_that_the_pod_could_ask(
        self, tools: FakeTools, changes: Changes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dns_failure, "_resolving", lambda order: Resolving(servers=("fd00::a",)))
        with pytest.raises(OrderError, match="cannot reach a server"):
            dns_failure.act(order(tmp_path, until=time.time(), mode="refused", names=["a"]), changes, Said())

    @pytest.mark.parametrize(
        "options",
        [
            {"mode": "noerror", "names": ["a"]},
            {"mode": "refused", "names": []},
            {"mode": "refused", "names": [""]},
            {"mode": "slow", "names": ["a"]},
            {"mode": "wrong", "names": ["a"], "address": "nowhere"},
        ],
    )
    def test_an_order_that_makes_no_sense(
        self, tools: FakeTools, changes: Changes, tmp_path: Path, options: dict[str, Any]
    ) -> None:
        with pytest.raises(OrderError):
            dns_failure.act(order(tmp_path, until=time.time() + 60, **options), changes, Said())
        assert tools.own() == {}
