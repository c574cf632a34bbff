"""The list of images (cluster/kind/images.toml), and the keys that say when one is stale.

A key is a hash over everything that an image or a program is made of, its base's key
included: the same key means the same content, so nothing is built twice, and a changed
input changes the keys of just what depends on it.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from aftershock.errors import ConfigError, UsageError

__all__ = ["GCFLAGS", "OUR_IMAGES", "Binary", "Catalogue", "Image", "Origin", "load_catalogue"]

OUR_IMAGES = "localhost/aftershock/"
"""What the names of all our images in the engine begin with."""

Origin = Literal["build", "pull"]

KEY_LENGTH = 12

# The linker strips debugging information, so the compiler need not make it: 8 to 12 % of a
# cold build. Stack traces keep their lines.
GCFLAGS = "-gcflags=all=-dwarf=false"


class Binary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Go program: `package` of the module in cluster/kind/modules/`module`."""

    name: str
    module: str
    package: str
    tags: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


class Image(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An image; images.toml says what each field is."""

    name: str
    reference: str
    role: Literal["base", "core", "stack", "node", "addon", "demand"]
    addon: str = ""
    also: tuple[str, ...] = ()
    base: str = ""
    binaries: tuple[str, ...] = ()
    payload: tuple[str, ...] = ()
    requirements: str = ""
    always: Literal["", "build"] = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name that the image has inside the nodes."""
        return (self.reference, *self.also)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    versions: dict[str, str]
    binary: list[Binary]
    image: list[Image]
    addons_of_our_own: tuple[str, ...] = ()


class Catalogue:
    """What there is to make, and its keys. `root` is the project's root.

    `origin` says which images are meant: our own builds, or official ones that were pulled.
    Both may be in the engine at once, under tags that tell them apart.
    """

    def __init__(self, root: Path, file: _File, origin: Origin = "build") -> None:
        self.root = root
        self.origin = origin
        self._file = file
        self.folder = root / "cluster" / "kind"
        self.versions = file.versions
        self.binaries = {binary.name: binary for binary in file.binary}
        self.images = {image.name: image for image in file.image}

    def of_origin(self, origin: Origin) -> Catalogue:
        """Return the same catalogue for images of another origin."""
        return Catalogue(self.root, self._file, origin)

    def official(self) -> list[Image]:
        """Return the images to pull: what runs, and bases of ours; kindest/node brings kubeadm's."""
        ours = [image for image in self.images.values() if image.always == "build"]
        bases = {image.base for image in ours}
        return [
            image
            for image in self.images.values()
            if image not in ours and (image.role in {"node", "stack"} or image.name in bases)
        ]

    @property
    def addons(self) -> list[str]:
        """Return the names of the addons: those with images, in the order of the file, then the others."""
        with_images = (image.addon for image in self.images.values() if image.addon)
        return list(dict.fromkeys((*with_images, *self._file.addons_of_our_own)))

    def of_addons(self, names: Iterable[str]) -> list[Image]:
        """Return the images of these addons.

        Raises:
            UsageError: there is no addon of that name.

        """
        wanted = list(names)
        for name in wanted:
            if name not in self.addons:
                raise UsageError(f"there is no addon {name!r}", expected=", ".join(self.addons))
        return [image for image in self.images.values() if image.addon in wanted]

    def own(self, addons: Iterable[str]) -> list[Image]:
        """Return the images that nobody else makes, of the stack with these addons.

        Raises:
            UsageError: there is no addon of that name.

        """
        deployed = [*self.of_role("stack"), *self.of_addons(addons)]
        return [image for image in deployed if image.always == "build"]

    def of_role(self, *roles: str) -> list[Image]:
        """Return the images of these roles, in the order of the file."""
        return [image for image in self.images.values() if image.role in roles]

    def flags(self, binary: Binary) -> str:
        """Return the linker's flags of a program: stripped, with its version variables."""
        settings = (f"-X {variable.format(**self.versions)}" for variable in binary.variables)
        return " ".join(["-s -w", *settings])

    def binary_key(self, name: str) -> str:
        """Return the key of a program: its module's pins, its own source, its flags."""
        binary = self.binaries[name]
        module = self.folder / "modules" / binary.module
        parts = [
            GCFLAGS,
            self.flags(binary),
            *binary.tags,
            binary.package,
            _digest(module / "go.mod"),
            _digest(module / "go.sum"),
        ]
        if binary.package.startswith("./"):
            parts.append(_digest(module / binary.package))
        return _key(parts)

    def image_key(self, name: str) -> str:
        """Return the key of an image: its folder, its base, its programs and its payload."""
        return self._image_keys[name]

    def tag(self, name: str) -> str:
        """Return the name under which the engine keeps an image."""
        return f"{OUR_IMAGES}{name}:{self.image_key(name)}"

    @cached_property
    def _image_keys(self) -> dict[str, str]:
        keys: dict[str, str] = {}
        for image in self.images.values():  # bases stand before what is built on them
            if self.origin == "pull" and not image.always:
                keys[image.name] = f"pulled-{_key([image.reference])}"
                continue
            parts = [image.name, *image.names, _digest(self.folder / "images" / image.name)]
            parts += [keys[image.base]] if image.base else []
            parts += [self.binary_key(binary) for binary in image.binaries]
            parts += [_digest(self.root / path) for path in (*image.payload, image.requirements) if path]
            if image.role == "node":
                parts += [keys[core.name] for core in self.of_role("core")]
            keys[image.name] = _key(parts)
        return keys


def load_catalogue(root: Path) -> Catalogue:
    """Read cluster/kind/images.toml below the project's `root`.

    Raises:
        ConfigError: it is missing, malformed, or names something that it does not define.

    """
    path = root / "cluster" / "kind" / "images.toml"
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except FileNotFoundError as error:
        raise ConfigError(
            "this needs a checkout of Aftershock: what its kind cluster is made of is in no package",
            expected=str(path),
            found="none",
            hint="clone Aftershock and run this there; other folders can then use that cluster, too. "
            "Or take a cluster of your own: --cluster CONTEXT, or cluster in [tool.aftershock]",
        ) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path} is malformed", found=str(error)) from error
    catalogue = Catalogue(root, file)
    seen: set[str] = set()
    for image in catalogue.images.values():
        unknown = set(image.binaries) - catalogue.binaries.keys() | (
            {image.base} - seen if image.base else set()
        )
        if unknown:
            raise ConfigError(
                f"{path}: image {image.name!r} needs what is not defined before it",
                found=", ".join(sorted(unknown)),
            )
        seen.add(image.name)
    return catalogue


def _key(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:KEY_LENGTH]


def _digest(path: Path) -> str:
    """Return a hash of a file, or of every file below a folder with its name and mode."""
    total = hashlib.sha256()
    files = [path] if path.is_file() else sorted(found for found in path.rglob("*") if found.is_file())
    for file in files:
        relative = file.relative_to(path.parent)
        if {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"} & set(relative.parts) or any(
            part.endswith(".egg-info") for part in relative.parts
        ):
            continue
        executable = file.stat().st_mode & 0o100
        total.update(f"{relative}\0{bool(executable)}\0".encode() + file.read_bytes())
    return total.hexdigest()
