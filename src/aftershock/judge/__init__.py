"""Judges: pure functions from a timeline to verdicts.

Nothing here asks a cluster, a clock or a file: a recorded run can be judged again offline.
A judge says `unknown`, with the reason, where the record does not allow a verdict.
"""
