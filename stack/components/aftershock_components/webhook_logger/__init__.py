"""Keeps every notification that Alertmanager sends, with the time of its receipt.

The harness asks it who was told of what, and when. It judges nothing and forwards nothing.
"""
