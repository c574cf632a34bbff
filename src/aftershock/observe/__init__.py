"""Observers: they write what they see into the timeline, and judge nothing.

`recorder` watches the Kubernetes API, `prometheus` and `alertmanager` ask the monitoring,
`client_probe` is the user's clock.
"""
