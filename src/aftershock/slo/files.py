"""Files of objectives, in either format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from aftershock.errors import ConfigError
from aftershock.slo.objective import Objective
from aftershock.slo.openslo import is_openslo, read_openslo
from aftershock.slo.sloth import is_sloth, read_sloth

__all__ = ["read_objectives"]


def read_objectives(paths: Iterable[Path]) -> list[Objective]:
    """Read the objectives of all files, in their order.

    Raises:
        ConfigError: a file that is missing, is no YAML, is of neither format, or cannot be read in its own;
            or two objectives of one service and name.

    """
    found: list[Objective] = []
    for path in paths:
        documents = _documents(path)
        if all(is_openslo(document) for document in documents):
            found += read_openslo(documents, str(path))
        elif all(is_sloth(document) for document in documents):
            found += [objective for document in documents for objective in read_sloth(document, str(path))]
        else:
            raise ConfigError(
                f"{path} is no file of objectives",
                expected="apiVersion openslo/v1, sloth.slok.dev/v1, or version prometheus/v1",
                found=", ".join(sorted({str(key) for document in documents for key in document})),
            )
    _refuse_twice(found)
    return found


def _documents(path: Path) -> list[Mapping[str, Any]]:
    try:
        documents = [
            document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document
        ]
    except OSError as error:
        raise ConfigError(f"{path} cannot be read", found=str(error)) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML", found=str(error)) from error
    if not documents or not all(isinstance(document, Mapping) for document in documents):
        raise ConfigError(f"{path} is no file of objectives", expected="YAML objects", found=repr(documents))
    return documents


def _refuse_twice(objectives: Iterable[Objective]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for objective in objectives:
        key = (objective.service, objective.name)
        if key in seen:
            raise ConfigError(
                f"objective {objective.name} of {objective.service} is there twice",
                expected="one name for each objective of a service",
                found=f"{seen[key]} and {objective.source}",
            )
        seen[key] = objective.source
