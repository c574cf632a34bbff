"""What of a ChaosEngine is supported, field by field and under Litmus' own names.

Any other field is refused by name. Taken and without meaning here, as no operator and no pods
of Litmus are involved: chaosServiceAccount, jobCleanUpPolicy, metadata beside the name.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

__all__ = [
    "ApplicationInfo",
    "ChaosEngine",
    "EnvVar",
    "ExperimentEntry",
    "Probe",
    "RunProperties",
    "StatusCheckTimeouts",
    "Time",
]

Text = Annotated[str, msgspec.Meta(min_length=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Time = str | int | float


class EnvVar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tunable. An empty value is none."""

    name: Text
    value: str | int | float | bool = ""


class StatusCheckTimeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the application may take to be as specified again, in seconds. `delay` is between looks."""

    delay: Count = 2
    timeout: Count = 180


class Components(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The tunables of an experiment."""

    env: list[EnvVar] = msgspec.field(default_factory=list)
    status_check_timeouts: StatusCheckTimeouts = msgspec.field(default_factory=StatusCheckTimeouts)


class Get(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the answer's status has to be."""

    criteria: Text
    response_code: str | int


class Method(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is asked."""

    get: Get


class HttpInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is asked."""

    url: Text
    method: Method
    insecure_skip_verify: bool = False


class RunProperties(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """When and how often. Times are seconds where they are numbers."""

    probe_timeout: Time
    interval: Time
    attempt: Count = 0
    retry: Count = 0
    probe_polling_interval: Time = ""
    initial_delay: Time = ""
    initial_delay_seconds: Count = 0
    stop_on_failure: bool = False


class Probe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A check of the application."""

    name: Text
    type: Literal["httpProbe"]
    mode: Literal["SOT", "EOT", "Edge", "Continuous", "OnChaos"]
    inputs: HttpInputs = msgspec.field(name="httpProbe/inputs")
    run_properties: RunProperties


class ExperimentSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an experiment does and what is checked meanwhile."""

    components: Components = msgspec.field(default_factory=Components)
    probe: list[Probe] = msgspec.field(default_factory=list)
    rank: Count = 0


class ExperimentEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An experiment of Litmus' hub by its name."""

    name: Literal["pod-delete", "pod-network-latency", "pod-cpu-hog"]
    spec: ExperimentSpec = msgspec.field(default_factory=ExperimentSpec)


class ApplicationInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The application under test."""

    appns: Text
    applabel: Annotated[str, msgspec.Meta(pattern=r"^[^=,\s]+=[^=,\s]+(,[^=,\s]+=[^=,\s]+)*$")]
    appkind: Literal["deployment", "statefulset", "daemonset"]


class EngineSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The engine's specification."""

    appinfo: ApplicationInfo
    experiments: Annotated[list[ExperimentEntry], msgspec.Meta(min_length=1)]
    engine_state: Literal["active"] = "active"
    default_health_check: bool = True
    annotation_check: str | bool = "false"
    chaos_service_account: str = ""
    job_clean_up_policy: Literal["delete", "retain"] = "retain"


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's name."""

    name: Text


class ChaosEngine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The file."""

    api_version: Literal["litmuschaos.io/v1alpha1"]
    kind: Literal["ChaosEngine"]
    metadata: Metadata
    spec: EngineSpec
