"""`python -m aftershock_components.webhook_logger`.

WEBHOOK_LOG_FILE names the file (default /data/notifications.jsonl; deliveries.jsonl is beside it), PORT the
port (8080).
"""

from __future__ import annotations

import os
from pathlib import Path

from aftershock_components.serving import serve
from aftershock_components.webhook_logger.app import create_webhook_logger
from aftershock_components.webhook_logger.store import NotificationStore


def main() -> None:
    """Serve until told to stop."""
    path = Path(os.environ.get("WEBHOOK_LOG_FILE", "/data/notifications.jsonl"))
    if not path.parent.is_dir():
        raise SystemExit(f"WEBHOOK_LOG_FILE={path}: its folder does not exist")
    deliveries = NotificationStore(path.with_name("deliveries.jsonl"))
    serve(create_webhook_logger(NotificationStore(path), deliveries))


if __name__ == "__main__":
    main()
