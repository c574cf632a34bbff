"""The forecast: when something can be seen at the earliest and at the latest, by the cluster's own intervals.

`beat` is what happens at intervals, `promql` what an expression looks at, `alerts` when an
alert fires and resolves, `routing` who is told when, `restart` how soon a container is Ready
again, `scaling` how soon an HPA acts, `objectives` what steps promise, held against it.

Pure functions of plain data. Does not belong here: asking a cluster (aftershock.observe.cadence),
and telling a fault from another (a fault itself says how soon it shows).
"""
