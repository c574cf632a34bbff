"""Programs and images: what is built, in which order, and what a second call still has to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.cluster.kind.builder import Builder, names_in_nodes
from aftershock.cluster.kind.catalogue import Catalogue, load_catalogue
from aftershock.cluster.kind.engine import Engine
from aftershock.cluster.kind.programs import Programs
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell
from aftershock.errors import CommandError, EnvironmentUnusableError
from tests.unit.cluster.conftest import Commands

# Writes what it was told to build: the word after -o.
GO = 'while [ "$1" != -o ]; do shift; done; echo program >"$2"'


@pytest.fixture
def catalogue(project: Path) -> Catalogue:
    return load_catalogue(project)


class TestPrograms:
    @pytest.fixture
    def programs(self, catalogue: Catalogue, tmp_path: Path, progress: Progress) -> Programs:
        return Programs(catalogue=catalogue, state=tmp_path, log=tmp_path / "log", progress=progress)

    def test_compiled_once(self, programs: Programs, commands: Commands) -> None:
        commands.add("go", GO)
        path = programs.compile("server")
        assert path.read_text() == "program\n"
        assert programs.compile("server") == path
        (call,) = commands.calls
        assert call.endswith("example.org/server")
        assert "-ldflags -s -w" in call

    def test_an_interrupted_compilation_is_made_again(self, programs: Programs, commands: Commands) -> None:
        commands.add("go", f"{GO}; exit 1")
        with pytest.raises(CommandError):
            programs.compile("server")
        assert not programs.path("server").exists()
        commands.add("go", GO)
        assert programs.compile("server").exists()

    def test_no_go(self, programs: Programs, commands: Commands) -> None:
        with pytest.raises(EnvironmentUnusableError, match="no Go toolchain to build server") as caught:
            programs.compile("server")
        assert "1.25" in caught.value.expected

    def test_what_is_there_needs_no_go(self, programs: Programs, commands: Commands) -> None:
        programs.path("server").parent.mkdir(parents=True)
        programs.path("server").touch()
        assert programs.compile("server").exists()

    def test_a_tool_follows_its_newest_build(
        self, programs: Programs, commands: Commands, project: Path, progress: Progress, tmp_path: Path
    ) -> None:
        commands.add("go", GO)
        link = programs.tool("kind")
        first = link.resolve()
        assert (link.name, programs.tool("kind")) == ("kind", link)
        (project / "cluster/kind/modules/tools/go.sum").write_text("newer\n")
        newer = Programs(
            catalogue=load_catalogue(project), state=tmp_path, log=tmp_path / "log", progress=progress
        )
        assert newer.tool("kind") == link
        assert link.resolve() != first


class Fake(Builder):
    """Makes an image by writing its tag down, where the engine finds it."""

    held: set[str]
    made: list[str]
    fails = ""

    def _build_image(self, image: object) -> None:
        name = image.name  # type: ignore[attr-defined]  # an Image
        if name == self.fails:
            raise CommandError("`podman build` failed", command=["podman"], code=1)
        self.made.append(name)
        self.held.add(self.catalogue.tag(name))


class TestImages:
    @pytest.fixture
    def builder(
        self,
        catalogue: Catalogue,
        tmp_path: Path,
        progress: Progress,
        commands: Commands,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Fake:
        commands.add("go", GO)
        commands.add("podman")
        engine = Engine(name="podman", shell=Shell(log=tmp_path / "log"), why="")
        fake = Fake(
            catalogue=catalogue, engine=engine, state=tmp_path, log=tmp_path / "log", progress=progress
        )
        fake.held, fake.made = set(), []
        monkeypatch.setattr(Engine, "images", lambda _: set(fake.held))
        return fake

    def all(self, builder: Fake) -> None:
        builder.build(builder.catalogue.of_role("node", "stack"), tools=("kind",))

    def test_everything_from_nothing(self, builder: Fake) -> None:
        self.all(builder)
        assert set(builder.made) == set(builder.catalogue.images)
        assert len(builder.made) == len(set(builder.made))
        for below, above in (("debian", "python"), ("python", "components"), ("debian", "kubernetes")):
            assert builder.made.index(below) < builder.made.index(above)
        assert builder.made[-1] == "node"  # all the others are inside it
        assert builder.programs.path("kind").exists()

    def test_a_program_that_two_images_hold_is_compiled_once(self, builder: Fake, commands: Commands) -> None:
        self.all(builder)
        assert len([call for call in commands.called("go") if call.endswith("example.org/server")]) == 1

    def test_a_second_call_has_nothing_to_do(self, builder: Fake, commands: Commands) -> None:
        self.all(builder)
        builder.made.clear()
        before = len(commands.calls)
        self.all(builder)
        assert (builder.made, len(commands.calls)) == ([], before)

    def test_a_build_that_failed_goes_on_from_what_is_finished(self, builder: Fake) -> None:
        builder.fails = "nginx"
        with pytest.raises(CommandError):
            self.all(builder)
        first = list(builder.made)
        assert "debian" in first
        assert "node" not in first
        builder.fails = ""
        self.all(builder)
        assert sorted(builder.made) == sorted(builder.catalogue.images)
        assert builder.made[: len(first)] == first

    def test_only_what_is_asked_for_and_what_it_needs(self, builder: Fake) -> None:
        builder.build([builder.catalogue.images["components"]])
        assert builder.made == ["debian", "python", "components"]

    @pytest.mark.parametrize(
        ("registry", "source", "option"),
        [
            ("", "docker.io/library/nginx:1.22.1", ""),
            ("mirror.example:5000", "mirror.example:5000/library/nginx:1.22.1", ""),
            ("127.0.0.1:5000", "127.0.0.1:5000/library/nginx:1.22.1", "--tls-verify=false "),
        ],
    )
    def test_pulling(
        self, builder: Fake, commands: Commands, registry: str, source: str, option: str
    ) -> None:
        image = builder.catalogue.images["nginx"]
        builder.pull([image], registry=registry)
        assert commands.calls == [
            f"podman pull {option}{source}",
            f"podman tag {source} {builder.catalogue.tag('nginx')}",
        ]
        builder.held.add(builder.catalogue.tag("nginx"))
        builder.pull([image], registry=registry)
        assert len(commands.calls) == 2


def test_our_own_parts_carry_their_key(catalogue: Catalogue, project: Path) -> None:
    (name,) = names_in_nodes(catalogue.images["components"], catalogue)
    assert name == f"aftershock.dev/components:{catalogue.image_key('components')}"
    (project / "stack/components/webhook.py").write_text("changed\n")
    newer = load_catalogue(project)
    assert names_in_nodes(newer.images["components"], newer) != (name,)
    assert names_in_nodes(newer.images["nginx"], newer) == ("docker.io/library/nginx:1.22.1",)
