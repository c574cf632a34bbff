"""Keeps every notification that Alertmanager sends, with the time of its receipt.

The harness asks it who was told of what, and when. It forwards nothing. Beside that it stands in for
Slack, PagerDuty and a mail relay: it says what they would have refused.
"""
