"""Departments with key files of their own, on the ledger of the command line's tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.demo.people import uscc
from tests.console.cli_ledger import CliLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """One department: its code, where it is, its key file, and the ledger it works on."""

    ledger: CliLedger
    uscc: str
    name: str
    key: Path

    def json(
        self, *arguments: str, event: dict[str, Any] | None = None, code: int = 0
    ) -> Any:
        """Runs a command that takes a key, with this department's."""
        stdin = "" if event is None else json.dumps(event)
        return self.ledger.json(
            *arguments, "--key", str(self.key), stdin=stdin, code=code
        )

    def act(self, name: str, event: dict[str, Any], *, code: int = 0) -> Any:
        """Publishes one act by this department's key."""
        return self.json("act", name, "--file", "-", event=event, code=code)


def enrol(
    ledger: CliLedger, number: int, *, area: str = "210100", roles: str = "publisher"
) -> Department:
    """Registers a department and its key; ``number`` (0 to 999) is new on this ledger."""
    code, name = uscc("11", area, f"88888{number:03d}"), f"示范机构{number:03d}"
    ledger.json(
        *("registry", "authority", code, "--name", name, "--area", area),
        *("--level", "city"),
        *(part for role in roles.split() for part in ("--role", role)),
    )
    handle = f"department-{number:03d}"
    file = ledger.json("key", "new", handle, "--authority", code)["file"]
    ledger.json("key", "register", file)
    return Department(ledger=ledger, uscc=code, name=name, key=Path(file))
