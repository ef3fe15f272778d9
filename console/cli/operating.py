"""run, key, registry, demo: keeping a ledger going."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Adds these commands."""
