"""What helps a project that uses Aftershock: how it begins, and which sentences it has, in its editor too.

Does not belong here: reading, checking or running features (aftershock.collect).
"""
