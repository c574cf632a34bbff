"""Clusters: how one is made (`kind`), reached (`connection`, `api`) and protected (`guard`)."""
