"""The game-day report: what was expected of a run, what happened, and what there is to do about it.

`build` reads a recorded run into `model`, `story` tells a scenario minute by minute, `surprises` finds
what nobody asked for, `findings` keeps what is to be done, `earlier` is what a history has to offer.
`render` makes one HTML file and the same as Markdown of it. Nothing is judged here, nothing is asked
of a cluster, and every text passes through `redact`.
"""
