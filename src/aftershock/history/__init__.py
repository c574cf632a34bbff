"""What earlier runs came to: a store of figures, and what can be said of their trend.

No reading of run folders here (aftershock.report does that), and nothing of a cluster.
"""
