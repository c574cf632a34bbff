"""Bringing manifests into a cluster: rendered by kustomize, sent by server-side apply."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from aftershock.clock import Clock, SystemClock, wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.shell import Shell
from aftershock.errors import ConfigError, DeadlineError

__all__ = ["Applier", "load_objects", "object_id", "render"]

# Objects that others are kept in or are instances of come first.
_FIRST = ("Namespace", "CustomResourceDefinition", "PriorityClass")
_SECOND = (
    "ServiceAccount", "ConfigMap", "Secret", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
)  # fmt: skip
_PARALLEL = 8


def render(
    folder: Path, *, kustomize: Path, shell: Shell, images: Mapping[str, str] | None = None
) -> list[Json]:
    """Return the objects of a kustomization, with image references replaced by `images`."""
    text = shell.run(kustomize, "build", "--load-restrictor", "LoadRestrictionsNone", folder)
    for old, new in (images or {}).items():
        text = text.replace(f"image: {old}\n", f"image: {new}\n")
    return load_objects(text)


def load_objects(text: str) -> list[Json]:
    """Return the objects of a stream of YAML documents."""
    return [document for document in yaml.load_all(text, Loader=_Loader) if document]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
    """The safe loader, in C where there is one, that reads a plain `=` as the string it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


def object_id(item: Json) -> str:
    """Return kind/namespace/name, as people write it."""
    meta = item["metadata"]
    return "/".join(part for part in (item["kind"], meta.get("namespace", ""), meta["name"]) if part)


def _rank(item: Json) -> int:
    kind = item["kind"]
    return 0 if kind in _FIRST else 1 if kind in _SECOND else 2


class Applier:
    """Sends objects to one cluster. Knows where each kind lives by asking the API."""

    def __init__(self, api: KubeApi, *, clock: Clock | None = None) -> None:
        self.api = api
        self.clock = clock or SystemClock()
        self._resources: dict[str, dict[str, Json]] = {}

    def apply(self, items: list[Json]) -> None:
        """Apply `items`: namespaces and definitions first, the rest side by side."""
        for rank in range(3):
            batch = [item for item in items if _rank(item) == rank]
            with ThreadPoolExecutor(_PARALLEL) as pool:
                list(pool.map(self._apply_one, batch))
            self._await_definitions([item for item in batch if item["kind"] == "CustomResourceDefinition"])

    def path(self, item: Json) -> str:
        """Return the API path of the object.

        Raises:
            ConfigError: the cluster knows no such kind.

        """
        version, kind = item["apiVersion"], item["kind"]
        base = f"/apis/{version}" if "/" in version else f"/api/{version}"
        try:
            # A definition is established a moment before the API lists its kind.
            known = wait_until(
                lambda: self._find_kind(base, kind), within_s=5, every_s=0.2, what=kind, clock=self.clock
            )
        except DeadlineError as error:
            raise ConfigError(
                f"the cluster has no kind {kind} in {version}",
                hint="is its CustomResourceDefinition installed?",
            ) from error
        meta = item["metadata"]
        scope = f"/namespaces/{meta.get('namespace', 'default')}" if known["namespaced"] else ""
        return f"{base}{scope}/{known['name']}/{meta['name']}"

    def get(self, item: Json) -> Json | None:
        """Return the object as the cluster has it."""
        return self.api.find(self.path(item))

    def _find_kind(self, base: str, kind: str) -> Json | None:
        """Return how the API serves `kind` below `base`; asks it again for one that it did not list."""
        if kind not in self._resources.get(base, {}):
            listed = (self.api.find(base) or {}).get("resources") or []
            self._resources[base] = {entry["kind"]: entry for entry in listed if "/" not in entry["name"]}
        return self._resources[base].get(kind)

    def _apply_one(self, item: Json) -> None:
        self.api.patch(self.path(item), item, kind="apply")

    def _await_definitions(self, definitions: list[Json]) -> None:
        for definition in definitions:
            path = self.path(definition)

            def established(path: str = path) -> bool:
                conditions = (self.api.get(path).get("status") or {}).get("conditions") or []
                return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

            what = f"{object_id(definition)} to be served"
            wait_until(established, within_s=30, every_s=0.2, what=what, clock=self.clock)
