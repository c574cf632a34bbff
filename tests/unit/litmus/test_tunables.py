"""Tunables: Litmus' names and units, our arguments."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.litmus.schema import ApplicationInfo
from aftershock.litmus.tunables import chaos_of

APP = ApplicationInfo(appns="demo", applabel="app=web", appkind="deployment")
WEB = {"workload": "app=web", "namespace": "demo"}


@pytest.mark.parametrize(
    ("experiment", "env", "fault", "arguments"),
    [
        ("pod-delete", {}, "pod-kill", {"count": 1}),
        (
            "pod-delete",
            {"PODS_AFFECTED_PERC": "30", "FORCE": "true"},
            "pod-kill",
            {"share": 0.3, "grace_s": 0},
        ),
        ("pod-delete", {"FORCE": "false", "PODS_AFFECTED_PERC": ""}, "pod-kill", {"count": 1}),
        (
            "pod-network-latency",
            {"NETWORK_LATENCY": "300", "JITTER": "50", "TARGET_CONTAINER": "main"},
            "network-latency",
            {"count": 1, "delay_s": 0.3, "jitter_s": 0.05, "for_s": 60.0, "container": "main"},
        ),
        (
            "pod-network-latency",
            {"TOTAL_CHAOS_DURATION": "600", "PODS_AFFECTED_PERC": "50", "NETWORK_INTERFACE": "eth0"},
            "network-latency",
            {"share": 0.5, "delay_s": 2.0, "jitter_s": 0.0, "for_s": 600.0},
        ),
        (
            "pod-cpu-hog",
            {"TOTAL_CHAOS_DURATION": "300", "CPU_CORES": "2", "PODS_AFFECTED_PERC": "25", "CPU_LOAD": "100"},
            "cpu-hog",
            {"share": 0.25, "burners": 2, "for_s": 300.0},
        ),
    ],
)
def test_arguments(experiment: str, env: dict[str, str], fault: str, arguments: dict[str, Any]) -> None:
    chaos = chaos_of(experiment, env, APP)
    assert chaos.fault == fault
    assert dict(chaos.arguments) == {**WEB, **arguments}


def test_times() -> None:
    chaos = chaos_of(
        "pod-delete", {"TOTAL_CHAOS_DURATION": "300", "CHAOS_INTERVAL": "10", "RAMP_TIME": "5"}, APP
    )
    assert (chaos.duration_s, chaos.interval_s, chaos.ramp_s) == (300, 10, 5)
    assert chaos_of("pod-cpu-hog", {}, APP).interval_s is None


def test_how_litmus_own_pods_do_it_has_no_meaning() -> None:
    env = {
        "CONTAINER_RUNTIME": "docker",
        "SOCKET_PATH": "/x",
        "LIB": "pumba",
        "LIB_IMAGE": "x",
        "TC_IMAGE": "x",
    }
    assert chaos_of("pod-network-latency", env, APP) == chaos_of("pod-network-latency", {}, APP)
