"""A scenario while it plays: what its steps call.

A `Stage` holds what every step needs (the cluster, the record, the verdicts) and keeps the
watches running. The rest is a module per noun of the vocabulary: `workloads`, `alerts`,
`traffic`, `scaling`, `nodes`. Each method does one thing that a step says: it acts, or it
waits until the record allows a verdict and has it enforced. `preflight` comes before the
first scenario.

Waiting for something to be decidable is all that happens here; what it means is decided by
the judges, from the record alone.
"""
