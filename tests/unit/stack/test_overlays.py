"""The profile `ci` is the profile `nightly` with shorter waits, and nothing else."""

from __future__ import annotations

import base64
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

FACTOR = 10
FLOOR_OF_FOR_S = 10  # two evaluations
FLOOR_OF_ALERTMANAGER_S = 1
FLOOR_OF_ESCALATION_S = 1
ESCALATION_TIMES = {"look_every", "after"}
ALERTMANAGER_TIMES = {"resolve_timeout", "group_wait", "group_interval", "repeat_interval"}
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}

Render = Callable[[str], list[dict[str, Any]]]
Difference = tuple[str, Any, Any]


def seconds(text: str) -> float:
    parts = re.findall(r"(\d+)(ms|[smhd])", text)
    assert "".join(map("".join, parts)) == text, text
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def unhashed(node: Any) -> Any:
    """Return an object with the policy under its plain name: its hash follows its content."""
    if isinstance(node, dict):
        return {key: unhashed(value) for key, value in node.items()}
    if isinstance(node, list):
        return [unhashed(item) for item in node]
    return (
        re.sub(r"^escalation-policy-[a-z0-9]{10}$", "escalation-policy", node)
        if isinstance(node, str)
        else node
    )


def differences(ci: Any, nightly: Any, path: str = "") -> Iterator[Difference]:
    """Yield every leaf that differs, with its path."""
    if isinstance(ci, dict) and isinstance(nightly, dict) and ci.keys() == nightly.keys():
        for key in ci:
            yield from differences(ci[key], nightly[key], f"{path}/{key}")
    elif isinstance(ci, list) and isinstance(nightly, list) and len(ci) == len(nightly):
        for index, pair in enumerate(zip(ci, nightly, strict=True)):
            yield from differences(*pair, f"{path}/{index}")
    elif ci != nightly:
        yield path, ci, nightly


def opened(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the objects by name, configurations as what they say."""
    by_name: dict[str, Any] = {}
    for item in unhashed(objects):
        meta = item["metadata"]
        if meta["name"] == "escalation-policy":
            item["data"] = tomllib.loads(item["data"]["policy.toml"])
        if meta["name"] == "alertmanager-config":
            item["data"] = yaml.safe_load(base64.b64decode(item["data"]["alertmanager.yaml"]))
        by_name[f"{item['kind']} {meta.get('namespace', '')} {meta['name']}"] = item
    return by_name


def verdict_on(difference: Difference) -> bool:
    """Say whether a difference is one that `ci` may have, and has the right size."""
    path, ci, nightly = difference
    last = path.rpartition("/")[2]
    if path.startswith("/PrometheusRule ") and last == "for":
        return seconds(ci) == max(seconds(nightly) / FACTOR, FLOOR_OF_FOR_S)
    if path.startswith("/Secret monitoring alertmanager-config/data/") and last in ALERTMANAGER_TIMES:
        return seconds(ci) == max(seconds(nightly) / FACTOR, FLOOR_OF_ALERTMANAGER_S)
    if path.startswith("/ConfigMap monitoring escalation-policy/data/") and last in ESCALATION_TIMES:
        return seconds(ci) == max(seconds(nightly) / FACTOR, FLOOR_OF_ESCALATION_S)
    if path.startswith("/HorizontalPodAutoscaler ") and last == "stabilizationWindowSeconds":
        return bool(ci == nightly / FACTOR)
    return False


def waits(objects: dict[str, Any]) -> set[str]:
    """Return the paths of everything that `ci` must shorten."""
    found: set[str] = set()

    def walk(node: Any, path: str) -> None:
        pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in pairs:
            here = f"{path}/{key}"
            is_rule = path.startswith("/PrometheusRule ") and key == "for"
            is_routing = "alertmanager-config" in path and key in ALERTMANAGER_TIMES
            is_escalation = "escalation-policy" in path and key in ESCALATION_TIMES
            if is_rule or is_routing or is_escalation or key == "stabilizationWindowSeconds":
                found.add(here)
            walk(value, here)

    for name, item in objects.items():
        walk(item, f"/{name}")
    return found


# What the cluster says of itself.
NAMED = ("/ConfigMap aftershock aftershock-profile/data/profile", "ci", "nightly")


def test_ci_differs_in_waits_alone_and_in_all_of_them(render: Render) -> None:
    ci, nightly = opened(render("overlays/ci")), opened(render("overlays/nightly"))
    assert ci.keys() == nightly.keys()
    found = list(differences(ci, nightly))
    assert found.count(NAMED) == 1
    found.remove(NAMED)
    assert [difference for difference in found if not verdict_on(difference)] == []
    assert {path for path, _, _ in found} == waits(nightly)
    assert len(found) >= 40


@pytest.mark.parametrize(
    ("path", "ci", "nightly", "allowed"),
    [
        ("/PrometheusRule monitoring pods/spec/groups/0/rules/2/for", "1m", "10m", True),
        ("/PrometheusRule monitoring pods/spec/groups/0/rules/2/for", "10s", "1m", True),
        ("/PrometheusRule monitoring pods/spec/groups/0/rules/2/for", "50s", "10m", False),
        ("/PrometheusRule monitoring pods/spec/groups/0/rules/2/expr", "x > 1", "x > 2", False),
        ("/PrometheusRule monitoring pods/spec/groups/0/rules/2/labels/severity", "info", "warning", False),
        ("/HorizontalPodAutoscaler demo nginx-web/spec/maxReplicas", 1, 10, False),
        ("/HorizontalPodAutoscaler demo x/spec/behavior/scaleUp/stabilizationWindowSeconds", 3, 30, True),
        ("/HorizontalPodAutoscaler demo x/spec/behavior/scaleUp/policies/0/periodSeconds", 3, 30, False),
        ("/Secret monitoring alertmanager-config/data/route/group_wait", "1s", "5s", True),
        ("/Secret monitoring alertmanager-config/data/route/receiver", "a", "b", False),
        ("/ConfigMap monitoring escalation-policy/data/levels/0/after", "30s", "5m", True),
        ("/ConfigMap monitoring escalation-policy/data/levels/0/after", "1m", "5m", False),
        ("/ConfigMap monitoring escalation-policy/data/levels/0/level", 1, 2, False),
        ("/ConfigMap demo other/data/after", "30s", "5m", False),
    ],
)
def test_the_comparison_sees_what_is_not_a_wait(path: str, ci: Any, nightly: Any, allowed: bool) -> None:
    assert verdict_on((path, ci, nightly)) is allowed


@pytest.mark.parametrize("profile", ["ci", "nightly"])
def test_the_whole_is_the_reaper_monitoring_and_workloads(render: Render, profile: str) -> None:
    def names(folder: str) -> set[str]:
        return set(opened(render(folder)))

    parts = names("reaper/base") | names(f"monitoring/overlays/{profile}")
    parts |= names(f"workloads/overlays/{profile}")
    assert names(f"overlays/{profile}") == parts | {"ConfigMap aftershock aftershock-profile"}
