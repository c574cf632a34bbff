"""Collection: what stands between a .feature file and the first fault.

`gherkin` reads a file into scenarios, `types` are the words that steps take, `tags` the
tags that are known, `vocabulary` the step definitions in reach, `check` holds all of it
against all of it, `module` is pytest's collector, `session` the run as pytest sees it,
`hooks` what others may fill in.

Does not belong here: talking to a cluster, and showing results (aftershock.report).
"""
