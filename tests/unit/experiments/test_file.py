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
        ({"method": [call("drain_worker", worklaod="x")]}, "wrong arguments for drain_worker"),
        ({"rollbacks": [call("uncordon", node="x")]}, "wrong arguments for uncordon"),
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
    with pytest.raises(UsageError, match="no experiment"):
        read_experiment(path)


PROCESS = {
    "name": "p",
    "type": "action",
    "provider": {"type": "process", "path": "rm", "arguments": "-rf x"},
}
HTTP = {"name": "h", "type": "probe", "provider": {"type": "http", "url": "http://127.0.0.1/"}}
SHELL = call("system", module="os", command="true")


class TestProviders:
    @pytest.mark.parametrize("where", ["method", "rollbacks", "probes", "controls"])
    @pytest.mark.parametrize(("activity", "kind"), [(PROCESS, "process"), (HTTP, "http"), (SHELL, "os")])
    def test_others_than_ours_need_an_allowance_wherever_they_stand(
        self, tmp_path: Path, where: str, activity: dict[str, Any], kind: str
    ) -> None:
        part = {"steady-state-hypothesis": {"title": "h", "probes": [activity]}}
        path = written(tmp_path, experiment(**(part if where == "probes" else {where: [activity]})))
        with pytest.raises(UsageError, match=f"provider '{kind}' is not allowed"):
            read_experiment(path)
        read_experiment(path, allowed=[kind])

    def test_a_module_that_only_begins_like_ours(self, tmp_path: Path) -> None:
        path = written(tmp_path, experiment(method=[call(module="aftershock.chaostoolkit.evil")]))
        with pytest.raises(UsageError, match="not allowed"):
            read_experiment(path)
