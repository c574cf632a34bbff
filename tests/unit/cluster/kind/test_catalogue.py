"""The list of images, and the keys: what changes changes just what depends on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aftershock.cluster.kind.catalogue import load_catalogue
from aftershock.config import project_root
from aftershock.errors import ConfigError

Change = Callable[[Path], None]

PROGRAMS = ("hyperkube", "server", "kind", "kustomize")


def keys(root: Path, origin: str = "build") -> dict[str, str]:
    catalogue = load_catalogue(root).of_origin(origin)  # type: ignore[arg-type]  # a case's word
    found = {f"go:{name}": catalogue.binary_key(name) for name in PROGRAMS}
    return found | {name: catalogue.image_key(name) for name in catalogue.images}


def changed(root: Path, change: Change, origin: str = "build") -> set[str]:
    before = keys(root, origin)
    change(root)
    after = keys(root, origin)
    return {name for name in before if before[name] != after[name]}


def write(path: str, text: str = "changed\n") -> Change:
    def change(root: Path) -> None:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    return change


def replace(old: str, new: str) -> Change:
    def change(root: Path) -> None:
        path = root / "cluster/kind/images.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def make_executable(root: Path) -> None:
    (root / "cluster/kind/images/nginx/Containerfile").chmod(0o755)


def rename(root: Path) -> None:
    folder = root / "cluster/kind/images/nginx"
    (folder / "Containerfile").rename(folder / "Dockerfile")


class TestKeys:
    def test_the_same_content_has_the_same_keys_anywhere(self, project: Path, tmp_path: Path) -> None:
        shutil.copytree(project, tmp_path / "copy")
        assert keys(project) == keys(tmp_path / "copy")

    @pytest.mark.parametrize(
        ("change", "names"),
        [
            (write("cluster/kind/images/nginx/Containerfile"), {"nginx"}),
            (write("cluster/kind/images/nginx/new"), {"nginx"}),
            (make_executable, {"nginx"}),
            (rename, {"nginx"}),
            (write("cluster/kind/images/python/Containerfile"), {"python", "components"}),
            (write("stack/components/webhook.py"), {"components"}),
            (
                replace("bookworm-slim", "trixie-slim"),
                {"debian", "python", "kubernetes", "node", "nginx", "components"},
            ),
            (replace("nginx:1.22.1", "nginx:1.23.0"), {"nginx"}),
            (replace("kube-proxy:v1.34.4", "kube-proxy:v1.34.5"), {"kubernetes", "node"}),
            (write("cluster/kind/images/etcd/Containerfile"), {"etcd", "node"}),
            (
                write("cluster/kind/modules/kubernetes/cmd/hyperkube/main.go"),
                {"go:hyperkube", "kubernetes", "node"},
            ),
            (
                replace('kubernetes = "v1.34.4"', 'kubernetes = "v1.34.5"'),
                {"go:hyperkube", "kubernetes", "node"},
            ),
            (
                write("cluster/kind/modules/kubernetes/go.sum"),
                {"go:hyperkube", "go:server", "kubernetes", "etcd", "coredns", "node"},
            ),
            (write("cluster/kind/modules/tools/go.mod"), {"go:kind", "go:kustomize"}),
            (
                replace('package = "sigs.k8s.io/kind"', 'package = "sigs.k8s.io/kind"\ntags = ["x"]'),
                {"go:kind"},
            ),
            (write("stack/components/__pycache__/webhook.pyc"), set()),
            (write("stack/components/x.egg-info/PKG-INFO"), set()),
            (write("stack/monitoring/rules.yaml"), set()),
            (write("README.md"), set()),
        ],
    )
    def test_a_change_and_what_depends_on_it(self, project: Path, change: Change, names: set[str]) -> None:
        assert changed(project, change) == names

    def test_a_pulled_image_is_known_by_its_reference(self, project: Path) -> None:
        assert changed(project, write("cluster/kind/images/nginx/Containerfile"), "pull") == set()
        assert changed(project, replace("nginx:1.22.1", "nginx:1.23.0"), "pull") == {"nginx"}

    def test_what_is_always_built_depends_on_its_pulled_base(self, project: Path) -> None:
        change = replace("python:3.11", "python:3.12")
        assert changed(project, change, "pull") == {"python", "components"}

    def test_pulled_and_built_have_different_tags(self, project: Path) -> None:
        built = load_catalogue(project)
        pulled = built.of_origin("pull")
        assert not {built.tag(name) for name in built.images} & {pulled.tag(name) for name in pulled.images}


class TestLists:
    def test_of_role(self, project: Path) -> None:
        names = [image.name for image in load_catalogue(project).of_role("core", "stack")]
        assert names == ["kubernetes", "etcd", "coredns", "nginx", "components"]

    def test_official_images_are_what_runs_and_bases_of_ours(self, project: Path) -> None:
        assert [image.name for image in load_catalogue(project).official()] == ["python", "node", "nginx"]

    def test_names_inside_the_nodes(self, project: Path) -> None:
        image = load_catalogue(project).images["kubernetes"]
        assert image.names == ("registry.k8s.io/kube-apiserver:v1.34.4", "registry.k8s.io/kube-proxy:v1.34.4")

    def test_flags(self, project: Path) -> None:
        catalogue = load_catalogue(project)
        assert catalogue.flags(catalogue.binaries["hyperkube"]) == "-s -w -X version.gitVersion=v1.34.4"


class TestRefusals:
    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="this needs a checkout") as caught:
            load_catalogue(tmp_path)
        assert "--cluster" in caught.value.hint

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (write("cluster/kind/images.toml", "[versions"), ""),
            (write("cluster/kind/images.toml", ""), "versions"),
            (replace('role = "node"', 'role = "knot"'), "knot"),
            (replace('name = "etcd"\n', ""), "name"),
            (replace('base = "debian"', 'bass = "debian"'), "bass"),
        ],
        ids=["no TOML", "empty", "role", "no name", "unknown field"],
    )
    def test_a_malformed_file(self, project: Path, change: Change, said: str) -> None:
        change(project)
        with pytest.raises(ConfigError, match="is malformed") as caught:
            load_catalogue(project)
        assert said in caught.value.found

    @pytest.mark.parametrize(
        ("change", "image", "found"),
        [
            (replace('base = "python"', 'base = "perl"'), "components", "perl"),
            (replace('base = "debian"', 'base = "nginx"'), "python", "nginx"),
            (replace('binaries = ["server"]', 'binaries = ["servant"]'), "etcd", "servant"),
        ],
        ids=["unknown base", "a base that comes later", "unknown program"],
    )
    def test_what_is_not_defined_before(self, project: Path, change: Change, image: str, found: str) -> None:
        change(project)
        with pytest.raises(ConfigError, match=f"image '{image}' needs") as caught:
            load_catalogue(project)
        assert caught.value.found == found


def test_our_own_list_is_whole() -> None:
    root = project_root(Path(__file__).parent)
    catalogue = load_catalogue(root)
    for image in catalogue.images.values():
        assert (
            image.name == "debian" or (catalogue.folder / "images" / image.name / "Containerfile").is_file()
        )
        assert all((root / part).exists() for part in image.payload)
    for binary in catalogue.binaries.values():
        assert (catalogue.folder / "modules" / binary.module / "go.mod").is_file()
