from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from aftershock.cli import main
from aftershock.errors import ConfigError
from aftershock.slo.files import read_objectives
from aftershock.slo.objective import Objective

ROOT = Path(__file__).parents[3]
SHIPPED = [ROOT / f"stack/monitoring/slo/{name}.yaml" for name in ("sample-app", "productpage")]
OPENSLO, SLOTH = (path.read_text() for path in SHIPPED)


def read(tmp_path: Path, *contents: str) -> list[Objective]:
    paths = []
    for number, content in enumerate(contents):
        paths.append(tmp_path / f"{number}.yaml")
        paths[-1].write_text(content)
    return read_objectives(paths)


def test_both_formats_say_the_same() -> None:
    objectives = read_objectives(SHIPPED)
    assert [(o.service, o.name, o.target) for o in objectives] == [
        ("sample-app", "availability", 0.999),
        ("sample-app", "latency", 0.95),
        ("productpage", "availability", 0.999),
        ("productpage", "latency", 0.95),
    ]
    first, _, third, _ = objectives
    other = third.bad.replace("bookinfo", "demo").replace("productpage", "sample-app")
    assert first.bad == other
    assert first.window_s == third.window_s == 30 * 86400
    assert first.downtime_s == pytest.approx(43.2 * 60)
    assert first.budget == 0.001


def test_good_events_are_those_that_are_not_bad() -> None:
    latency = read_objectives(SHIPPED)[1]
    assert latency.bad == f"({latency.total}) - ({latency.bad.split(') - (', 1)[1]}"
    assert 'le="0.2"' in latency.bad
    assert "[5m]" in latency.bad_over("5m")
    assert "{{" not in latency.bad_over("5m") + latency.total_over("5m")


def test_slos_object_is_read_as_its_file_is(tmp_path: Path) -> None:
    file = yaml.safe_load(SLOTH)
    text = SLOTH.replace("error_query", "errorQuery").replace("total_query", "totalQuery")
    spec = {key: value for key, value in yaml.safe_load(text).items() if key != "version"}
    item = {"apiVersion": "sloth.slok.dev/v1", "kind": "PrometheusServiceLevel", "spec": spec}
    assert file["service"] == "productpage"
    found = read(tmp_path, yaml.safe_dump(item))
    assert [(o.name, o.bad, o.total) for o in found] == [
        (o.name, o.bad, o.total) for o in read_objectives(SHIPPED[1:])
    ]


def test_an_indicator_may_stand_beside_its_objective(tmp_path: Path) -> None:
    slo = next(yaml.safe_load_all(OPENSLO))
    indicator = slo["spec"].pop("indicator")
    slo["spec"]["indicatorRef"] = "sample-app-errors"
    sli = {"apiVersion": "openslo/v1", "kind": "SLI", **indicator}
    [found] = read(tmp_path, yaml.safe_dump_all([sli, slo]))
    assert found.bad == read_objectives(SHIPPED)[0].bad


def test_a_counter_alone_is_summed_by_its_rate(tmp_path: Path) -> None:
    query = 'sum(rate(http_requests_total{namespace="demo", job="sample-app"}[{{.window}}]))'
    counter = 'http_requests_total{namespace="demo", job="sample-app"}'
    [first, _] = read(tmp_path, OPENSLO.replace(query, counter, 1))
    assert first.total == query


def test_several_objectives_of_one_slo_have_names_of_their_own(tmp_path: Path) -> None:
    slo = next(yaml.safe_load_all(OPENSLO))
    slo["spec"]["objectives"] = [{"target": 0.99}, {"targetPercent": 99.9}]
    assert [(o.name, o.target) for o in read(tmp_path, yaml.safe_dump(slo))] == [
        ("availability", 0.99),
        ("availability-2", 0.999),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [", "no YAML"),
        ("", "no file of objectives"),
        ("- 1", "no file of objectives"),
        ("kind: Deployment", "no file of objectives"),
        (OPENSLO.replace("openslo/v1", "openslo/v2"), "openslo/v1"),
        (OPENSLO.replace("target: 0.999", "target: 1"), "above 0 and below 1"),
        (OPENSLO.replace("target: 0.999", "target: 99.9"), "below 1"),
        (OPENSLO.replace("target: 0.999", "target: high"), "'high'"),
        (OPENSLO.replace("duration: 30d", "duration: a month"), "no duration"),
        (OPENSLO.replace("isRolling: true", "isRolling: false"), "rolling window"),
        (OPENSLO.replace("ratioMetric:", "thresholdMetric:"), "a ratioMetric"),
        (OPENSLO.replace("budgetingMethod: Occurrences", "budgetingMethod: Timeslices"), "Timeslices"),
        (OPENSLO.replace("type: Prometheus", "type: Datadog"), "Datadog"),
        (OPENSLO.replace("  service: sample-app\n", ""), "no service"),
        (OPENSLO.replace("[{{.window}}]", "[5m]"), "without a window"),
        (SLOTH.replace("prometheus/v1", "prometheus/v2"), "prometheus/v1"),
        (SLOTH.replace("objective: 99.9", "objective: 100"), "below 100"),
        (SLOTH.replace("events:", "raw:"), "share of events"),
        (SLOTH.replace("error_query:", "errors:"), "errorQuery"),
        ("version: prometheus/v1\nservice: x\n", "no slos"),
        (SLOTH.replace("name: latency", "name: availability"), "twice"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, content)
    assert said in str(error.value)


def test_a_reference_into_nothing_is_said(tmp_path: Path) -> None:
    slo = next(yaml.safe_load_all(OPENSLO))
    del slo["spec"]["indicator"]
    slo["spec"]["indicatorRef"] = "elsewhere"
    with pytest.raises(ConfigError, match="elsewhere"):
        read(tmp_path, yaml.safe_dump(slo))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_objectives([tmp_path / "none.yaml"])


def test_the_command_prints_rules_or_says_what_is_wrong(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["slo", str(SHIPPED[0]), "--name", "mine"])
    assert done.exit_code == 0, done.output
    item: dict[str, Any] = yaml.safe_load(done.output)
    assert (item["kind"], item["metadata"]["name"]) == ("PrometheusRule", "mine")
    assert len(item["spec"]["groups"]) == 2
    refused = CliRunner().invoke(main, ["slo", str(tmp_path / "none.yaml")])
    assert refused.exit_code == 4
    assert "cannot be read" in refused.output
