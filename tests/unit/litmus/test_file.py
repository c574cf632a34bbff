"""ChaosEngine files: what is taken, and what is refused by name and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aftershock.errors import UsageError
from aftershock.faults import catalogue
from aftershock.litmus import read_engine
from tests.unit.litmus.conftest import Write

ROOT = Path(__file__).parents[3]
FIRST = "spec.experiments.0"
PROBE = f"{FIRST}.spec.probe.0"
ENV = f"{FIRST}.spec.components.env"


def test_the_engine_as_a_whole(write: Write) -> None:
    engine = read_engine(write())
    assert (engine.name, engine.file, engine.health_check) == ("web-engine", "engine.yaml", True)
    (experiment,) = engine.experiments
    assert experiment.chaos.experiment == "pod-delete"
    assert experiment.settles_s == 180
    (probe,) = experiment.probes
    assert (probe.name, probe.mode, probe.tolerance) == ("web answers", "Edge", "status == 200")


def test_experiments_run_in_the_order_of_their_ranks(write: Write) -> None:
    hog = {"name": "pod-cpu-hog", "spec": {"rank": 1}}
    latency = {"name": "pod-network-latency", "spec": {"rank": 0}}
    file = write({f"{FIRST}.spec.rank": 2, "spec.experiments.1": hog, "spec.experiments.2": latency})
    names = [entry.chaos.experiment for entry in read_engine(file).experiments]
    assert names == ["pod-network-latency", "pod-cpu-hog", "pod-delete"]


@pytest.mark.parametrize(
    ("change", "on", "complaint"),
    [
        ({"spec.auxiliaryAppInfo": "x"}, "auxiliaryAppInfo", "'auxiliaryAppInfo' is not supported"),
        ({"spec.selectors": {}}, "selectors", "'selectors' is not supported"),
        ({"spec.components": {"runner": {}}}, "components", "'components' is not supported"),
        ({"status": {}}, "status", "'status' is not supported"),
        ({"spec.engineState": "stop"}, "engineState", "spec.engineState"),
        ({"spec.annotationCheck": "true"}, "annotationCheck", "annotationCheck is not supported"),
        ({"kind": "ChaosSchedule"}, "kind", "kind"),
        ({"spec.appinfo.appkind": "rollout"}, "appkind", "spec.appinfo.appkind"),
        ({"spec.appinfo.applabel": "web"}, "applabel", "spec.appinfo.applabel"),
        ({"spec.appinfo.appns": ""}, "appns", "spec.appinfo.appns"),
        ({"spec.experiments": []}, "experiments", "spec.experiments"),
        ({f"{FIRST}.name": "pod-memory-hog"}, "pod-memory-hog", "pod-memory-hog"),
        ({f"{FIRST}.spec.components.nodeSelector": {}}, "nodeSelector", "'nodeSelector' is not supported"),
        ({f"{FIRST}.spec.components.configMaps": []}, "configMaps", "'configMaps' is not supported"),
        ({f"{ENV}.3": {"name": "X", "valueFrom": {}}}, "valueFrom", "'valueFrom' is not supported"),
        (
            {f"{ENV}.3": {"name": "TARGET_PODS", "value": "web-0"}},
            "TARGET_PODS",
            "the tunable TARGET_PODS of pod-delete",
        ),
        (
            {f"{ENV}.3": {"name": "CPU_CORES", "value": "1"}},
            "CPU_CORES",
            "the tunable CPU_CORES of pod-delete",
        ),
        (
            {f"{ENV}.3": {"name": "SEQUENCE", "value": "serial"}},
            "SEQUENCE",
            "SEQUENCE can only be 'parallel'",
        ),
        ({f"{ENV}.3": {"name": "FORCE", "value": "maybe"}}, "FORCE", "FORCE is wrong"),
        (
            {f"{ENV}.3": {"name": "CHAOS_INTERVAL", "value": "5"}},
            "CHAOS_INTERVAL",
            "CHAOS_INTERVAL stands there twice",
        ),
        ({f"{ENV}.0.value": "30s"}, "TOTAL_CHAOS_DURATION", "TOTAL_CHAOS_DURATION is wrong"),
        ({f"{ENV}.0.value": "0"}, "TOTAL_CHAOS_DURATION", "TOTAL_CHAOS_DURATION is wrong"),
        ({f"{ENV}.2.value": "101"}, "PODS_AFFECTED_PERC", "PODS_AFFECTED_PERC is wrong"),
        ({f"{PROBE}.type": "cmdProbe"}, "type", "cmdProbe"),
        ({f"{PROBE}.cmdProbe/inputs": {}}, "cmdProbe/inputs", "'cmdProbe/inputs' is not supported"),
        ({f"{PROBE}.mode": "Always"}, "mode", "Always"),
        ({f"{PROBE}.httpProbe/inputs.method": {"post": {}}}, "post", "'post' is not supported"),
        (
            {f"{PROBE}.httpProbe/inputs.responseTimeout": 100},
            "responseTimeout",
            "'responseTimeout' is not supported",
        ),
        (
            {f"{PROBE}.httpProbe/inputs.insecureSkipVerify": True},
            "name: web answers",
            "insecureSkipVerify is not supported",
        ),
        ({f"{PROBE}.httpProbe/inputs.url": "https://web/"}, "name: web answers", "the url is not supported"),
        (
            {f"{PROBE}.httpProbe/inputs.method.get.criteria": "contains"},
            "name: web answers",
            "the criteria 'contains'",
        ),
        (
            {f"{PROBE}.httpProbe/inputs.method.get.responseCode": "2xx"},
            "name: web answers",
            "the responseCode is wrong",
        ),
        (
            {f"{PROBE}.runProperties.evaluationTimeout": "5s"},
            "evaluationTimeout",
            "'evaluationTimeout' is not supported",
        ),
        ({f"{PROBE}.runProperties.verbosity": "debug"}, "verbosity", "'verbosity' is not supported"),
        ({f"{PROBE}.runProperties.probeTimeout": "soon"}, "name: web answers", "probeTimeout is wrong"),
        ({f"{PROBE}.runProperties.probeTimeout": 0}, "name: web answers", "probeTimeout is wrong"),
        ({f"{PROBE}.runProperties.interval": None}, "runProperties", "interval"),
    ],
)
def test_what_is_not_supported_is_refused_by_name_and_line(
    write: Write, change: dict[str, Any], on: str, complaint: str
) -> None:
    path = write(change)
    with pytest.raises(UsageError) as caught:
        read_engine(path)
    assert complaint in str(caught.value)
    name, line, _ = caught.value.message.split(":", 2)
    assert name == "engine.yaml"
    assert on in path.read_text().splitlines()[int(line) - 1]


def test_an_experiment_that_stands_there_twice(write: Write) -> None:
    with pytest.raises(UsageError, match="pod-delete stands there twice"):
        read_engine(write({"spec.experiments.1": {"name": "pod-delete"}}))


def test_two_probes_of_one_name(write: Write) -> None:
    path = write()
    text = path.read_text()
    probe = text[text.index("      - name: web answers") :]
    path.write_text(text + probe)
    with pytest.raises(UsageError, match="two probes are called 'web answers'"):
        read_engine(path)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments" / "litmus").glob("*.yaml")), ids=lambda path: path.stem
)
def test_our_own_engines_are_supported(path: Path) -> None:
    engine = read_engine(path)
    (experiment,) = engine.experiments
    assert experiment.probes
    assert path.stem.startswith(experiment.chaos.experiment)
    assert experiment.chaos.duration_s <= (60 if path.stem.endswith("-short") else 600)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments" / "litmus").glob("*.yaml")), ids=lambda path: path.stem
)
def test_our_own_engines_ask_for_what_the_catalogue_has(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert read_engine(path).experiments[0].chaos.fault in catalogue.FAULTS
