"""The lifecycle of a license, in one place to import from.

The table is in ``lifecycle_table``, its guards in ``lifecycle_guards``, the effect of one
act in ``lifecycle_step``, the order in ``effective_order``, the fold in ``fold``, check 12
in ``judgement``, the bi-temporal question in ``as_of``.
"""

from __future__ import annotations

from ledger.as_of import state_at
from ledger.fold import fold
from ledger.judgement import Judgement, judge
from ledger.lifecycle_guards import TypeOfVersion, shown_state
from ledger.lifecycle_markdown import table_markdown
from ledger.lifecycle_table import ACTS, MARKS, TERMINALS, TRANSITIONS, ActRule, Cell

__all__ = [
    "ACTS",
    "MARKS",
    "TERMINALS",
    "TRANSITIONS",
    "ActRule",
    "Cell",
    "Judgement",
    "TypeOfVersion",
    "fold",
    "judge",
    "shown_state",
    "state_at",
    "table_markdown",
]
