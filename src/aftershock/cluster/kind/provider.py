"""`up` and `down` for the kind cluster. Both may be called at any time, from any state."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from aftershock.clock import Clock, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.connect import CLUSTER_NAME, KIND_CONTEXT, kubeconfig_api
from aftershock.cluster.kind.builder import BARE, Builder, ImagesMode, names_in_nodes
from aftershock.cluster.kind.catalogue import OUR_IMAGES, Catalogue, Image, Origin, load_catalogue
from aftershock.cluster.kind.config import kind_config
from aftershock.cluster.kind.engine import Engine, find_engine
from aftershock.cluster.kind.netavark import sweep
from aftershock.cluster.kind.nodes import Nodes, reserved
from aftershock.cluster.kind.programs import Programs
from aftershock.cluster.kind.registry import choose_mode
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell
from aftershock.errors import (
    ApiError,
    CommandError,
    DeadlineError,
    EnvironmentUnusableError,
    TransientError,
)

__all__ = ["KindProvider"]

NODE_NAMES = (f"{CLUSTER_NAME}-control-plane", f"{CLUSTER_NAME}-worker", f"{CLUSTER_NAME}-worker2")

NETWORK = "kind"
"""What kind calls the network of its nodes."""

# kind mounts it into the nodes, and unlike Docker Podman does not make what is missing.
KERNEL_MODULES = Path("/lib/modules")


class KindProvider:
    """A kind cluster with one control plane and two workers, on this machine."""

    def __init__(
        self,
        *,
        root: Path,
        state: Path,
        progress: Progress,
        addons: tuple[str, ...] = (),
        clock: Clock | None = None,
    ) -> None:
        self.root = root
        self.addons = addons
        self.state = state
        self.log = state / "logs" / "up.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.kubeconfig = state / "kubeconfig"
        self.progress = progress
        self.clock = clock
        self.catalogue: Catalogue = load_catalogue(root)
        self.catalogue.of_addons(addons)
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The container engine; looked for once."""
        if self._engine is None:
            self._engine = find_engine(log=self.log, state=self.state)
        return self._engine

    def tool(self, name: str) -> Path:
        """Return a Go tool of ours, built if it is not there; needs no container engine."""
        return Programs(
            catalogue=self.catalogue, state=self.state, log=self.log, progress=self.progress
        ).tool(name)

    @property
    def builder(self) -> Builder:
        """What makes the images."""
        return Builder(
            catalogue=self.catalogue,
            engine=self.engine,
            state=self.state,
            log=self.log,
            progress=self.progress,
        )

    # -- images

    def prepare_images(self, mode: ImagesMode, *, registry: str = "") -> None:
        """Make every image and tool present."""
        origin, why = self._origin(mode, registry)
        self.catalogue = self.catalogue.of_origin(origin)
        self.progress.say(f"images: {origin} ({why})")
        builder = self.builder
        if origin == "pull":
            builder.pull([*self.catalogue.official(), *self._extra], registry=registry)
        images = [*self.catalogue.of_role("node", "stack"), *self._extra]
        builder.build(images, tools=("kind", "kustomize"))

    @property
    def _extra(self) -> list[Image]:
        """The images of the addons that were asked for."""
        return self.catalogue.of_addons(self.addons)

    def _origin(self, mode: ImagesMode, registry: str) -> tuple[Origin, str]:
        """Return where images come from, and why: what is there already needs no registry."""
        wanted: tuple[Origin, ...] = ("build", "pull") if mode == "auto" else (mode,)
        for origin in wanted:
            catalogue = self.catalogue.of_origin(origin)
            there = self.engine.images()
            if all(catalogue.tag(image.name) in there for image in catalogue.of_role("node", "stack")):
                return origin, "all are there"
        return ("build", "as asked") if mode == "build" else choose_mode(mode, registry=registry)

    # -- the cluster

    def up(self) -> KubeApi:
        """Make the cluster exist and answer, from whatever is there; return its API."""
        api = self._existing()
        if api is None:
            self.down()
            with self.progress.task("kind create cluster"):
                self._create()
            api = self._answering(within_s=30)
        nodes = Nodes(engine=self.engine, names=list(NODE_NAMES), progress=self.progress)
        nodes.limit()
        nodes.connect(api)
        nodes.load(
            [*self.catalogue.of_role("stack"), *self._extra],
            catalogue=self.catalogue,
            builder=self.builder,
            scratch=self.state,
        )
        return api

    def down(self) -> None:
        """Remove the cluster's kubeconfig, containers, volumes and network.

        The network, which kind made, stays if somebody else uses it.
        """
        # Before kind looks: it reports a failure over a kubeconfig that it left half-written,
        # or locked, when it was killed.
        for path in (self.kubeconfig, self.kubeconfig.with_name("kubeconfig.lock")):
            path.unlink(missing_ok=True)
        self._remove_nodes()
        for volume in self._volumes():
            self.engine.run("volume", "rm", volume)
        if not self.engine.run("ps", "--all", "--quiet", "--filter", f"network={NETWORK}").strip():
            if self.engine.shell.succeeds(self.engine.name, "network", "inspect", NETWORK):
                self.engine.run("network", "rm", NETWORK)
            if self.engine.name == "podman" and os.geteuid() == 0:
                sweep(NETWORK, shell=Shell(log=self.log))

    def _remove_nodes(self) -> None:
        """Delete the node containers.

        A Podman that was killed while it made one holds its name without listing it, or its
        file systems: kind then fails, and a second attempt finds them released.
        """
        podman = self.engine.name == "podman"
        if self.engine.containers(CLUSTER_NAME):
            try:
                self._kind("delete", "cluster")
            except CommandError:
                if not podman:
                    raise
        if podman:
            self.engine.run("rm", "--force", "--ignore", "--volumes", *NODE_NAMES)

    def prune(self) -> list[str]:
        """Remove built and pulled images that today's inputs do not ask for; return their names."""
        origins: tuple[Origin, ...] = ("build", "pull")
        tags = {
            self.catalogue.of_origin(origin).tag(name) for origin in origins for name in self.catalogue.images
        }
        keep = tags | {f"{tag}{BARE}" for tag in tags}
        old = sorted(tag for tag in self.engine.images() if tag.startswith(OUR_IMAGES) and tag not in keep)
        if old:
            self.engine.run("rmi", *old)
        return old

    def present(self) -> bool:
        """Say whether any container of the cluster is there, running or not."""
        return bool(self.engine.containers(CLUSTER_NAME))

    def own_images(self) -> dict[str, str]:
        """Return the names that images of our own have in the nodes, by their names in manifests."""
        return {
            image.reference: names_in_nodes(image, self.catalogue)[0]
            for image in self.catalogue.own(self.addons)
        }

    def make_own_image(self, name: str) -> str:
        """Build an image of our own with this machine's engine; return the name that it has there."""
        self.builder.build([self.catalogue.images[name]])
        return self.catalogue.tag(name)

    def bring(self, name: str) -> str:
        """Have an image that `up` does not make in every node; return the name that it has there.

        Its base is the one that is there, built or pulled.
        """
        origins: tuple[Origin, ...] = ("build", "pull")
        there = self.engine.images()
        for origin in origins:
            catalogue = self.catalogue.of_origin(origin)
            if catalogue.tag(catalogue.images[name].base) in there:
                break
        else:
            catalogue = self.catalogue
        builder = Builder(
            catalogue=catalogue, engine=self.engine, state=self.state, log=self.log, progress=self.progress
        )
        image = catalogue.images[name]
        builder.build([image])
        nodes = Nodes(engine=self.engine, names=list(NODE_NAMES), progress=self.progress)
        nodes.load([image], catalogue=catalogue, builder=builder, scratch=self.state)
        return names_in_nodes(image, catalogue)[0]

    def _existing(self) -> KubeApi | None:
        """Return the API of a cluster that lives, or lives again once started; else None."""
        found = self.engine.containers(CLUSTER_NAME)
        if set(found) != set(NODE_NAMES) or not self.kubeconfig.exists():
            if found:
                self.progress.say(f"found a part of a cluster ({', '.join(found)}): making it anew")
            return None
        stale = self._stale_image()
        if stale:
            self.progress.say(f"{stale}: making the cluster anew")
            return None
        try:
            for name in sorted(found):
                self._revive(name)
            return self._answering(within_s=90)
        except (EnvironmentUnusableError, DeadlineError) as error:
            self.progress.say(
                f"the cluster that is there does not come to life ({error.message}): making it anew"
            )
            return None

    def _revive(self, name: str) -> None:
        """Start a node that does not run.

        An engine whose own processes were killed still calls such a node running; then
        starting it does nothing, and the second look says so.

        Raises:
            CommandError: it does not run after that.

        """
        if not self.engine.shell.succeeds(self.engine.name, "exec", name, "true"):
            self.progress.say(f"{name} does not run: starting it")
            self.engine.run("start", name)
            self.engine.run("exec", name, "true")

    def _stale_image(self) -> str:
        """Say whether a node was made from another node image than the present one."""
        image = self.catalogue.tag("node")
        used = set(self.engine.run("inspect", "--format", "{{.Config.Image}}", *NODE_NAMES).split())
        return "" if used == {image} else f"the nodes were made from {', '.join(sorted(used))}, not {image}"

    def _answering(self, *, within_s: float) -> KubeApi:
        def ready() -> KubeApi | None:
            api = kubeconfig_api(self.kubeconfig, KIND_CONTEXT)
            try:
                api.text("/readyz", timeout_s=5)
            except ApiError as error:
                # One that has just started knows its objects before its roles, and says 403 to everybody.
                raise TransientError(error.message, found=error.found) from error
            nodes = api.items("/api/v1/nodes")
            return (
                api if len(nodes) == len(NODE_NAMES) and all("podCIDR" in n["spec"] for n in nodes) else None
            )

        return wait_until(
            ready,
            within_s=within_s,
            every_s=0.5,
            what="the API server to answer for three nodes",
            clock=self.clock,
        )

    def _create(self) -> None:
        """Have kind make the nodes; once more if it fails the first time.

        Seen once in a dozen: a node's container ends while it starts, on a disk still busy
        with what was built. What the nodes said by then is in the log.
        """
        # A copy, for the node mounts it for as long as the cluster lives.
        policy = self.state / "audit-policy.yaml"
        shutil.copyfile(self.root / "cluster" / "kind" / "audit-policy.yaml", policy)
        labels = self.engine.labels(self.catalogue.tag("node"))
        config = self.state / "kind.json"
        wanted = kind_config(labels=labels, reserved=reserved(), audit_policy=policy)
        config.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
        if self.engine.name == "podman":
            KERNEL_MODULES.mkdir(parents=True, exist_ok=True)
        try:
            self._create_once(config)
        except CommandError as error:
            last = error.tail[-1] if error.tail else "it said nothing"
            self.progress.say(f"kind failed: {last}")
            self.progress.say(f"trying once more; what the nodes said is in {self.log}")
            self._create_once(config)
        self.kubeconfig.chmod(0o600)

    def _create_once(self, config: Path) -> None:
        try:
            image = self.catalogue.tag("node")
            self._kind("create", "cluster", "--config", str(config), "--image", image, "--retain")
        except CommandError:
            for name in self.engine.containers(CLUSTER_NAME):
                self.engine.shell.succeeds(self.engine.name, "logs", "--tail", "40", name)
            self.down()
            raise

    def _volumes(self) -> set[str]:
        """Return the volumes that kind made for our nodes.

        On Podman it makes a node's volume before its container, with the node's name as a
        label, and forgets about it when the container cannot be made.
        """
        return {
            volume
            for node in NODE_NAMES
            for volume in self.engine.run("volume", "ls", "--quiet", "--filter", f"label={node}").split()
        }

    def _kind(self, *words: str) -> None:
        # The provider is named, or a variable of the caller's would send kind to another engine.
        shell = Shell(
            log=self.log,
            env={**self.engine.shell.env, "KIND_EXPERIMENTAL_PROVIDER": self.engine.name},
            shielded=True,
        )
        kind = self.tool("kind")
        shell.run(kind, *words, "--name", CLUSTER_NAME, "--kubeconfig", self.kubeconfig)
