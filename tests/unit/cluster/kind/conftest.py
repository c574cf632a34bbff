"""A project with a few images and programs, small enough to change one thing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

IMAGES = """
[versions]
kubernetes = "v1.34.4"
debian = "bookworm"

[[binary]]
name = "hyperkube"
module = "kubernetes"
package = "./cmd/hyperkube"
variables = ["version.gitVersion={kubernetes}"]

[[binary]]
name = "server"
module = "kubernetes"
package = "example.org/server"

[[binary]]
name = "kind"
module = "tools"
package = "sigs.k8s.io/kind"

[[binary]]
name = "kustomize"
module = "tools"
package = "sigs.k8s.io/kustomize"

[[image]]
name = "debian"
reference = "docker.io/library/debian:bookworm-slim"
role = "base"

[[image]]
name = "python"
reference = "docker.io/library/python:3.11"
role = "base"
base = "debian"

[[image]]
name = "kubernetes"
reference = "registry.k8s.io/kube-apiserver:v1.34.4"
also = ["registry.k8s.io/kube-proxy:v1.34.4"]
role = "core"
base = "debian"
binaries = ["hyperkube"]

[[image]]
name = "etcd"
reference = "registry.k8s.io/etcd:3.6.4-0"
role = "core"
binaries = ["server"]

[[image]]
name = "coredns"
reference = "registry.k8s.io/coredns:v1.12.3"
role = "core"
binaries = ["server"]

[[image]]
name = "node"
reference = "docker.io/kindest/node:v1.34.0"
role = "node"
base = "debian"
binaries = ["hyperkube"]

[[image]]
name = "nginx"
reference = "docker.io/library/nginx:1.22.1"
role = "stack"
base = "debian"

[[image]]
name = "components"
reference = "aftershock.dev/components:dev"
role = "stack"
base = "python"
payload = ["stack/components"]
always = "build"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    kind = root / "cluster" / "kind"
    for image in ("python", "kubernetes", "etcd", "coredns", "node", "nginx", "components"):
        folder = kind / "images" / image
        folder.mkdir(parents=True)
        (folder / "Containerfile").write_text("FROM scratch\n")
    for module in ("kubernetes", "tools"):
        (kind / "modules" / module).mkdir(parents=True)
        (kind / "modules" / module / "go.mod").write_text(f"module {module}\n")
        (kind / "modules" / module / "go.sum").write_text("")
    main = kind / "modules" / "kubernetes" / "cmd" / "hyperkube"
    main.mkdir(parents=True)
    (main / "main.go").write_text("package main\n")
    (root / "stack" / "components").mkdir(parents=True)
    (root / "stack" / "components" / "webhook.py").write_text("print()\n")
    (kind / "images.toml").write_text(IMAGES)
    (kind / "audit-policy.yaml").write_text("kind: Policy\n")
    return root
