"""The carrier: the short-lived process through which a fault acts inside a node.

`containers` finds a container's processes and cgroup from its id, `scores` remembers and
puts back what it changes about a process, `out_of_memory` fills a container's memory,
`__main__` reads the command line. Standard library only: nothing to load, quick to start.

It runs in a privileged pod with the node's PID namespace. It has no rights at the
Kubernetes API, ends by its own clock, and says what it does as JSON lines. That the fault
landed is proven by someone else.
"""
