"""The node containers: their limits, their network, and the images that are brought into them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Literal

import pytest

from aftershock.cluster.kind.builder import Builder, names_in_nodes
from aftershock.cluster.kind.catalogue import Catalogue, load_catalogue
from aftershock.cluster.kind.engine import Engine
from aftershock.cluster.kind.nodes import POD_SUBNET, SERVICE_SUBNET, Nodes, reserved
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell
from aftershock.errors import CommandError
from aftershock.testing.kube import FakeApi, node
from tests.unit.cluster.conftest import Commands

NAMES = ("control-plane", "worker", "worker2")
GIB_IN_PAGES = 1024**3 // 4096


def made(name: Literal["docker", "podman"], tmp_path: Path, progress: Progress) -> Nodes:
    engine = Engine(name=name, shell=Shell(log=tmp_path / "log"), why="")
    return Nodes(engine=engine, names=list(reversed(NAMES)), progress=progress)


@pytest.fixture
def nodes(tmp_path: Path, progress: Progress) -> Nodes:
    return made("podman", tmp_path, progress)


def machine(monkeypatch: pytest.MonkeyPatch, *, cpus: int | None, memory_gib: int) -> None:
    """Stand on a machine of this size."""
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)
    pages = memory_gib * GIB_IN_PAGES
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PHYS_PAGES": pages, "SC_PAGE_SIZE": 4096}[name])


class TestReserved:
    def test_what_is_left_is_the_nodes_limit_less_the_systems_part(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine(monkeypatch, cpus=16, memory_gib=64)
        assert reserved() == {"cpu": "14000m", "memory": f"{60 * 1024**2 + 384 * 1024}Ki"}

    @pytest.mark.parametrize(
        ("cpus", "cpu"), [(4, "2000m"), (3, "1000m"), (2, "500m"), (1, "250m"), (None, "500m")]
    )
    def test_on_a_small_machine_some_of_the_cpu_and_no_memory(
        self, monkeypatch: pytest.MonkeyPatch, cpus: int | None, cpu: str
    ) -> None:
        machine(monkeypatch, cpus=cpus, memory_gib=3)
        assert reserved() == {"cpu": cpu, "memory": "0Ki"}


class TestLimit:
    def test_every_node_has_them(
        self, nodes: Nodes, commands: Commands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine(monkeypatch, cpus=16, memory_gib=64)
        commands.add("podman")
        nodes.limit()
        assert sorted(commands.calls) == [f"podman update --cpus 2 --memory 4g {name}" for name in NAMES]

    def test_docker_wants_the_swap_named_as_well(
        self, commands: Commands, tmp_path: Path, progress: Progress
    ) -> None:
        commands.add("docker")
        made("docker", tmp_path, progress).limit()
        assert len(commands.calls) == len(NAMES)
        assert all("--memory 4g --memory-swap 4g" in call for call in commands.calls)

    def test_not_more_cpus_than_there_are(
        self, nodes: Nodes, commands: Commands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine(monkeypatch, cpus=1, memory_gib=8)
        commands.add("podman")
        nodes.limit()
        assert all("--cpus 1 " in call for call in commands.calls)

    def test_one_that_cannot_be_limited_is_told(self, nodes: Nodes, commands: Commands) -> None:
        commands.add("podman", '[ "$6" != worker ] || { echo "no cgroup"; exit 125; }')
        with pytest.raises(CommandError) as caught:
            nodes.limit()
        assert caught.value.tail == ("no cgroup",)


# Keeps a rule per line, "table chain rule", as `iptables -w -t TABLE -C|-A|-I CHAIN RULE` orders them.
IPTABLES = """
table=$3 how=$4; shift 4; rule="$table $*"
case $how in
  -C) while read -r line; do [ "$line" != "$rule" ] || exit 0; done <{rules}; exit 1 ;;
  -A) echo "$rule" >>{rules} ;;
  -I) old=$(cat {rules}); printf '%s\\n' "$rule" "$old" >{rules} ;;
esac
"""


class Inside:
    """Runs what `connect` ran in a node, in a folder that stands for the node's root."""

    def __init__(self, commands: Commands, scripts: Path) -> None:
        self.root = scripts.parent / "root"
        self.rules = scripts.parent / "rules"
        self.scripts = scripts
        self.cni = self.root / "etc/cni/net.d"
        for folder in (self.cni, self.root / "etc/systemd/system", self.root / "usr/local/bin"):
            folder.mkdir(parents=True)
        self.rules.touch()
        commands.add("iptables", IPTABLES.replace("{rules}", str(self.rules)))
        commands.add("ip")
        commands.add("systemctl")
        self.path = f"{commands.folder}:/usr/bin:/bin"

    def run(self, name: str) -> None:
        script = (self.scripts / name).read_text()
        for folder in ("/etc/", "/usr/local/"):
            script = script.replace(folder, f"{self.root}{folder}")
        subprocess.run(["sh", "-c", script], env={"PATH": self.path}, check=True)


class TestConnect:
    @pytest.fixture
    def api(self) -> FakeApi:
        api = FakeApi()
        for number, name in enumerate(NAMES):
            addresses = [
                {"type": "Hostname", "address": name},
                {"type": "InternalIP", "address": f"10.89.0.{number + 2}"},
            ]
            api.add(
                "/api/v1/nodes",
                node(name, spec={"podCIDR": f"10.244.{number}.0/24"}, status={"addresses": addresses}),
            )
        return api

    @pytest.fixture
    def inside(self, nodes: Nodes, api: FakeApi, commands: Commands, tmp_path: Path) -> Inside:
        scripts = tmp_path / "scripts"
        scripts.mkdir()
        commands.add("podman", f'[ "$1 $3 $4" = "exec sh -c" ] && printf "%s" "$5" >{scripts}/$2')
        nodes.connect(api)
        assert {path.name for path in scripts.iterdir()} == set(NAMES)
        return Inside(commands, scripts)

    def test_a_route_to_the_pods_of_every_other_node(self, inside: Inside, commands: Commands) -> None:
        inside.run("worker")
        assert commands.called("ip") == [
            # Its own: what no live pod's narrower route takes does not leave the node.
            "ip route replace unreachable 10.244.1.0/24",
            "ip route replace 10.244.0.0/24 via 10.89.0.2",
            "ip route replace 10.244.2.0/24 via 10.89.0.4",
        ]

    def test_pods_get_addresses_of_their_node(self, inside: Inside) -> None:
        inside.run("worker2")
        (path,) = inside.cni.iterdir()
        plugins = json.loads(path.read_text())["plugins"]
        assert [plugin["type"] for plugin in plugins] == ["ptp", "portmap"]
        assert plugins[0]["ipam"]["ranges"] == [[{"subnet": "10.244.2.0/24"}]]

    def test_kinds_own_network_goes(self, inside: Inside) -> None:
        (inside.cni / "10-kindnet.conflist").touch()
        inside.run("worker")
        assert [path.name for path in inside.cni.iterdir()] == ["10-aftershock.conflist"]

    def test_it_is_there_again_after_a_restart(self, inside: Inside, commands: Commands) -> None:
        inside.run("worker")
        enabled = "systemctl enable --quiet aftershock-network.service"
        assert enabled in commands.calls
        unit = (inside.root / "etc/systemd/system/aftershock-network.service").read_text()
        (start,) = re.findall("ExecStart=(.*)", unit)
        script = inside.root / start.lstrip("/")
        before = len(commands.called("ip"))
        subprocess.run([script], env={"PATH": inside.path}, check=True)
        assert len(commands.called("ip")) == 2 * before

    def test_rules_are_there_once_however_often_it_runs(self, inside: Inside) -> None:
        inside.run("worker")
        first = inside.rules.read_text().split("\n")
        inside.run("worker")
        assert inside.rules.read_text().split("\n") == first
        assert f"nat POSTROUTING -s {POD_SUBNET} ! -d {POD_SUBNET} -j MASQUERADE" in first
        for chain in ("OUTPUT", "FORWARD"):
            rules = [rule for rule in first if rule.startswith(f"filter {chain} -d {SERVICE_SUBNET}")]
            # TCP is answered with a reset; the rule for everything would hide it if it stood above.
            assert ["tcp-reset" in rule for rule in rules] == [True, False]

    def test_a_node_that_refuses_is_told(self, nodes: Nodes, api: FakeApi, commands: Commands) -> None:
        commands.add("podman", '[ "$2" != worker2 ] || { echo "ip: not found"; exit 1; }')
        with pytest.raises(CommandError) as caught:
            nodes.connect(api)
        assert caught.value.command[2] == "worker2"


# What `ctr` in NODE lists is held/NODE; what it imports and runs goes to imported/NODE and tags/NODE.
ENGINE = """
cd {world}
case "$*" in
  save*) [ ! -e "$4" ] || {{ echo "it exists"; exit 125; }}; shift 4; echo "$*" >archive.names
    echo archive >"{archive}"; [ ! -e full ] || {{ echo "disk full"; exit 1; }} ;;
  "exec -i "*) [ ! -e broken ] || exit 1; cat >imported/$3 ;;
  *" images ls -q") cat held/$2 ;;
  *" sh -euc "*) echo "$5" >tags/$2 ;;
  *) exit 99 ;;
esac
"""


class TestLoad:
    @pytest.fixture
    def catalogue(self, project: Path) -> Catalogue:
        return load_catalogue(project)

    @pytest.fixture
    def world(self, tmp_path: Path, commands: Commands, catalogue: Catalogue) -> Path:
        """Nodes that hold all images under all names."""
        world = tmp_path / "world"
        for folder in ("held", "imported", "tags"):
            (world / folder).mkdir(parents=True)
        for name in NAMES:
            hold(world, name, *catalogue.images, catalogue=catalogue)
        commands.add("podman", ENGINE.format(world=world, archive=tmp_path / "stack-images.tar"))
        return world

    @pytest.fixture
    def builder(self, catalogue: Catalogue, nodes: Nodes, tmp_path: Path, progress: Progress) -> Builder:
        return Builder(
            catalogue=catalogue,
            engine=nodes.engine,
            state=tmp_path,
            log=tmp_path / "log",
            progress=progress,
        )

    def load(self, nodes: Nodes, builder: Builder, scratch: Path, *names: str) -> None:
        images = [builder.catalogue.images[name] for name in names]
        nodes.load(images, catalogue=builder.catalogue, builder=builder, scratch=scratch)

    def test_what_is_there_is_not_loaded_again(
        self, nodes: Nodes, builder: Builder, world: Path, commands: Commands, tmp_path: Path
    ) -> None:
        self.load(nodes, builder, tmp_path, "nginx", "components")
        assert len(commands.calls) == len(NAMES)
        assert all(call.endswith("images ls -q") for call in commands.calls)

    def test_only_where_it_is_missing(
        self, nodes: Nodes, builder: Builder, world: Path, commands: Commands, tmp_path: Path
    ) -> None:
        catalogue = builder.catalogue
        hold(world, "worker", "nginx", catalogue=catalogue)
        self.load(nodes, builder, tmp_path, "nginx", "components")
        assert (world / "archive.names").read_text().split() == [catalogue.tag("components")]
        assert [path.name for path in (world / "imported").iterdir()] == ["worker"]
        assert (world / "imported/worker").read_text() == "archive\n"
        assert tagged(world) == {"worker": [(catalogue.tag("components"), our_name(catalogue))]}
        assert not (tmp_path / "stack-images.tar").exists()

    def test_one_archive_for_nodes_that_miss_different_images(
        self, nodes: Nodes, builder: Builder, world: Path, commands: Commands, tmp_path: Path
    ) -> None:
        catalogue = builder.catalogue
        hold(world, "worker", "nginx", catalogue=catalogue)
        hold(world, "worker2", "components", catalogue=catalogue)
        self.load(nodes, builder, tmp_path, "nginx", "components")
        assert len(commands.called("podman", "save")) == 1
        assert {name: [tag for tag, _ in tags] for name, tags in tagged(world).items()} == {
            "worker": [catalogue.tag("components")],
            "worker2": [catalogue.tag("nginx")],
        }

    def test_every_name_of_an_image(
        self, nodes: Nodes, builder: Builder, world: Path, tmp_path: Path
    ) -> None:
        catalogue = builder.catalogue
        tag = catalogue.tag("kubernetes")
        (world / "held/worker").write_text(f"{tag}\nregistry.k8s.io/kube-apiserver:v1.34.4\n")
        self.load(nodes, builder, tmp_path, "kubernetes")
        assert tagged(world)["worker"] == [
            (tag, "registry.k8s.io/kube-apiserver:v1.34.4"),
            (tag, "registry.k8s.io/kube-proxy:v1.34.4"),
        ]

    def test_a_new_build_of_our_own_parts(
        self, nodes: Nodes, builder: Builder, world: Path, project: Path, tmp_path: Path
    ) -> None:
        (project / "stack/components/webhook.py").write_text("changed\n")
        builder.catalogue = load_catalogue(project)
        self.load(nodes, builder, tmp_path, "nginx", "components")
        expected = [(builder.catalogue.tag("components"), our_name(builder.catalogue))]
        assert tagged(world) == dict.fromkeys(NAMES, expected)

    def test_the_archive_of_a_killed_run_is_in_nobodys_way(
        self, nodes: Nodes, builder: Builder, world: Path, tmp_path: Path
    ) -> None:
        hold(world, "worker", catalogue=builder.catalogue)
        (tmp_path / "stack-images.tar").write_text("half")
        self.load(nodes, builder, tmp_path, "nginx")
        assert (world / "imported/worker").read_text() == "archive\n"

    @pytest.mark.parametrize("what", ["full", "broken"])
    def test_a_failure_leaves_no_archive(
        self, nodes: Nodes, builder: Builder, world: Path, tmp_path: Path, what: str
    ) -> None:
        hold(world, "worker", catalogue=builder.catalogue)
        (world / what).touch()
        with pytest.raises(CommandError):
            self.load(nodes, builder, tmp_path, "nginx")
        assert not (tmp_path / "stack-images.tar").exists()
        assert tagged(world) == {}


def hold(world: Path, name: str, *images: str, catalogue: Catalogue) -> None:
    """Let a node hold these images, under all their names, and no others."""
    names = [
        found
        for image in images
        for found in (catalogue.tag(image), *names_in_nodes(catalogue.images[image], catalogue))
    ]
    (world / "held" / name).write_text("\n".join(names))


def our_name(catalogue: Catalogue) -> str:
    return names_in_nodes(catalogue.images["components"], catalogue)[0]


def tagged(world: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the names that were given in each node, as (tag of ours, name)."""
    found = {}
    for path in sorted((world / "tags").iterdir()):
        commands = [line.split() for line in path.read_text().splitlines()]
        assert all(words[:-2] == ["ctr", "-n", "k8s.io", "images", "tag", "--force"] for words in commands)
        found[path.name] = [(words[-2], words[-1]) for words in commands]
    return found
