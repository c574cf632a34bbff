"""How far measured times are from true ones, on a real cluster, beside a peer's.

Pods whose answers and readiness a schedule drives write down when they really went down and
up. The recorder, the probe and the judges say how long each outage was, by the client's clock
and by Kubernetes'; the difference is the error. `make bench` prints it, and a test in
tests/cluster holds a small share of it to bounds.

`driven_pod` runs in the pods, `driven_pods` brings them in and out, `trials` makes schedules,
`truth` reads what really happened, `measuring` what was measured, `chaos_run` what Chaos
Toolkit says of the same, `errors` compares, `bench` prints.
"""
