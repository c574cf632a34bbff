"""A ChaosEngine as users write it, and faults in place of the catalogue's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Unpack

import pytest
import yaml

from aftershock.faults import calls
from aftershock.faults.chosen import WhichPods
from aftershock.faults.journal import Record
from aftershock.faults.protocol import Plan, Proof
from aftershock.faults.tools import Tools

ENGINE: Mapping[str, Any] = {
    "apiVersion": "litmuschaos.io/v1alpha1",
    "kind": "ChaosEngine",
    "metadata": {"name": "web-engine", "namespace": "demo"},
    "spec": {
        "engineState": "active",
        "annotationCheck": "false",
        "chaosServiceAccount": "litmus-admin",
        "appinfo": {"appns": "demo", "applabel": "app=web", "appkind": "deployment"},
        "experiments": [
            {
                "name": "pod-delete",
                "spec": {
                    "components": {
                        "env": [
                            {"name": "TOTAL_CHAOS_DURATION", "value": "30"},
                            {"name": "CHAOS_INTERVAL", "value": "10"},
                            {"name": "PODS_AFFECTED_PERC", "value": "30"},
                        ]
                    },
                    "probe": [
                        {
                            "name": "web answers",
                            "type": "httpProbe",
                            "mode": "Edge",
                            "httpProbe/inputs": {
                                "url": "http://web.demo.svc.cluster.local/",
                                "method": {"get": {"criteria": "==", "responseCode": "200"}},
                            },
                            "runProperties": {"probeTimeout": "5s", "interval": "2s", "retry": 1},
                        }
                    ],
                },
            }
        ],
    },
}

Write = Callable[..., Path]


class Fake:
    """A fault that only says what it was given."""

    def __init__(self, tools: Tools, **which: Unpack[WhichPods]) -> None:
        self.given = dict(which)

    name = "fake"

    def plan(self) -> Plan:
        return Plan(
            fault=self.name, targets=(), undo={}, expires_after_s=1.0, blast_radius="none", switch="none"
        )

    def inject(self, plan: Plan, record: Record) -> None:
        raise NotImplementedError

    def landed(self, plan: Plan) -> Proof:
        raise NotImplementedError


class Kill(Fake):
    name = "pod-kill"

    def __init__(self, tools: Tools, *, grace_s: int | None = None, **which: Unpack[WhichPods]) -> None:
        super().__init__(tools, **which)


class Latency(Fake):
    name = "network-latency"

    def __init__(
        self, tools: Tools, *, delay_s: float, for_s: float, jitter_s: float = 0.0, **which: Unpack[WhichPods]
    ) -> None:
        super().__init__(tools, **which)


class Hog(Fake):
    name = "cpu-hog"

    def __init__(self, tools: Tools, *, for_s: float, burners: int = 2, **which: Unpack[WhichPods]) -> None:
        super().__init__(tools, **which)


@pytest.fixture(autouse=True)
def faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The three faults that engines ask for, as fakes."""
    monkeypatch.setattr(calls, "FAULTS", {fake.name: fake for fake in (Kill, Latency, Hog)})


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return what writes the engine with some of it changed: by dotted path, None takes away."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)

    def written(changes: Mapping[str, Any] | None = None) -> Path:
        content = deepcopy(dict(ENGINE))
        for path, value in (changes or {}).items():
            *way, last = [int(key) if key.isdecimal() else key for key in path.split(".")]
            place: Any = content
            for key in way:
                place = place[key]
            if value is None:
                del place[last]
            elif isinstance(place, list) and last == len(place):
                place.append(value)
            else:
                place[last] = value
        file = tmp_path / "engine.yaml"
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        return file

    return written
