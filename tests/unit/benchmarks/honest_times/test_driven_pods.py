from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aftershock.errors import AftershockError
from benchmarks.honest_times.driven_pods import Interval, objects, outages_in


def flip(at_ns: int, up: bool) -> dict[str, Any]:
    return {"at_ns": at_ns, "up": up}


BASE_NS = 1_790_000_000_000_000_000


def test_flips_are_outages_to_the_microsecond() -> None:
    answer = {"done": True, "flips": [flip(BASE_NS + 1_234_999, False), flip(BASE_NS + 2_001_234_567, True)]}

    whole = datetime.fromtimestamp(1_790_000_000, UTC)
    assert outages_in(answer) == [
        Interval(
            begin=whole.replace(microsecond=1234),
            end=whole.replace(second=whole.second + 2, microsecond=1234),
        )
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {"done": False, "flips": []},
        {"done": True, "flips": [flip(BASE_NS, False)]},
        {"done": True, "flips": [flip(BASE_NS, True), flip(BASE_NS + 1, False)]},
        {"done": True, "flips": [flip(BASE_NS, False), flip(BASE_NS + 1, False)]},
    ],
    ids=["not over", "still down", "up first", "down twice"],
)
def test_flips_that_are_no_outages_are_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(AftershockError):
        outages_in(answer)


def test_a_service_keeps_its_pod_while_that_is_not_ready_and_finds_no_other() -> None:
    items = objects(2, image="image:1")
    deployments = {item["metadata"]["name"]: item for item in items if item["kind"] == "Deployment"}
    services = {item["metadata"]["name"]: item for item in items if item["kind"] == "Service"}

    assert deployments.keys() == services.keys() == {"driven-0", "driven-1"}
    for name, service in services.items():
        assert service["spec"]["publishNotReadyAddresses"] is True
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
        others = [other for other in services if other != name]
        assert all(not services[other]["spec"]["selector"].items() <= labels.items() for other in others)


def test_the_pod_runs_the_script_that_the_config_map_holds() -> None:
    items = {item["kind"]: item for item in objects(1, image="image:1")}
    pod = items["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (mount,) = container["volumeMounts"]

    folder, _, script = container["command"][-1].rpartition("/")
    assert folder == mount["mountPath"]
    assert "DrivenServer" in items["ConfigMap"]["data"][script]
    assert pod["volumes"][0]["configMap"]["name"] == items["ConfigMap"]["metadata"]["name"]
    probe = container["readinessProbe"]
    assert (probe["periodSeconds"], probe["failureThreshold"], probe["successThreshold"]) == (1, 1, 1)
