"""Sloth's format (https://sloth.dev): the file `prometheus/v1`, and the object PrometheusServiceLevel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aftershock.errors import ConfigError
from aftershock.slo.objective import Objective
from aftershock.slo.reading import mapping, query, share, text

__all__ = ["is_sloth", "read_sloth"]

Document = Mapping[str, Any]

_OBJECT = "sloth.slok.dev/v1"
_FILE = "prometheus/v1"


def is_sloth(document: Document) -> bool:
    """Whether `document` says that it is Sloth's."""
    return "version" in document or str(document.get("apiVersion", "")).startswith("sloth.slok.dev/")


def read_sloth(document: Document, source: str) -> Iterator[Objective]:
    """Yield the objectives of a file or an object of Sloth; their window is 30 days, as Sloth's default is.

    Raises:
        ConfigError: a version or a kind of indicator that cannot be read; says which, and where.

    """
    spec = document
    if "apiVersion" in document:
        _version(document["apiVersion"], _OBJECT, source)
        spec = mapping(document, "spec", source)
    else:
        _version(document["version"], _FILE, source)
    service = text(spec, "service", source)
    common = {str(name): str(value) for name, value in (spec.get("labels") or {}).items()}
    slos = spec.get("slos") or []
    if not slos:
        raise ConfigError(f"{source} has no slos", expected="at least one", found=repr(slos))
    for slo in slos:
        where = f"{source}: SLO {slo.get('name')}"
        bad, total = _events(mapping(slo, "sli", where), where)
        yield Objective(
            name=text(slo, "name", where),
            service=service,
            target=share(slo.get("objective"), where, of=100),
            bad=bad,
            total=total,
            description=str(slo.get("description", "")).strip(),
            labels={**common, **{str(k): str(v) for k, v in (slo.get("labels") or {}).items()}},
            source=source,
        )


def _events(sli: Document, where: str) -> tuple[str, str]:
    """Return the queries for bad and for all events; both spellings, of files and of objects."""
    if "events" not in sli:
        raise ConfigError(
            f"{where} is no share of events",
            expected="sli.events: without the number of events there is no budget in requests",
            found=", ".join(sli),
        )
    events = mapping(sli, "events", where)
    bad = "error_query" if "error_query" in events else "errorQuery"
    total = "total_query" if "total_query" in events else "totalQuery"
    return query(text(events, bad, where), where), query(text(events, total, where), where)


def _version(found: Any, expected: str, source: str) -> None:
    if found != expected:
        raise ConfigError(f"{source} is of a version that is not read", expected=expected, found=repr(found))
