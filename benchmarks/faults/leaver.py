"""A program that ends at once when it is asked to; runs in the pods that are drained."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    signal.sigwait({signal.SIGTERM})
