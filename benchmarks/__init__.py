"""Measurements against objectives and peers; `make bench` runs them."""
