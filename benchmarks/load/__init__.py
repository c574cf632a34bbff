"""How honest a load is, and what it costs: ours beside k6, plain Locust and wrk, on one target.

Generator and target are pinned to different cores. `target` is the server, `generators` run the
load, `runs` measure, `bench` prints.
"""
