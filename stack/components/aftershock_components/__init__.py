"""Aftershock's own parts of the stack, one sub-package each, in one image.

webhook_logger  keeps what Alertmanager sends, and when it came
sample_app      a small shop with real metrics and probes
autorecovery    repairs what a playbook knows
escalation      tells more people the longer an alert goes unacknowledged
bookinfo        productpage, details, ratings and reviews, calling one another
carrier         the short-lived process through which a fault acts

Each runs as `python -m aftershock_components.<name>` and is configured by environment
variables alone. Nothing in a workload helps a fault: no route crashes, leaks or delays.
The harness is not imported here: this runs where it is not installed.
"""
