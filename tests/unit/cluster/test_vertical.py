"""What the Vertical Pod Autoscaler needs: definitions and rights of its module, a certificate once."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aftershock.cluster import vertical as module
from aftershock.cluster.api import Json
from aftershock.cluster.shell import Shell
from aftershock.cluster.vertical import define_vpa
from aftershock.testing.kube import FakeApi
from tests.unit.cluster.conftest import Commands

# Writes each file that is asked for, with its own name in it.
WRITES = """for word in "$@"; do
  case "$before" in -out|-keyout) printf "%s" "$word" >"$word";; esac
  before=$word
done"""


class FakeApplier:
    """Keeps what was applied."""

    applied: ClassVar[list[Json]]
    there: ClassVar[Json | None]

    def __init__(self, api: object) -> None:
        pass

    def apply(self, items: list[Json]) -> None:
        self.applied.extend(items)

    def get(self, item: Json) -> Json | None:
        return self.there


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> type[FakeApplier]:
    fresh = type("Applier", (FakeApplier,), {"applied": [], "there": None})
    monkeypatch.setattr(module, "Applier", fresh)
    return fresh


@pytest.fixture
def root(tmp_path: Path, commands: Commands) -> Path:
    """A project whose go knows where the module is, and an openssl that writes what it is asked for."""
    source = tmp_path / "module"
    (source / "deploy").mkdir(parents=True)
    (source / "deploy" / "vpa-v1-crd-gen.yaml").write_text("kind: CustomResourceDefinition\n")
    (source / "deploy" / "vpa-rbac.yaml").write_text("kind: ClusterRole\n---\nkind: ClusterRoleBinding\n")
    commands.add("go", f"echo {source}")
    commands.add("openssl", WRITES)
    pins = tmp_path / "cluster" / "kind" / "modules" / "vpa"
    pins.mkdir(parents=True)
    return tmp_path


def define(root: Path) -> None:
    define_vpa(FakeApi(), root=root, shell=Shell(log=root / "log"))


def test_definitions_rights_and_a_certificate(root: Path, applied: Any, commands: Commands) -> None:
    define(root)
    kinds = [item["kind"] for item in applied.applied]
    assert kinds == ["CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Secret"]
    data = applied.applied[-1]["data"]
    assert {name: base64.b64decode(value).decode() for name, value in data.items()} == {
        name: name for name in ("caCert.pem", "serverCert.pem", "serverKey.pem")
    }
    assert any("CN=vpa-webhook.kube-system.svc" in call for call in commands.called("openssl"))


def test_a_certificate_that_is_there_stays(root: Path, applied: Any, commands: Commands) -> None:
    applied.there = {"kind": "Secret"}
    define(root)
    assert commands.called("openssl") == []
    assert "Secret" not in [item["kind"] for item in applied.applied]
