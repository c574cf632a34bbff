"""Rules of iptables: added whole, ended by the kernel's clock, taken away exactly."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest
from aftershock_components.carrier import rules as module
from aftershock_components.carrier.changes import Changes
from aftershock_components.carrier.rules import Chain, add_rules, chain_name, programs, putting_back
from aftershock_components.carrier.tools import ToolError

from tests.unit.stack.components.network import FakeTools, network, order

UNTIL = 1_790_000_000.0
OTHERS = "-p tcp -m tcp --dport 22 -j ACCEPT"
CHAINS = [
    Chain(table="filter", hook="INPUT", rules=("-i lo -j RETURN", "-j DROP")),
    Chain(table="filter", hook="OUTPUT", rules=("-j DROP",)),
    Chain(table="mangle", hook="INPUT", rules=("-j NFQUEUE --queue-num 7",)),
]


@pytest.fixture
def tools() -> FakeTools:
    found = FakeTools()
    found.table("iptables", "filter")["INPUT"].append(OTHERS)
    return found


@pytest.fixture
def changes(tools: FakeTools, tmp_path: Path) -> Changes:
    back = putting_back(tmp_path, make_tools=lambda entry: tools)
    return Changes(state=tmp_path / "f.json", kinds={module.KIND: back})


def add(tools: FakeTools, changes: Changes, tmp_path: Path) -> bool:
    return add_rules(lambda family: CHAINS, order=order(tmp_path, until=UNTIL), tools=tools, changes=changes)


class TestAdd:
    def test_first_of_all_and_only_until_the_end(
        self, tools: FakeTools, changes: Changes, tmp_path: Path
    ) -> None:
        assert add(tools, changes, tmp_path)
        name = chain_name("fault-0", "INPUT")
        assert tools.rules("filter", "INPUT") == [
            f"-m time --datestop 2026-09-21T14:13:20 -j {name}",
            OTHERS,
        ]
        assert tools.rules("filter", name) == ["-i lo -j RETURN", "-j DROP"]
        assert tools.rules("mangle", name) == ["-j NFQUEUE --queue-num 7"]

    def test_where_the_kernel_cannot_compare_times(
        self, tools: FakeTools, changes: Changes, tmp_path: Path
    ) -> None:
        tools.unsupported = {"time"}
        assert not add(tools, changes, tmp_path)
        assert tools.rules("filter", "INPUT")[0] == f"-j {chain_name('fault-0', 'INPUT')}"

    def test_what_is_refused_for_good(self, tools: FakeTools, changes: Changes, tmp_path: Path) -> None:
        tools.unsupported = {"DROP"}
        with pytest.raises(ToolError, match="no such thing: DROP"):
            add(tools, changes, tmp_path)
        assert changes.put_back() == []

    def test_written_down_before_it_is_done(self, tools: FakeTools, changes: Changes, tmp_path: Path) -> None:
        seen: list[str] = []
        restore = tools._restore
        tools._restore = lambda *given: seen.append(changes.state.read_text()) or restore(*given)  # type: ignore[method-assign,func-returns-value]  # looks on
        add(tools, changes, tmp_path)
        (entry,) = json.loads(seen[0])
        assert (entry["device"], entry["inode"], entry["program"]) == (4, 7, "iptables-nft")

    def test_both_versions_of_ip_where_both_are_in_use(self, changes: Changes, tmp_path: Path) -> None:
        tools = FakeTools(network=network(ipaddress.ip_address("10.0.0.2"), ipaddress.ip_address("fd00::2")))
        add(tools, changes, tmp_path)
        assert set(tools.tables) == {"4 filter", "4 mangle", "6 filter", "6 mangle"}
        assert [entry["program"] for entry in changes.remembered()] == ["iptables-nft", "ip6tables-nft"]

    def test_an_address_of_the_link_is_no_ipv6(self) -> None:
        assert network(ipaddress.ip_address("10.0.0.2"), ipaddress.ip_address("fe80::1")).families == (4,)


class TestPutBack:
    def test_others_rules_are_as_they_were(self, tools: FakeTools, changes: Changes, tmp_path: Path) -> None:
        add(tools, changes, tmp_path)
        tools.rules("filter", "OUTPUT").append("-j ACCEPT")  # somebody's, added meanwhile
        assert len(changes.put_back()) == 1
        assert tools.rules("filter", "INPUT") == [OTHERS]
        assert tools.rules("filter", "OUTPUT") == ["-j ACCEPT"]
        assert tools.own() == {}

    def test_a_second_time_there_is_nothing_to_do(
        self, tools: FakeTools, changes: Changes, tmp_path: Path
    ) -> None:
        add(tools, changes, tmp_path)
        (entry,) = changes.put_back()
        changes.remember(entry.pop("kind"), **entry)
        assert changes.put_back() == []

    def test_another_faults_chain_stays(self, tools: FakeTools, changes: Changes, tmp_path: Path) -> None:
        other = chain_name("fault-1", "INPUT")
        tools.table("iptables", "filter")[other] = ["-j DROP"]
        tools.rules("filter", "INPUT").insert(0, f"-j {other}")
        add(tools, changes, tmp_path)
        changes.put_back()
        assert tools.rules("filter", "INPUT") == [f"-j {other}", OTHERS]
        assert list(tools.own()) == [other]

    def test_a_chain_that_lost_its_jump(self, tools: FakeTools, changes: Changes, tmp_path: Path) -> None:
        add(tools, changes, tmp_path)
        tools.rules("filter", "INPUT").pop(0)
        changes.put_back()
        assert tools.own() == {}

    def test_a_pod_that_is_gone(self, tmp_path: Path) -> None:
        changes = Changes(
            state=tmp_path / "f", kinds={module.KIND: putting_back(tmp_path, make_tools=lambda entry: None)}
        )
        changes.remember(module.KIND, program="iptables", device=1, inode=2, of_node=False, chains=[])
        assert changes.put_back() == []
        assert changes.remembered() == []

    def test_what_cannot_be_listed_stays_written_down(
        self, tools: FakeTools, changes: Changes, tmp_path: Path
    ) -> None:
        add(tools, changes, tmp_path)
        tools.missing = {"iptables-nft"}
        with pytest.raises(ToolError):
            changes.put_back()
        assert changes.remembered()


class TestFlavour:
    @pytest.mark.parametrize(
        ("missing", "chosen"),
        [
            (set(), "iptables-nft"),
            ({"iptables-nft"}, "iptables"),
            ({"iptables-nft", "iptables"}, "iptables-legacy"),
        ],
    )
    def test_what_there_is(self, missing: set[str], chosen: str) -> None:
        assert programs(FakeTools(missing=missing), family=4) == chosen

    def test_none_at_all(self) -> None:
        tools = FakeTools(missing={"ip6tables-nft", "ip6tables", "ip6tables-legacy"})
        with pytest.raises(ToolError, match="there is no ip6tables"):
            programs(tools, family=6)

    def test_legacy_where_it_alone_has_rules(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "exists", lambda path: path.name == "ip_tables_names")
        monkeypatch.setattr(Path, "read_text", lambda path, **_: "filter\n")
        found = {"iptables-legacy": True, "iptables-nft": False}
        monkeypatch.setattr(module, "_rules_in", lambda tools, program: found[program])
        assert programs(FakeTools(), family=4) == "iptables-legacy"
        found["iptables-nft"] = True
        assert programs(FakeTools(), family=4) == "iptables-nft"


@pytest.mark.parametrize("hook", ["INPUT", "OUTPUT", "POSTROUTING"])
def test_a_chains_name_is_short_enough_and_the_faults_own(hook: str) -> None:
    name = chain_name("network-partition-0123abcd-0", hook)
    assert len(name) <= 28
    assert name != chain_name("network-partition-0123abcd-1", hook)
