"""Servers that a ledger runs on, started for trying it out and for tests."""
