"""The command line: parse, call, render. ``main`` is the installed command."""

from __future__ import annotations

from console.cli.program import main

__all__ = ["main"]
