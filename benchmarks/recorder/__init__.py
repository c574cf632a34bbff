"""What the recorder costs in a large cluster, and whether it misses anything.

Ten thousand pods that change twenty times a second, on a real API server with kwok's nodes:
CPU and memory beside the official client's watch, and every write of the audit log accounted
for while connections are cut, history is compacted and the API server is restarted.

`control_plane` is the API server, `pods` what is in it and how it changes, `wire` what cuts
connections, `contender` one of those compared, in a process of its own, `accounting` sets the
audit log against the timeline, `trouble` is the order of what goes wrong, `bench` prints.
"""
