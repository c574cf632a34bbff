"""Aftershock proves that a Kubernetes cluster recovers.

What is where: `cluster` connects, `faults` breaks and repairs, `load` speaks for the
user, `observe` records, `judge` decides from the record alone, `report` shows.
Importing this package imports none of them.
"""
