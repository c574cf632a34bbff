"""The pull path, against a registry on 127.0.0.1 that serves our own images as the official ones."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from aftershock.clock import wait_until
from aftershock.cluster.kind.catalogue import Catalogue, load_catalogue
from aftershock.cluster.kind.engine import Engine, find_engine
from aftershock.cluster.kind.provider import NODE_NAMES
from aftershock.cluster.kind.registry import choose_mode
from aftershock.config import project_root, state_dir

ROOT = project_root()


@pytest.fixture(scope="module")
def engine() -> Engine:
    return find_engine(log=state_dir() / "test-pull.log", state=state_dir())


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(ROOT)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry from Debian's package, unpacked and not installed, with its data in a folder."""
    folder = tmp_path_factory.mktemp("registry")
    folder.chmod(0o755)
    subprocess.run(["apt-get", "download", "-qq", "docker-registry"], cwd=folder, check=True)
    (package,) = folder.glob("docker-registry_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: {address}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'data'}}}}}\n",
        encoding="utf-8",
    )
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [folder / "usr/bin/docker-registry", "serve", config], stdout=log, stderr=log
        )
    try:
        wait_until(lambda: _answers(address), within_s=20, what="the registry to answer")
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _answers(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/v2/", timeout=2).ok
    except requests.ConnectionError:
        return False


def _up(*options: str) -> str:
    done = subprocess.run(
        [ROOT / ".venv/bin/aftershock", "up", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def test_a_cluster_is_made_from_pulled_images(
    registry: str, engine: Engine, catalogue: Catalogue, tmp_path: Path
) -> None:
    """`--images pull` takes every image but our own parts from the registry, and runs on them."""
    _up("--images", "build")  # so that there is something to serve
    plain = ["--tls-verify=false"] if engine.name == "podman" else []
    for image in catalogue.of_origin("pull").official():
        target = f"{registry}/{image.reference.partition('/')[2]}"
        engine.run("tag", catalogue.tag(image.name), target)
        engine.run("push", *plain, target)
        engine.run("rmi", target)
    assert choose_mode("auto", registry=registry)[0] == "pull"
    try:
        said = _up("--images", "pull", "--registry", registry)
        pulled = catalogue.of_origin("pull")
        used = engine.run("inspect", "--format", "{{.Config.Image}}", *NODE_NAMES).split()
        assert set(used) == {pulled.tag("node")}
        assert f"{registry} answered" in said
        assert "30 pods run on 3 nodes" in said
        # What is there needs no registry any more.
        assert "all are there" in _up("--images", "pull", "--registry", "127.0.0.1:9")
    finally:
        _up("--images", "build")
        engine.run("rmi", "--force", *(pulled.tag(image.name) for image in pulled.official()))


def test_a_registry_that_is_not_there_is_found_out_quickly(engine: Engine) -> None:
    mode, why = choose_mode("auto", registry="127.0.0.1:9")
    assert mode == "build"
    assert "127.0.0.1:9 does not answer" in why
