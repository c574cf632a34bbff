"""Load: runs Locust as a process of its own, and reads what it wrote.

Locust patches every module it meets, so nothing here imports it.
"""
