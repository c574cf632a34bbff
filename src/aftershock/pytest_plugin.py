"""The pytest plugin: what `pytest features/` needs around the scenarios."""
