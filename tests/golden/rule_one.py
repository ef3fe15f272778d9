"""What rule 1 knows, as one document: every closed list that a verdict may ask."""

from __future__ import annotations

import hashlib
from typing import Any

import schemas
from ledger.formats import FORMATS
from ledger.license_types import ACTS_FOR_ALL, TYPE_ACTS, VALUE_KINDS
from ledger.lifecycle import ACTS, MARKS, TRANSITIONS


def document() -> dict[str, Any]:
    """The lists of rule 1, sorted; ``registry`` and ``holder_kinds`` as SM3 of files."""
    return {
        "type_acts": sorted(TYPE_ACTS),
        "acts_for_all": sorted(ACTS_FOR_ALL),
        "formats": sorted(FORMATS),
        "value_kinds": sorted(VALUE_KINDS),
        "marks": sorted(MARKS),
        "reserved": {
            name: sorted(rule.reserved) for name, rule in sorted(ACTS.items())
        },
        "required": {
            name: sorted(rule.required) for name, rule in sorted(ACTS.items())
        },
        "transitions": {
            act: {state: f"{cell.text}:{cell.note}" for state, cell in row.items()}
            for act, row in sorted(TRANSITIONS.items())
        },
        "registry": _sm3("registry.toml"),
        "holder_kinds": _sm3("holder_kinds.toml"),
    }


def _sm3(path: str) -> str:
    data = (schemas.root() / path).read_bytes()
    return hashlib.new("sm3", data).hexdigest()
