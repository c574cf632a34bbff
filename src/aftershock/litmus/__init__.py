"""LitmusChaos' ChaosEngine files as steps of a scenario, without Litmus: no operator, no images of its.

`schema` says what is supported, `tunables` and `probe` what it means, `file` checks a whole file,
`run` runs it with our own faults. Whether its probes passed is judged in `aftershock.judge`.
"""

from aftershock.litmus.file import Engine, read_engine
from aftershock.litmus.run import EngineRun, planned_faults

__all__ = ["Engine", "EngineRun", "planned_faults", "read_engine"]
