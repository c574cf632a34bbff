"""`python -m aftershock_components.ledger`; LEDGER_FOLDER names the volume (/data), PORT the port (8080)."""

from __future__ import annotations

import os
from pathlib import Path

from aftershock_components.ledger.app import create_ledger
from aftershock_components.ledger.book import Book
from aftershock_components.serving import serve


def main() -> None:
    """Serve until told to stop."""
    folder = Path(os.environ.get("LEDGER_FOLDER", "/data"))
    if not folder.is_dir():
        raise SystemExit(f"LEDGER_FOLDER={folder}: there is no such folder")
    serve(create_ledger(Book(folder / "entries")))


if __name__ == "__main__":
    main()
