"""Service level objectives: read, and made into recording and burn-rate rules.

`objective` is what both formats say, `openslo` and `sloth` read them, `files` tells them apart, `rules` makes
Prometheus' rules of them. Does not belong here: judging a run (aftershock.judge.error_budget).
"""
