"""Every closed list that a verdict may ask is rule 1's, and rule 1 never changes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.golden.rule_one import document

GOLDEN = Path(__file__).parents[1] / "golden" / "rule_1.json"


def test_rule_one_knows_what_it_knew_when_the_first_ledger_was_founded() -> None:
    # An addition would accept what an older reader refused, and halt one of the two:
    # it needs a rule of its own, switched on by the registry (docs/changing.md).
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == document()
