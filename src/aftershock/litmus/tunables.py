"""An experiment's tunables: environment variables in Litmus, arguments of a fault here.

The defaults are those of Litmus' own charts of the three experiments (3.17 to 3.27), but for
FORCE, which is false here: pods get their grace period unless the file says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aftershock.errors import UsageError
from aftershock.litmus.schema import ApplicationInfo

__all__ = ["Chaos", "chaos_of"]

FAULT = {
    "pod-cpu-hog": "cpu-hog",
    "pod-delete": "pod-kill",
    "pod-network-latency": "network-latency",
}
COMMON = {"TOTAL_CHAOS_DURATION": "60", "RAMP_TIME": "0", "PODS_AFFECTED_PERC": "0", "SEQUENCE": "parallel"}
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "pod-delete": {
        **COMMON,
        "TOTAL_CHAOS_DURATION": "15",
        "CHAOS_INTERVAL": "5",
        "FORCE": "false",
        "RANDOMNESS": "false",
    },
    "pod-network-latency": {
        **COMMON,
        "NETWORK_LATENCY": "2000",
        "JITTER": "0",
        "TARGET_CONTAINER": "",
        "NETWORK_INTERFACE": "eth0",
    },
    "pod-cpu-hog": {**COMMON, "CPU_CORES": "1", "CPU_LOAD": "100", "TARGET_CONTAINER": ""},
}
ONLY = {"SEQUENCE": "parallel", "RANDOMNESS": "false", "NETWORK_INTERFACE": "eth0", "CPU_LOAD": "100"}
"""Known, but with one value only."""
OF_LITMUS = frozenset(
    {
        "CONTAINER_RUNTIME",
        "LIB",
        "LIB_IMAGE",
        "LIB_IMAGE_PULL_POLICY",
        "SOCKET_PATH",
        "STRESS_IMAGE",
        "TC_IMAGE",
    }
)
"""How Litmus' own pods do it: without meaning here."""
PERCENT = 100


@dataclass(frozen=True, kw_only=True)
class Chaos:
    """What an experiment does: a fault, again every `interval_s` or once for `duration_s` (interval None).

    `ramp_s` is waited before and after.
    """

    experiment: str
    fault: str
    arguments: Mapping[str, Any]
    duration_s: float
    interval_s: float | None
    ramp_s: float


def chaos_of(experiment: str, env: Mapping[str, str], app: ApplicationInfo) -> Chaos:
    """Return what the experiment of that name does with these tunables.

    Raises:
        UsageError: one is not supported, or its value is not; it is named.

    """
    given = {name: value for name, value in env.items() if value != "" and name not in OF_LITMUS}
    for name, value in given.items():
        if name not in DEFAULTS[experiment]:
            raise UsageError(
                f"the tunable {name} of {experiment} is not supported",
                expected=", ".join(sorted(DEFAULTS[experiment])),
            )
        if name in ONLY and value != ONLY[name]:
            raise UsageError(f"{name} can only be {ONLY[name]!r} here", found=repr(value))
    values = {**DEFAULTS[experiment], **given}
    duration_s = _whole(values, "TOTAL_CHAOS_DURATION", least=1)
    return Chaos(
        experiment=experiment,
        fault=FAULT[experiment],
        arguments={
            "workload": app.applabel,
            "namespace": app.appns,
            **_amount(values),
            **_container(values),
            **_own(experiment, values, duration_s),
        },
        duration_s=duration_s,
        interval_s=_whole(values, "CHAOS_INTERVAL", least=1) if experiment == "pod-delete" else None,
        ramp_s=_whole(values, "RAMP_TIME"),
    )


def _own(experiment: str, values: Mapping[str, str], duration_s: float) -> dict[str, Any]:
    """Return the arguments that only this experiment's fault takes."""
    if experiment == "pod-delete":
        return {"grace_s": 0} if _flag(values, "FORCE") else {}
    if experiment == "pod-network-latency":
        return {
            "delay_s": _whole(values, "NETWORK_LATENCY", least=1) / 1000,
            "jitter_s": _whole(values, "JITTER") / 1000,
            "for_s": float(duration_s),
        }
    return {"burners": _whole(values, "CPU_CORES", least=1), "for_s": float(duration_s)}


def _amount(values: Mapping[str, str]) -> dict[str, Any]:
    """Return how many pods: a share, rounded down but one at least; 0 % is one pod."""
    percent = _whole(values, "PODS_AFFECTED_PERC")
    if percent > PERCENT:
        raise UsageError("PODS_AFFECTED_PERC is wrong", expected="0 to 100", found=str(percent))
    return {"share": percent / PERCENT} if percent else {"count": 1}


def _container(values: Mapping[str, str]) -> dict[str, Any]:
    name = values.get("TARGET_CONTAINER", "")
    return {"container": name} if name else {}


def _whole(values: Mapping[str, str], name: str, *, least: int = 0) -> int:
    text = values[name]
    if not text.isdecimal() or int(text) < least:
        raise UsageError(f"{name} is wrong", expected=f"a whole number from {least} on", found=repr(text))
    return int(text)


def _flag(values: Mapping[str, str], name: str) -> bool:
    text = values[name].lower()
    if text not in {"true", "false"}:
        raise UsageError(f"{name} is wrong", expected="true or false", found=repr(values[name]))
    return text == "true"
