"""A small shop: an ordinary web service with real metrics, probes and some work to do."""
