"""OpenSLO v1 (https://github.com/OpenSLO/OpenSLO): what of it says a share of events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aftershock.errors import ConfigError
from aftershock.slo.objective import Objective
from aftershock.slo.reading import duration, mapping, query, share, text

__all__ = ["is_openslo", "read_openslo"]

Document = Mapping[str, Any]


def is_openslo(document: Document) -> bool:
    """Whether `document` says that it is of OpenSLO."""
    return str(document.get("apiVersion", "")).startswith("openslo/")


def read_openslo(documents: Sequence[Document], source: str) -> Iterator[Objective]:
    """Yield the objectives of the SLOs in `documents`; indicators may stand beside them.

    Raises:
        ConfigError: a version, a kind of metric or a window that cannot be read; says which, and where.

    """
    indicators = {
        _name(document, source): mapping(document, "spec", f"{source}: {_name(document, source)}")
        for document in documents
        if document.get("kind") == "SLI"
    }
    for document in documents:
        if document.get("apiVersion") != "openslo/v1":
            raise ConfigError(
                f"{source} is of a version that is not read",
                expected="apiVersion openslo/v1",
                found=repr(document.get("apiVersion")),
            )
        if document.get("kind") == "SLO":
            yield from _objectives(document, indicators, source)


def _objectives(document: Document, indicators: Mapping[str, Document], source: str) -> Iterator[Objective]:
    name = _name(document, source)
    where = f"{source}: SLO {name}"
    spec = mapping(document, "spec", where)
    if spec.get("budgetingMethod", "Occurrences") != "Occurrences":
        raise ConfigError(
            f"{where} counts something else than events",
            expected="budgetingMethod Occurrences",
            found=repr(spec["budgetingMethod"]),
        )
    bad, total = _events(_indicator(spec, indicators, where), where)
    window_s = _window(spec, where)
    objectives = spec.get("objectives") or []
    if not objectives:
        raise ConfigError(f"{where} has no objectives", expected="at least one", found=repr(objectives))
    for number, objective in enumerate(objectives):
        by_percent = "targetPercent" in objective
        value = objective.get("targetPercent") if by_percent else objective.get("target")
        yield Objective(
            name=name if number == 0 else f"{name}-{number + 1}",
            service=text(spec, "service", where),
            target=share(value, where, of=100 if by_percent else 1),
            bad=bad,
            total=total,
            window_s=window_s,
            description=str(spec.get("description", "")).strip(),
            labels=_labels(document),
            source=source,
        )


def _indicator(spec: Document, indicators: Mapping[str, Document], where: str) -> Document:
    if "indicator" in spec:
        return mapping(mapping(spec, "indicator", where), "spec", f"{where}: its indicator")
    wanted = text(spec, "indicatorRef", where)
    if wanted not in indicators:
        raise ConfigError(
            f"{where} refers to an indicator that is not in the file",
            expected=", ".join(sorted(indicators)) or "a document of kind SLI",
            found=wanted,
        )
    return indicators[wanted]


def _events(indicator: Document, where: str) -> tuple[str, str]:
    """Return the queries for bad and for all events."""
    if "ratioMetric" not in indicator:
        raise ConfigError(
            f"{where} is no share of events", expected="a ratioMetric", found=", ".join(indicator)
        )
    ratio = mapping(indicator, "ratioMetric", where)
    total = _query(ratio, "total", where)
    if "bad" in ratio:
        return _query(ratio, "bad", where), total
    return f"({total}) - ({_query(ratio, 'good', where)})", total


def _query(ratio: Document, part: str, where: str) -> str:
    metric = mapping(mapping(ratio, part, where), "metricSource", f"{where}: {part}")
    kind = str(metric.get("type", "Prometheus"))
    if kind.lower() != "prometheus":
        raise ConfigError(f"{where}: {part} is not Prometheus'", expected="type Prometheus", found=kind)
    spec = mapping(metric, "spec", f"{where}: {part}")
    return query(text(spec, "query", f"{where}: {part}"), f"{where}: {part}")


def _window(spec: Document, where: str) -> float:
    windows = spec.get("timeWindow") or []
    if len(windows) != 1 or not windows[0].get("isRolling", False):
        raise ConfigError(
            f"{where} has no rolling window",
            expected="one timeWindow with isRolling: true",
            found=repr(windows),
        )
    return duration(windows[0].get("duration"), where)


def _name(document: Document, source: str) -> str:
    return text(mapping(document, "metadata", source), "name", source)


def _labels(document: Document) -> Mapping[str, str]:
    labels = document["metadata"].get("labels") or {}
    return {str(key): str(value) for key, value in labels.items() if isinstance(value, str)}
