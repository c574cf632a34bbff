"""The reaper's manifests, written out for a cluster of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from aftershock import cli
from aftershock.errors import ConfigError
from aftershock.projects.reaper import write_reaper

STACK = Path(__file__).parents[3] / "stack" / "reaper" / "base"
DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("image", "which"),
    [
        ("ghcr.io/me/components:1.2", {"newName": "ghcr.io/me/components", "newTag": "1.2"}),
        ("localhost:5000/components:1", {"newName": "localhost:5000/components", "newTag": "1"}),
        (f"ghcr.io/me/components@{DIGEST}", {"newName": "ghcr.io/me/components", "digest": DIGEST}),
    ],
)
def test_the_stacks_own_with_another_image(tmp_path: Path, image: str, which: dict[str, str]) -> None:
    written = write_reaper(tmp_path / "reaper", image=image)
    assert [path.name for path in written] == sorted(path.name for path in STACK.glob("*.yaml"))
    for path in written:
        if path.name != "kustomization.yaml":
            assert path.read_bytes() == (STACK / path.name).read_bytes()
    (replaced,) = yaml.safe_load((tmp_path / "reaper" / "kustomization.yaml").read_text())["images"]
    assert replaced == {"name": "aftershock.dev/components", **which}
    deployment = yaml.safe_load((tmp_path / "reaper" / "deployment.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("aftershock.dev/components:")


@pytest.mark.parametrize("image", ["components", "localhost:5000/components", "a b:1", "x@sha256:12", ""])
def test_what_names_no_image(tmp_path: Path, image: str) -> None:
    with pytest.raises(ConfigError, match="names no image"):
        write_reaper(tmp_path / "reaper", image=image)
    assert not (tmp_path / "reaper").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(ConfigError, match="is not empty"):
        write_reaper(tmp_path, image="a:1")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.main, ["reaper", str(tmp_path / "reaper"), "--image", "a:1"])
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == f"next: kubectl apply -k {tmp_path / 'reaper'}"
