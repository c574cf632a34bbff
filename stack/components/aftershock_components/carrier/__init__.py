"""The carrier: the short-lived process through which a fault acts inside a node.

`__main__` reads the command line, `orders` says what an act is told, `acts` lists them all.
`containers` finds a container's processes and cgroup from its id, `changes` remembers on the
node what an act changes and puts it back, whoever lived to do so. Every other module is one
act. Standard library only: nothing to load, quick to start.

It runs in a privileged pod with the node's PID namespace. It has no rights at the
Kubernetes API, ends by its own clock, and says what it does as JSON lines. That the fault
landed is proven by someone else.
"""
