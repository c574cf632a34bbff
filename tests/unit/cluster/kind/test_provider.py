"""`up` and `down` from every state: what is kept, what is made anew, and what is left behind."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from aftershock.cluster.kind import provider as module
from aftershock.cluster.kind.builder import names_in_nodes
from aftershock.cluster.kind.catalogue import Origin
from aftershock.cluster.kind.engine import Engine
from aftershock.cluster.kind.provider import NODE_NAMES, KindProvider
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell
from aftershock.errors import CommandError, DeadlineError, EnvironmentUnusableError
from aftershock.testing import FakeClock
from tests.unit.cluster.conftest import Commands
from tests.unit.observe.server import Answer, serving

CONTROL_PLANE, WORKER, WORKER2 = NODE_NAMES

# A fact is a file with a line for each thing; what is gone is an empty file.
ENGINE = """
cd {world}
drop() {{
  kept=$(while read -r name label; do [ $name = $2 ] || echo "$name $label"; done <$1)
  echo "$kept" >$1
}}
case "$*" in
  "ps --all --quiet --filter network=kind") cat others ;;
  "ps "*) while read -r name; do echo "$name Up 2 hours ago"; done <containers ;;
  "inspect "*) cat made-from ;;
  "exec "*" images ls -q") cat images ;;
  "exec "*) [ -s alive/$2 ] ;;
  "start "*) [ -s stillborn ] || echo yes >alive/$2 ;;
  "logs "*) echo "the last words of $4" ;;
  "volume ls "*) while read -r name label; do [ "$label" != "${{5#label=}}" ] || echo $name; done <volumes ;;
  "volume rm "*) drop volumes $3 ;;
  "network inspect kind") [ -s network ] ;;
  "network rm kind") : >network ;;
  "image inspect "*) cat labels ;;
  "rm --force "*) : >containers ;;
  "rmi "*) shift; for name; do drop images $name; done ;;
  "images "*) cat images ;;
  "tag "*) echo "$3" >>images ;;
  "build "*) while [ "$1" != --tag ]; do shift; done; echo "$2" >>images ;;
esac
"""

# As kind does: it refuses to make nodes that are there, leaves the kubeconfig last, edits it before
# it deletes, and reports a failure over one that is half-written or locked. Where it fails it leaves
# a node, and the volume of another; and somebody else's container has gone from its volume meanwhile.
KIND = """
cd {world}
for kubeconfig; do :; done
echo "$KIND_EXPERIMENTAL_PROVIDER" >provider
echo "$CONTAINERS_CONF" >configuration
case $1 in
  create)
    [ ! -s containers ] || {{ echo "ERROR: node(s) already exist" >&2; exit 1; }}
    echo kind >network
    {{ read -r said; later=$(cat); }} <failures
    echo "$later" >failures
    if [ "$said" ]; then
      echo {worker} >containers
      printf '%s\\n' "of-worker2 {worker2}" freed-meanwhile >>volumes
      echo "ERROR: $said" >&2
      exit 1
    fi
    for name in {names}; do echo $name; echo yes >alive/$name; done >containers
    echo "$6" >made-from
    cat new-kubeconfig >"$kubeconfig" ;;
  delete)
    [ ! -s held ] || {{ echo "ERROR: device or resource busy" >&2; exit 1; }}
    : >containers
    for name in {names}; do : >alive/$name; done
    [ ! -e "$kubeconfig.lock" ] || {{ echo "ERROR: failed to lock config file" >&2; exit 1; }}
    [ ! -e "$kubeconfig" ] || case $(cat "$kubeconfig") in
      half*) echo "ERROR: failed to read kubeconfig" >&2; exit 1 ;;
    esac ;;
esac
"""


class World:
    """What the engine holds. A fact is a list of lines.

    The API server is `deaf` if it never answers, and `forbids` so many requests at first;
    it knows `joined` nodes, of which `ranged` have a range of addresses for their pods.
    """

    def __init__(self, folder: Path, *, kind: Path) -> None:
        self.folder = folder
        self.kind = kind
        (folder / "alive").mkdir(parents=True)
        for name in NODE_NAMES:
            self.set(f"alive/{name}")
        for fact in ("containers", "made-from", "images", "volumes", "network", "others"):
            self.set(fact)
        self.set("failures", "")
        self.set("stillborn")
        self.label({})
        self.deaf = False
        self.forbids = 0
        self.joined = self.ranged = len(NODE_NAMES)

    def set(self, fact: str, *lines: str) -> None:
        (self.folder / fact).write_text("".join(f"{line}\n" for line in lines))

    def get(self, fact: str) -> list[str]:
        return (self.folder / fact).read_text().split("\n")[:-1]

    def label(self, labels: dict[str, str] | None) -> None:
        """Give every image these labels."""
        self.set("labels", json.dumps([{"Config": {"Labels": labels}}]))

    def is_alive(self, name: str) -> bool:
        return bool(self.get(f"alive/{name}"))

    def die(self, *names: str) -> None:
        for name in names:
            self.set(f"alive/{name}")

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """Answer as the API server of the nodes that there are."""
        if self.deaf or not self.is_alive(CONTROL_PLANE):
            return 503, {"message": "no"}
        if self.forbids:
            self.forbids -= 1
            return 403, {"message": "no roles yet"}
        items = [
            {
                "metadata": {"name": name},
                "spec": {"podCIDR": f"10.244.{number}.0/24"} if number < self.ranged else {},
                "status": {"addresses": [{"type": "InternalIP", "address": f"10.89.0.{number + 2}"}]},
            }
            for number, name in enumerate(self.get("containers")[: self.joined])
        ]
        return 200, b"ok" if path == "/readyz" else {"items": items}


@pytest.fixture
def world(tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(module, "KERNEL_MODULES", tmp_path / "modules")
    made = World(tmp_path / "world", kind=commands.folder / "kind")
    for engine in ("docker", "podman"):
        commands.add(engine, ENGINE.format(world=made.folder))
    commands.add(
        "kind", KIND.format(world=made.folder, names=" ".join(NODE_NAMES), worker=WORKER, worker2=WORKER2)
    )
    with serving(made.answer) as server:
        made.set("new-kubeconfig", json.dumps(kubeconfig(server.url)))
        yield made


def kubeconfig(url: str) -> dict[str, Any]:
    name = module.KIND_CONTEXT
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": {}}],
    }


@pytest.fixture(autouse=True)
def swept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks that were swept after; we are root."""
    networks: list[str] = []

    def sweep(network: str, *, shell: Shell) -> None:
        networks.append(network)

    monkeypatch.setattr(module, "sweep", sweep)
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)
    return networks


@pytest.fixture
def provider(
    project: Path, tmp_path: Path, progress: Progress, clock: FakeClock, world: World
) -> KindProvider:
    """A provider on Podman, whose tools are built already."""
    made = KindProvider(root=project, state=tmp_path / "state", progress=progress, clock=clock)
    made._engine = Engine(name="podman", shell=Shell(log=made.log), why="")
    for tool in ("kind", "kustomize"):
        path = made.builder.programs.path(tool)
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(world.kind)
    return made


@pytest.fixture
def cluster(provider: KindProvider, world: World) -> KindProvider:
    """A provider with a cluster that is whole and answers."""
    world.set("containers", *reversed(NODE_NAMES))
    for name in NODE_NAMES:
        world.set(f"alive/{name}", "yes")
    world.set("made-from", *[provider.catalogue.tag("node")] * 3)
    world.set("network", "kind")
    provider.kubeconfig.write_text("\n".join(world.get("new-kubeconfig")))
    return provider


def heard(said: io.StringIO) -> str:
    """Return what was printed, wherever its lines were broken."""
    return " ".join(said.getvalue().split())


class TestExisting:
    def test_nothing_is_there(self, provider: KindProvider, world: World, said: io.StringIO) -> None:
        assert provider._existing() is None
        assert said.getvalue() == ""

    def test_a_part_of_a_cluster(self, cluster: KindProvider, world: World, said: io.StringIO) -> None:
        world.set("containers", CONTROL_PLANE, WORKER2)
        assert cluster._existing() is None
        assert f"found a part of a cluster ({CONTROL_PLANE}, {WORKER2}): making it anew" in heard(said)

    def test_no_kubeconfig(self, cluster: KindProvider, commands: Commands, said: io.StringIO) -> None:
        cluster.kubeconfig.unlink()
        assert cluster._existing() is None
        assert "making it anew" in heard(said)
        assert not commands.called("podman", "exec")

    def test_a_node_of_an_older_image(
        self, cluster: KindProvider, world: World, commands: Commands, said: io.StringIO
    ) -> None:
        tag = cluster.catalogue.tag("node")
        world.set("made-from", tag, "node:older", tag)
        assert cluster._existing() is None
        assert f"the nodes were made from {tag}, node:older, not {tag}: making" in heard(said)
        assert not commands.called("podman", "exec")

    def test_all_run_and_answer(
        self, cluster: KindProvider, commands: Commands, clock: FakeClock, said: io.StringIO
    ) -> None:
        api = cluster._existing()
        assert api is not None
        assert len(api.items("/api/v1/nodes")) == 3
        assert not commands.called("podman", "start")
        assert (clock.elapsed, said.getvalue()) == (0, "")

    def test_one_that_does_not_run_is_started(
        self, cluster: KindProvider, world: World, commands: Commands, said: io.StringIO
    ) -> None:
        # The API server answers all the while, and the engine may call the dead node running.
        world.die(WORKER)
        assert cluster._existing() is not None
        assert commands.called("podman", "start") == [f"podman start {WORKER}"]
        assert f"{WORKER} does not run: starting it" in heard(said)

    def test_all_are_started_after_a_reboot(
        self, cluster: KindProvider, world: World, commands: Commands
    ) -> None:
        world.die(*NODE_NAMES)
        assert cluster._existing() is not None
        assert len(commands.called("podman", "start")) == 3

    def test_the_engine_believes_that_dead_nodes_run(
        self, cluster: KindProvider, world: World, said: io.StringIO
    ) -> None:
        world.die(*NODE_NAMES)
        world.set("stillborn", "yes")
        assert cluster._existing() is None
        assert "the cluster that is there does not come to life (`podman exec" in heard(said)

    def test_the_api_server_never_answers(
        self, cluster: KindProvider, world: World, clock: FakeClock, said: io.StringIO
    ) -> None:
        world.deaf = True
        assert cluster._existing() is None
        assert clock.elapsed == 90
        assert "does not come to life (waited 90 s for the API server" in heard(said)

    def test_an_api_server_without_its_roles_is_waited_for(
        self, cluster: KindProvider, world: World, clock: FakeClock
    ) -> None:
        world.forbids = 3
        assert cluster._existing() is not None
        assert clock.elapsed == pytest.approx(1.5)

    @pytest.mark.parametrize("what", ["joined", "ranged"])
    def test_a_cluster_that_was_never_finished(
        self, cluster: KindProvider, world: World, clock: FakeClock, what: str
    ) -> None:
        setattr(world, what, 2)
        assert cluster._existing() is None
        assert clock.elapsed == 90

    def test_a_half_written_kubeconfig(self, cluster: KindProvider, said: io.StringIO) -> None:
        cluster.kubeconfig.write_text("half: [")
        assert cluster._existing() is None
        assert "the kubeconfig has no usable context" in heard(said)


class TestUp:
    @pytest.fixture(autouse=True)
    def loaded(self, provider: KindProvider, world: World) -> None:
        """Nodes come with the stack's images."""
        catalogue = provider.catalogue
        for image in catalogue.of_role("stack"):
            names = (*world.get("images"), catalogue.tag(image.name), *names_in_nodes(image, catalogue))
            world.set("images", *names)

    def test_from_nothing(self, provider: KindProvider, world: World, commands: Commands) -> None:
        assert len(provider.up().items("/api/v1/nodes")) == 3
        (call,) = commands.called("kind")
        assert f"--image {provider.catalogue.tag('node')} --retain --name aftershock" in call
        assert len(commands.called("podman", "update")) == 3
        assert len([c for c in commands.called("podman", "exec") if " sh -c " in c]) == 3
        assert not commands.called("podman", "save")

    def test_a_second_time_makes_nothing(
        self, provider: KindProvider, world: World, commands: Commands
    ) -> None:
        provider.up()
        provider.up()
        assert len(commands.called("kind")) == 1
        assert len(commands.called("podman", "update")) == 6

    @pytest.mark.parametrize("state", ["part", "no kubeconfig", "half a kubeconfig", "locked", "dead"])
    def test_anew(self, cluster: KindProvider, world: World, commands: Commands, state: str) -> None:
        match state:
            case "part":
                world.set("containers", WORKER)
            case "no kubeconfig":
                cluster.kubeconfig.unlink()
            case "half a kubeconfig":
                cluster.kubeconfig.write_text("half: [")
            case "locked":
                cluster.kubeconfig.unlink()
                cluster.kubeconfig.with_name("kubeconfig.lock").touch()
            case "dead":
                world.die(*NODE_NAMES)
                world.set("stillborn", "yes")
        assert len(cluster.up().items("/api/v1/nodes")) == 3
        assert [call.split()[1] for call in commands.called("kind")] == ["delete", "create"]
        assert stat.S_IMODE(cluster.kubeconfig.stat().st_mode) == 0o600

    def test_a_new_cluster_that_does_not_answer_is_told(
        self, provider: KindProvider, world: World, clock: FakeClock
    ) -> None:
        world.deaf = True
        with pytest.raises(DeadlineError, match="waited 30 s for the API server to answer") as caught:
            provider.up()
        assert "503" in caught.value.found
        assert clock.elapsed == 30


class TestBring:
    @pytest.mark.parametrize("origin", ["build", "pull"])
    def test_what_is_there_is_named_as_the_nodes_have_it(
        self, cluster: KindProvider, world: World, commands: Commands, origin: Literal["build", "pull"]
    ) -> None:
        catalogue = cluster.catalogue.of_origin(origin)
        image = catalogue.images["kubernetes"]
        names = names_in_nodes(image, catalogue)
        world.set("images", catalogue.tag("debian"), catalogue.tag("kubernetes"), *names)
        assert cluster.bring("kubernetes") == names[0]
        assert not commands.called("podman", "build")
        assert not commands.called("podman", "save")


class TestCreate:
    def test_at_the_first_attempt(self, provider: KindProvider, world: World, said: io.StringIO) -> None:
        provider._create()
        assert world.get("containers") == list(NODE_NAMES)
        assert said.getvalue() == ""

    def test_only_we_may_read_the_kubeconfig(self, provider: KindProvider, world: World) -> None:
        provider._create()
        assert stat.S_IMODE(provider.kubeconfig.stat().st_mode) == 0o600

    def test_once_more_after_a_failure(
        self, provider: KindProvider, world: World, commands: Commands, said: io.StringIO
    ) -> None:
        world.set("failures", "a node ended")
        provider._create()
        assert [call.split()[1] for call in commands.called("kind")] == ["create", "delete", "create"]
        assert "kind failed: ERROR: a node ended" in heard(said)
        assert f"what the nodes said is in {provider.log}" in heard(said)
        assert f"the last words of {WORKER}" in provider.log.read_text()
        assert world.get("containers") == list(NODE_NAMES)

    def test_not_a_third_time(
        self, provider: KindProvider, world: World, commands: Commands, said: io.StringIO
    ) -> None:
        world.set("failures", "a node ended", "it ended again")
        with pytest.raises(CommandError) as caught:
            provider._create()
        assert caught.value.tail == ("ERROR: it ended again",)
        assert "a node ended" in heard(said)
        assert len(commands.called("kind", "create")) == 2
        assert world.get("containers") == []
        assert world.get("network") == []
        assert not provider.kubeconfig.exists()

    def test_a_failure_without_a_word(
        self, provider: KindProvider, world: World, commands: Commands, said: io.StringIO
    ) -> None:
        commands.add("kind", "exit 1")
        with pytest.raises(CommandError):
            provider._create()
        assert "kind failed: it said nothing" in heard(said)

    def test_volumes_of_others_are_left_alone(self, provider: KindProvider, world: World) -> None:
        world.set("volumes", "database theirs", "unlabelled")
        world.set("failures", "a node ended")
        provider._create()
        assert [line.split()[0] for line in world.get("volumes")] == [
            "database", "unlabelled", "freed-meanwhile",
        ]  # fmt: skip

    @pytest.mark.parametrize("engine", ["docker", "podman"])
    def test_kind_is_told_which_engine(
        self,
        provider: KindProvider,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        engine: Literal["docker", "podman"],
    ) -> None:
        monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "nerdctl")
        provider._engine = replace(provider.engine, name=engine)
        provider._create()
        assert world.get("provider") == [engine]

    def test_kind_sees_what_the_engine_needs(self, provider: KindProvider, world: World) -> None:
        shell = Shell(log=provider.log, env={"CONTAINERS_CONF": "/ours"})
        provider._engine = replace(provider.engine, shell=shell)
        provider._create()
        assert world.get("configuration") == ["/ours"]

    def test_the_policy_that_the_node_mounts_outlives_the_project(
        self, provider: KindProvider, world: World
    ) -> None:
        provider._create()
        config = json.loads((provider.state / "kind.json").read_text())
        (mount,) = config["nodes"][0]["extraMounts"]
        policy = Path(mount["hostPath"])
        assert policy.parent == provider.state
        assert "kind: Policy" in policy.read_text()

    def test_podman_does_not_make_what_kind_mounts(
        self, provider: KindProvider, world: World, tmp_path: Path
    ) -> None:
        provider._create()
        assert (tmp_path / "modules").is_dir()


class TestDown:
    def test_nothing_is_left(self, cluster: KindProvider, world: World, commands: Commands) -> None:
        world.set("volumes", f"of-worker {WORKER}")
        cluster.down()
        assert not cluster.present()
        assert not cluster.kubeconfig.exists()
        assert [
            line for fact in ("containers", "volumes", "network") for line in world.get(fact) if line
        ] == []

    def test_a_second_time_and_from_nothing(
        self, cluster: KindProvider, world: World, commands: Commands
    ) -> None:
        cluster.down()
        cluster.down()
        assert len(commands.called("kind", "delete")) == 1
        assert len(commands.called("podman", "network", "rm")) == 1

    def test_the_network_stays_while_somebody_uses_it(
        self, cluster: KindProvider, world: World, commands: Commands
    ) -> None:
        world.set("others", "0123456789ab")
        cluster.down()
        assert world.get("network") == ["kind"]
        assert not commands.called("podman", "network", "rm")

    @pytest.mark.parametrize("content", ["half: [", ""])
    def test_what_a_killed_kind_left(self, cluster: KindProvider, world: World, content: str) -> None:
        lock = cluster.kubeconfig.with_name("kubeconfig.lock")
        lock.touch()
        cluster.kubeconfig.write_text(content)
        cluster.down()
        assert not lock.exists()
        assert not cluster.present()

    def test_what_a_killed_engine_left_is_swept(
        self, provider: KindProvider, commands: Commands, swept: list[str]
    ) -> None:
        provider.down()
        assert swept == ["kind"]
        (removed,) = commands.called("podman", "rm")
        assert {"--force", "--ignore", *NODE_NAMES} <= set(removed.split())

    def test_kind_failing_over_what_a_killed_podman_holds_is_no_end(
        self, cluster: KindProvider, world: World, commands: Commands
    ) -> None:
        world.set("held", "yes")
        cluster.down()
        assert not cluster.present()

    def test_kind_failing_under_docker_is_told(self, cluster: KindProvider, world: World) -> None:
        cluster._engine = replace(cluster.engine, name="docker")
        world.set("held", "yes")
        with pytest.raises(CommandError):
            cluster.down()

    def test_a_network_that_somebody_uses_is_not_swept(
        self, cluster: KindProvider, world: World, swept: list[str]
    ) -> None:
        world.set("others", "a container of somebody's")
        cluster.down()
        assert swept == []

    @pytest.mark.parametrize(("engine", "user"), [("docker", 0), ("podman", 1000)])
    def test_only_podman_as_root_leaves_it(
        self,
        provider: KindProvider,
        swept: list[str],
        monkeypatch: pytest.MonkeyPatch,
        engine: Literal["docker", "podman"],
        user: int,
    ) -> None:
        provider._engine = replace(provider.engine, name=engine)
        monkeypatch.setattr(module.os, "geteuid", lambda: user)
        provider.down()
        assert swept == []


class TestPrune:
    def test_what_todays_inputs_ask_for_stays(self, provider: KindProvider, world: World) -> None:
        catalogue = provider.catalogue
        keep = [
            catalogue.tag("node"),
            f"{catalogue.tag('node')}-bare",
            catalogue.of_origin("pull").tag("etcd"),
            "docker.io/library/postgres:16",
        ]
        old = ["localhost/aftershock/etcd:of-march", "localhost/aftershock/node:of-march-bare"]
        world.set("images", *keep, *old)
        assert provider.prune() == old
        assert [name.strip() for name in world.get("images")] == keep
        assert provider.prune() == []


class TestOrigin:
    @pytest.fixture(autouse=True)
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
        """Registries that answer, and note that they were asked."""
        asked: list[tuple[str, str]] = []

        def choose_mode(mode: str, *, registry: str = "") -> tuple[Origin, str]:
            asked.append((mode, registry))
            return "pull", "they answered"

        monkeypatch.setattr(module, "choose_mode", choose_mode)
        return asked

    def hold(self, provider: KindProvider, world: World, *origins: Origin, but: str = "") -> None:
        """Let the engine hold all that runs, of these origins."""
        catalogues = [provider.catalogue.of_origin(origin) for origin in origins]
        world.set(
            "images",
            *(
                catalogue.tag(image.name)
                for catalogue in catalogues
                for image in catalogue.of_role("node", "stack")
                if image.name != but
            ),
        )

    @pytest.mark.parametrize("origin", ["build", "pull"])
    def test_auto_takes_what_is_there(
        self, provider: KindProvider, world: World, asked: list[object], origin: Origin
    ) -> None:
        self.hold(provider, world, origin)
        assert provider._origin("auto", "") == (origin, "all are there")
        assert asked == []

    def test_auto_prefers_our_own_where_both_are(self, provider: KindProvider, world: World) -> None:
        self.hold(provider, world, "pull", "build")
        assert provider._origin("auto", "") == ("build", "all are there")

    def test_auto_asks_when_one_is_missing(
        self, provider: KindProvider, world: World, asked: list[object]
    ) -> None:
        self.hold(provider, world, "build", "pull", but="nginx")
        assert provider._origin("auto", "mirror:5000") == ("pull", "they answered")
        assert asked == [("auto", "mirror:5000")]

    def test_build_as_asked(self, provider: KindProvider, world: World, asked: list[object]) -> None:
        self.hold(provider, world, "pull")
        assert provider._origin("build", "") == ("build", "as asked")
        assert asked == []

    def test_pull_as_asked(self, provider: KindProvider, world: World, asked: list[object]) -> None:
        self.hold(provider, world, "build")
        assert provider._origin("pull", "mirror:5000") == ("pull", "they answered")
        assert asked == [("pull", "mirror:5000")]

    def test_what_was_pulled_needs_no_registry(
        self, provider: KindProvider, world: World, asked: list[object]
    ) -> None:
        self.hold(provider, world, "pull")
        assert provider._origin("pull", "") == ("pull", "all are there")
        assert asked == []

    def test_a_registry_that_does_not_answer_is_told(
        self, provider: KindProvider, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def choose_mode(mode: str, *, registry: str = "") -> tuple[Origin, str]:
            raise EnvironmentUnusableError("official images cannot be pulled")

        monkeypatch.setattr(module, "choose_mode", choose_mode)
        with pytest.raises(EnvironmentUnusableError, match="cannot be pulled"):
            provider.prepare_images("pull")

    def test_pulled_images_and_our_own_parts_on_top(
        self, provider: KindProvider, world: World, commands: Commands, said: io.StringIO
    ) -> None:
        provider.prepare_images("pull")
        assert "images: pull (they answered)" in heard(said)
        catalogue = provider.catalogue
        assert catalogue.origin == "pull"
        # Of the bases only that of our own parts; kubeadm's images come inside the node.
        pulled = ("python", "node", "nginx")
        assert sorted(world.get("images")) == sorted(map(catalogue.tag, (*pulled, "components")))
        assert len(commands.called("podman", "build")) == 1
        before = len(commands.called("podman", "pull"))
        assert before == len(pulled)
        provider.prepare_images("auto")
        assert len(commands.called("podman", "pull")) == before
        assert len(commands.called("podman", "build")) == 1
