"""How far the forecast of an alert's firing is from its firing, on a real cluster.

An exporter in the cluster has one metric for each of many alert rules. Each changes at an
instant that the exporter writes down; what was known before, and that instant, is all that the
forecast is made from. Truth is Prometheus' own first sample of the firing alert.

`exporter` runs in the pod, `rules` makes the alerts, `exporting` brings both in and out,
`trials` flips and forecasts, `out_of_memory` does it with a real fault, `readings` compares,
`bench` prints.
"""
