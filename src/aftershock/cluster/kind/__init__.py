"""The kind provider: a real cluster in containers, from official images or from our own.

`engine` finds Docker or Podman, `catalogue` reads the list of images, `builder` makes what
is missing, `nodes` finishes what kind leaves to us (limits, network, images), `provider`
ties them to `up` and `down`.
"""
