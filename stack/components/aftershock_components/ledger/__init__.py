"""The ledger: keeps entries on a volume of its own, and takes none once that is nearly full."""
