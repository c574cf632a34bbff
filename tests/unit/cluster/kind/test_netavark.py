"""What Podman's network program leaves when it is killed, and what of it is nobody's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.cluster.kind import netavark
from aftershock.cluster.shell import Shell
from aftershock.errors import CommandError
from tests.unit.cluster.conftest import Commands

OURS, PORTS = "NETAVARK-62F930FC96F2B", "NETAVARK-DN-62F930FC96F2B"  # of the network "kind"
RULES = f"""\
-P POSTROUTING ACCEPT
-N NETAVARK-HOSTPORT-DNAT
-N {OURS}
-N {PORTS}
-N NETAVARK-0123456789ABC
-A POSTROUTING -s 10.89.0.0/24 -j {OURS}
-A POSTROUTING -s 10.88.0.0/16 -j NETAVARK-0123456789ABC
-A NETAVARK-HOSTPORT-DNAT -p tcp --dport 30090 -m comment --comment "name: kind id: 56d3" -j {PORTS}
-A {PORTS} -p tcp --dport 30090 -j DNAT --to-destination 10.89.0.36:30090
"""
ADDRESSES = """[
 {"ifname": "eth0", "addr_info": [{"local": "192.0.2.2"}]},
 {"ifname": "podman0", "addr_info": [{"local": "10.88.0.1"}]},
 {"ifname": "podman1", "addr_info": [{"local": "10.89.0.1"}, {"local": "fe80::1"}]}
]"""


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "names"
    folder.mkdir()
    monkeypatch.setattr(netavark, "NAMES", folder)
    return folder


@pytest.fixture
def shell(commands: Commands, tmp_path: Path) -> Shell:
    """A machine with the rules and interfaces above."""
    commands.add("iptables", f"[ $3 != -S ] || cat <<'END'\n{RULES}END")
    commands.add("ip6tables", "[ $3 != -S ] || echo '-P POSTROUTING ACCEPT'")
    commands.add(
        "ip",
        f'case "$*" in "-json address") cat <<\'END\'\n{ADDRESSES}\nEND\n;;'
        ' *"master podman1") echo \'[{"ifname": "veth0"}, {"ifname": "veth1"}]\' ;; esac',
    )
    return Shell(log=tmp_path / "log")


def test_ports_no_longer_lead_to_what_is_gone(commands: Commands, shell: Shell, names: Path) -> None:
    netavark.sweep("kind", shell=shell)
    deleted = [call.split(maxsplit=4)[4] for call in commands.called("iptables", "-t", "nat", "-D")]
    assert deleted == [
        f"POSTROUTING -s 10.89.0.0/24 -j {OURS}",
        f"NETAVARK-HOSTPORT-DNAT -p tcp --dport 30090 -m comment --comment name: kind id: 56d3 -j {PORTS}",
    ]
    emptied = [call for call in commands.calls if " -F " in call or " -X " in call]
    assert emptied == [f"iptables -t nat {flag} {chain}" for flag in ("-F", "-X") for chain in (OURS, PORTS)]


def test_the_bridge_goes_with_what_is_plugged_into_it(commands: Commands, shell: Shell, names: Path) -> None:
    (names / "kind").write_text("fc00::1,10.89.0.1\n56d3 10.89.0.36 fc00::24 aftershock-control-plane\n")
    (names / "other").write_text("10.88.0.1\n")
    netavark.sweep("kind", shell=shell)
    assert commands.called("ip", "link", "delete") == [
        "ip link delete veth0",
        "ip link delete veth1",
        "ip link delete podman1",
    ]
    assert [path.name for path in names.iterdir()] == ["other"]


def test_nothing_is_done_where_nothing_is_left(commands: Commands, shell: Shell, names: Path) -> None:
    commands.add("iptables", "[ $3 != -S ] || echo '-P POSTROUTING ACCEPT'")
    netavark.sweep("kind", shell=shell)
    assert commands.calls == ["iptables -t nat -S", "ip6tables -t nat -S"]


def test_names_stay_known_until_the_bridge_is_gone(commands: Commands, shell: Shell, names: Path) -> None:
    (names / "kind").write_text("10.89.0.1\n")
    commands.add("ip", "exit 1")
    with pytest.raises(CommandError):
        netavark.sweep("kind", shell=shell)
    assert (names / "kind").exists()
