"""Observers: they write what they see into the timeline, and judge nothing.

`recorder` watches the Kubernetes API, `metrics` polls the resource metrics API,
`prometheus` and `alerts` ask Prometheus, `alertmanager` asks Alertmanager and the webhook
logger, `client_probe` is the user's clock, `served` asks pods how much they answered.

What each event holds is the table in docs/timeline.md. An observer that cannot see says
so: a gap in the record, and an error from its `check` and `stop` if it gave up.
"""
