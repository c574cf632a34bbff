"""Making the images: pulled where a registry answers, else built from packages and modules.

The work is a graph: programs are compiled one after the other (the compiler fills the
cores by itself) while base images are made beside them; whatever is ready is built at once.
An interrupted build leaves finished parts behind, and the next call goes on from there.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Literal

from aftershock.cluster.kind.catalogue import Catalogue, Image
from aftershock.cluster.kind.engine import Engine
from aftershock.cluster.kind.graph import Task, run_graph
from aftershock.cluster.kind.programs import Programs
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell

__all__ = ["BARE", "KUBEADM_TAGS", "Builder", "ImagesMode", "names_in_nodes"]

ImagesMode = Literal["auto", "pull", "build"]

# kubeadm asks for versions of its own choice of these two; a node of ours says in its labels
# (aftershock.dev/NAME) which ones it holds instead.
KUBEADM_TAGS = ("etcd", "coredns")

IMAGE_PYTHON = "3.11"
"""The Python of our images: Debian 12's, and the official image's of the same version."""

BARE = "-bare"
"""What a node's tag ends with before images are put into it."""


class Builder:
    """Makes programs and images present. `state` keeps the programs, the engine the images."""

    def __init__(
        self, *, catalogue: Catalogue, engine: Engine, state: Path, log: Path, progress: Progress
    ) -> None:
        self.catalogue = catalogue
        self.engine = engine
        self.programs = Programs(catalogue=catalogue, state=state, log=log, progress=progress)
        self.shell = Shell(log=log)
        self.progress = progress

    # -- images

    def missing(self, images: list[Image]) -> list[Image]:
        """Return those that the engine does not hold at their present key."""
        there = self.engine.images()
        return [image for image in images if self.catalogue.tag(image.name) not in there]

    def build(self, images: list[Image], *, tools: tuple[str, ...] = ()) -> None:
        """Build `images`, what they are made of, and `tools`, as far as they are not there."""
        tasks: dict[str, Task] = {}
        for image in self.missing(images):
            self._plan(image, tasks)
        for tool in tools:
            if not self.programs.path(tool).exists():
                tasks[f"go:{tool}"] = Task((), partial(self.programs.compile, tool), compiles=True)
        run_graph(tasks, stop=self._stop)

    def _stop(self) -> None:
        for shell in (self.shell, self.engine.shell, self.programs.shell):
            shell.stop()

    def pull(self, images: list[Image], *, registry: str = "") -> None:
        """Pull official images; `registry` stands in for their hosts (a mirror)."""
        plain = registry.startswith(("127.0.0.1", "localhost")) and self.engine.name == "podman"
        for image in self.missing(images):
            source = f"{registry}/{image.reference.partition('/')[2]}" if registry else image.reference
            with self.progress.task(f"pull {image.reference}"):
                self.engine.run("pull", *(["--tls-verify=false"] if plain else []), source)
                self.engine.run("tag", source, self.catalogue.tag(image.name))

    def _plan(self, image: Image, tasks: dict[str, Task]) -> None:
        """Add the tasks of `image` and of what it needs."""
        name = f"image:{image.name}"
        if name in tasks:
            return
        needs: list[str] = []
        for binary in image.binaries:
            if not self.programs.path(binary).exists():
                tasks.setdefault(
                    f"go:{binary}",
                    Task((), partial(self.programs.compile, binary), compiles=True),
                )
                needs.append(f"go:{binary}")
        below = [self.catalogue.images[image.base]] if image.base else []
        below += self.catalogue.of_role("core", "stack") if image.role == "node" else []
        for part in self.missing(below):
            self._plan(part, tasks)
            needs.append(f"image:{part.name}")
        tasks[name] = Task(tuple(needs), lambda: self._build_image(image))

    def _build_image(self, image: Image) -> None:
        with self.progress.task(f"build image {image.name}"):
            if image.name == "debian":
                self._bootstrap_debian(image)
            elif image.role == "node":
                self._bake_node(image)
            else:
                self._containerfile(image, self.catalogue.tag(image.name))

    def _containerfile(self, image: Image, tag: str) -> None:
        """Build the Containerfile of `image` in a folder that holds just what it copies."""
        with tempfile.TemporaryDirectory(prefix="aftershock-build-") as scratch:
            context = Path(scratch)
            shutil.copytree(
                self.catalogue.folder / "images" / image.name, context, symlinks=True, dirs_exist_ok=True
            )
            for binary in image.binaries:
                _place(self.programs.path(binary), context / binary)
            for part in image.payload:
                _copy(self.catalogue.root / part, context / part)
            if image.requirements:
                self._libraries(self.catalogue.root / image.requirements, context / "libraries")
            arguments = [f"KUBERNETES_VERSION={self.catalogue.versions['kubernetes']}"]
            arguments += [
                f"{name.upper()}_TAG={self.catalogue.images[name].reference.rpartition(':')[2]}"
                for name in KUBEADM_TAGS
            ]
            arguments += [f"{image.base.upper()}={self.catalogue.tag(image.base)}"] if image.base else []
            options = [word for argument in arguments for word in ("--build-arg", argument)]
            self.engine.run(
                "build",
                "--network",
                "host",
                *options,
                "--file",
                context / "Containerfile",
                "--tag",
                tag,
                context,
            )

    def _libraries(self, requirements: Path, target: Path) -> None:
        """Unpack the wheels of `requirements` for the Python of the images, whatever ours is."""
        kinds = ("manylinux_2_17", "manylinux2014", "manylinux_2_28")  # Debian 12's glibc is 2.36
        platforms = (*(f"{kind}_{platform.machine()}" for kind in kinds), "any")
        self.shell.run(
            sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:",
            "--implementation", "cp", "--python-version", IMAGE_PYTHON,
            *(word for name in platforms for word in ("--platform", name)),
            "--no-deps", "--no-compile", "--target", target, "--requirement", requirements,
        )  # fmt: skip

    def _bootstrap_debian(self, image: Image) -> None:
        """Make the base image with debootstrap, from the mirror that this machine uses."""
        with tempfile.TemporaryDirectory(prefix="aftershock-debian-") as scratch:
            root = Path(scratch) / "root"
            suite = self.catalogue.versions["debian"]
            mirrors = self._mirrors(suite)
            main = [row.split()[1] for row in mirrors if row.split()[2] == suite]
            self.shell.run(
                "debootstrap", "--variant=minbase", "--include=ca-certificates", suite, root, *main[:1],
                hint="debootstrap needs root and Debian's package archive",
            )  # fmt: skip
            if mirrors:
                (root / "etc/apt/sources.list").write_text("\n".join(mirrors) + "\n", encoding="utf-8")
            for pattern in (
                "var/cache/apt/*",
                "var/lib/apt/lists/*",
                "usr/share/doc/*",
                "usr/share/man/*",
                "usr/share/locale/*",
            ):
                for path in root.glob(pattern):
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            archive = Path(scratch) / "debian.tar"
            self.shell.run("tar", "-C", root, "-cf", archive, ".")
            self.engine.run("import", archive, self.catalogue.tag(image.name))

    def _mirrors(self, suite: str) -> list[str]:
        """Return sources.list lines for `suite`, from this machine's own apt; none if it has another."""
        rows = self.shell.run(
            "apt-get",
            "indextargets",
            "--format",
            "deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        )
        found = {tuple(row.split()) for row in rows.splitlines()}
        return sorted(
            " ".join(row)
            for row in found
            if row[2].startswith(suite) and row[3] == "main" and "debian" in row[1]
        )

    def _bake_node(self, image: Image) -> None:
        """Build the node, and put images into its containerd: kubeadm's, and the stack's.

        /var of a node is a volume filled from the image, so each node starts with them. The
        stack's are there to save the time of loading them into three nodes; they are no
        part of the node's key, for `up` loads into a running node what has changed since.
        """
        bare = self.catalogue.tag(image.name) + BARE
        self._containerfile(image, bare)
        baked = self.catalogue.of_role("core", "stack")
        container = f"aftershock-bake-{self.catalogue.image_key(image.name)}"
        with tempfile.TemporaryDirectory(prefix="aftershock-bake-") as scratch:
            self.save(baked, Path(scratch) / "images.tar")
            names = [
                f"{self.catalogue.tag(part.name)} {name}\n"
                for part in baked
                for name in names_in_nodes(part, self.catalogue)
            ]
            (Path(scratch) / "tags").write_text("".join(names), encoding="utf-8")
            shutil.copy2(self.catalogue.folder / "images" / image.name / "bake", scratch)
            self.engine.shell.succeeds(self.engine.name, "rm", "--force", container)
            try:
                mount = f"{scratch}:/bake:ro"
                options = ["--name", container, "--privileged", "--network", "none", "--volume", mount]
                self.engine.run("run", *options, "--entrypoint", "/bin/bash", bare, "/bake/bake")
                start = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
                changes = ["--change", start, "--change", "CMD []"]
                self.engine.run("commit", *changes, container, self.catalogue.tag(image.name))
            finally:
                self.engine.run("rm", "--force", "--volumes", container)

    def save(self, images: list[Image], archive: Path) -> None:
        """Write `images` into one archive that containerd can import; layers in common once."""
        tags = [self.catalogue.tag(image.name) for image in images]
        several = ["--multi-image-archive"] if self.engine.name == "podman" else []
        self.engine.run("save", *several, "--output", archive, *tags)


def names_in_nodes(image: Image, catalogue: Catalogue) -> tuple[str, ...]:
    """Return the names that pods use. Our own parts carry their key: a new build is a new name."""
    if image.always != "build":
        return image.names
    return (f"{image.reference.rpartition(':')[0]}:{catalogue.image_key(image.name)}",)


def _copy(source: Path, destination: Path) -> None:
    """Copy a file or a folder into a build folder."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, destination, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, destination)


def _place(source: Path, destination: Path) -> None:
    """Put a program into a build folder, as a link where both are on one file system."""
    try:
        destination.hardlink_to(source)
    except OSError:
        shutil.copy2(source, destination)
