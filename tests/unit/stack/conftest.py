"""What the tests of the stack need: our components on the path, and the rendered manifests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from aftershock.config import state_dir
from aftershock.errors import EnvironmentUnusableError

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "stack" / "components"))

Manifest = dict[str, Any]


def find_tool(name: str, *, variable: str, hint: str) -> str:
    """Return the program `name`: named by `variable`, built by us, or on the PATH. Never skips."""
    named = os.environ.get(variable)
    built = state_dir() / "programs" / "bin" / name
    found = named or (str(built) if built.exists() else shutil.which(name))
    if found is None or shutil.which(found) is None:
        raise EnvironmentUnusableError(
            f"{name} is needed by the tests of the stack",
            expected=f"{variable}, {built}, or {name} on the PATH",
            found=f"{variable}={named}" if named else "none of them",
            hint=hint,
        )
    return found


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def promtool() -> str:
    return find_tool(
        "promtool",
        variable="AFTERSHOCK_PROMTOOL",
        hint="apt-get install --no-install-recommends prometheus (it has promtool)",
    )


@pytest.fixture(scope="session")
def render() -> Callable[[str], list[Manifest]]:
    """Return the objects of a kustomization below stack/, each folder built once."""
    kustomize = find_tool(
        "kustomize", variable="AFTERSHOCK_KUSTOMIZE", hint="`aftershock up` or `make test` builds it"
    )
    done: dict[str, str] = {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def build(folder: str) -> list[Manifest]:
        if folder not in done:
            done[folder] = subprocess.run(
                [kustomize, "build", str(ROOT / "stack" / folder)], check=True, capture_output=True, text=True
            ).stdout
        return list(yaml.load_all(done[folder], Loader=loader))

    return build
