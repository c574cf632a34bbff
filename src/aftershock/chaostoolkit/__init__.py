"""Aftershock as a Chaos Toolkit extension: functions for `python` providers.

An experiment that names this module runs under plain `chaos run` with the guards, the
journal, the Lease, the reaper and the proofs of a scenario:

    provider:
      type: python
      module: aftershock.chaostoolkit
      func: inject
      arguments: {fault: out-of-memory, workload: reviews, namespace: bookinfo}

The cluster is the one of the settings. The journal is in the folder AFTERSHOCK_RUN_DIR names,
else in a new one under reports/; `aftershock recover` finds it there. What was injected and
is not taken back by a rollback is taken back when the process ends. Nothing of Chaos Toolkit
is imported.

`actions` inject and take back, `probes` look, `tolerances` say whether what was seen is good.
"""

from aftershock.chaostoolkit.actions import drain_worker, inject, take_back, take_back_all, uncordon
from aftershock.chaostoolkit.probes import (
    alert_firing,
    answer_time_s,
    metric,
    replacements_ready,
    service_answers,
    workload_ready,
)
from aftershock.chaostoolkit.tolerances import at_least, at_most, is_success

__all__ = [
    "alert_firing",
    "answer_time_s",
    "at_least",
    "at_most",
    "drain_worker",
    "inject",
    "is_success",
    "metric",
    "replacements_ready",
    "service_answers",
    "take_back",
    "take_back_all",
    "uncordon",
    "workload_ready",
]
