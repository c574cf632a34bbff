"""How long it takes from the call of a fault to the proof that it landed; a drain beside a peer's.

Every fault of the catalogue is injected as a scenario would, with guard, journal, marks and
proof, on the kind cluster and the workloads of the stack, and taken back. A node is drained by us
and by Chaos Toolkit's `drain_nodes`, in turn, of the same pods.

`cases` says what each fault is told, `landing` injects and reads the timeline, `leaver` runs in
the pods that are drained, `leavers` brings them in, `draining` does the drains, `peer` runs
`chaos run`, `report` prints.
"""
