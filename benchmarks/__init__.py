"""Measurements against objectives and peers; `make bench` runs them.

One bench is one module (or package) with a click command called `command`; `__main__`
lists them. They print tables and assert nothing.
"""
