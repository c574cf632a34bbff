"""Experiment files: what runs here, and what is refused before anything does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from aftershock.errors import UsageError
from aftershock.experiments import read_experiment

ROOT = Path(__file__).parents[3]


def call(
    func: str = "uncordon", *, module: str = "aftershock.chaostoolkit", **arguments: Any
) -> dict[str, Any]:
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"name": f"call {func}", "type": "action", "provider": provider}


def experiment(**more: Any) -> dict[str, Any]:
    hypothesis = {"title": "it answers", "probes": []}
    base = {"title": "t", "description": "d", "steady-state-hypothesis": hypothesis, "method": [call()]}
    return {**base, **more}


def written(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda path: path.stem)
def test_our_own_experiments_run_without_any_allowance(path: Path) -> None:
    found = read_experiment(path)
    assert found.rollbacks
    assert found.runtime["rollbacks"]["strategy"] == "always"


def test_json_is_yaml_too(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    path.write_text('{"title":"t","description":"d","steady-state-hypothesis":{"title":"h"},"method":[]}')
    with pytest.raises(UsageError, match="method is empty"):
        read_experiment(path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"steady-state-hypothesis": None}, "steady-state-hypothesis"),
        ({"methods": []}, "methods"),
        ({"method": "drain"}, "method"),
        ({"method": [{**call(), "type": "attack"}]}, "attack"),
        ({"method": [call("drain_node")]}, "has no 'drain_node'"),
        ({"method": [call("session")]}, "has no 'session'"),
        ({"method": [call("drain_worker", worklaod="x")]}, "drain_worker has no argument 'worklaod'"),
        ({"rollbacks": [call("uncordon", node="x")]}, "uncordon has no argument 'node'"),
        ({"method": [call("drain_worker", workload=7)]}, "'workload' of drain_worker is wrong"),
        ({"method": [call("inject", workload="x")]}, "inject needs 'fault'"),
        ({"method": [call("inject", fault="nod-drain")]}, "did you mean 'node-drain'?"),
        ({"method": [call("inject", fault="node-drain", worklaod="x")]}, "no argument 'worklaod'"),
        ({"method": [call("inject", fault="out-of-memory")]}, "out-of-memory needs 'workload'"),
        ({"method": [call("inject", fault="out-of-memory", workload="x", count="two")]}, "'count' of"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_experiment(written(tmp_path, experiment(**change)))
    assert complaint in str(caught.value)


@pytest.mark.parametrize("path", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_experiment(tmp_path / path)


def test_a_file_that_is_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("title: [")
    with pytest.raises(UsageError, match="no YAML"):
        read_experiment(path)


def test_an_error_names_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "e.yaml"
    path.write_text(
        "title: t\ndescription: d\nsteady-state-hypothesis: {title: h}\nmethod:\n"
        "- name: fill\n  type: action\n  provider:\n    type: python\n"
        "    module: aftershock.chaostoolkit\n    func: inject\n"
        "    arguments: {fault: out-of-memory}\n"
    )
    with pytest.raises(UsageError, match=r"^e\.yaml:5: fill: out-of-memory needs 'workload'"):
        read_experiment(path)
    path.write_text(path.read_text().replace("title: t", "title: t\nextensions: []"))
    with pytest.raises(UsageError, match=r"^e\.yaml:2: ") as caught:
        read_experiment(path)
    assert "the field 'extensions' is not supported" in caught.value.found


def test_what_the_configuration_fills_in_is_checked_when_it_is_known(tmp_path: Path) -> None:
    arguments = {"fault": "out-of-memory", "workload": "${target}", "count": "${pods}"}
    content = experiment(method=[call("inject", **arguments)], configuration={"target": "web", "pods": 1})
    assert read_experiment(written(tmp_path, content)).method


PROCESS = {
    "name": "p",
    "type": "action",
    "provider": {"type": "process", "path": "rm", "arguments": "-rf x"},
}
HTTP = {"name": "h", "type": "probe", "provider": {"type": "http", "url": "http://127.0.0.1/"}}
SHELL = call("system", module="os", command="true")


class TestProviders:
    @pytest.mark.parametrize(
        "where", ["method", "rollbacks", "probes", "controls", "tolerance", "configuration"]
    )
    @pytest.mark.parametrize(("activity", "kind"), [(PROCESS, "process"), (HTTP, "http"), (SHELL, "os")])
    def test_others_than_ours_need_an_allowance_wherever_they_stand(
        self, tmp_path: Path, where: str, activity: dict[str, Any], kind: str
    ) -> None:
        code = {**activity, "type": "probe"}
        parts = {
            "probes": {"steady-state-hypothesis": {"title": "h", "probes": [activity]}},
            "tolerance": {"method": [{**call(), "tolerance": code}]},
            "configuration": {"configuration": {"x": code}},
        }
        path = written(tmp_path, experiment(**parts.get(where, {where: [activity]})))
        with pytest.raises(UsageError, match=f"provider '{kind}' is not allowed"):
            read_experiment(path)
        read_experiment(path, allowed=[kind])

    def test_our_tolerances_get_their_value_from_the_probe(self, tmp_path: Path) -> None:
        def probe(**tolerance: Any) -> Path:
            content = {**call("answer_time_s", url="http://127.0.0.1/"), "type": "probe"}
            content["tolerance"] = {**call("at_most", **tolerance), "type": "probe"}
            return written(
                tmp_path, experiment(**{"steady-state-hypothesis": {"title": "h", "probes": [content]}})
            )

        assert read_experiment(probe(limit=0.5))
        with pytest.raises(UsageError, match=r"tolerance of call answer_time_s: at_most needs 'limit'"):
            read_experiment(probe())

    def test_a_module_that_only_begins_like_ours(self, tmp_path: Path) -> None:
        path = written(tmp_path, experiment(method=[call(module="aftershock.chaostoolkit.evil")]))
        with pytest.raises(UsageError, match="not allowed"):
            read_experiment(path)
