"""What an audit found: numbered steps, how much each checked, and the first failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any


class Check(IntEnum):
    """The steps of an audit by number."""

    LOG = 1
    SEALS = 2
    ROOTS = 3
    CHECKPOINTS = 4
    RECORDS = 5
    VERDICTS = 6
    TILES = 7
    HEAD = 8
    TABLES = 9
    SEAL_BYTES = 10
    KEY_STORE = 11
    ARCHIVE = 12


NAMES = {
    Check.LOG: "log: every source starts at 0, has no holes, reaches what is sealed",
    Check.SEALS: "seals: chain, ranges, sizes, time, signature by the key in force",
    Check.ROOTS: "tree: root at every seal, made again from the records",
    Check.CHECKPOINTS: "checkpoints: those of the journal are those of the seals",
    Check.RECORDS: "records: all checks of admission give the sealed verdict",
    Check.VERDICTS: "verdicts: every sealed root and list of refusals",
    Check.TILES: "tiles: every stored tile is the tree's",
    Check.HEAD: "head: last seal, rows of all seals, verdicts for the sealer",
    Check.TABLES: "tables: every derived table equals a fresh fold",
    Check.SEAL_BYTES: "seals in the log are those in the head, byte for byte",
    Check.KEY_STORE: "key store: what the log destroyed is destroyed",
    Check.ARCHIVE: "archive: every sealed record, as the log has it",
}


@dataclass(slots=True, kw_only=True)
class Step:
    """One step; ``first_failure`` says where and what, None while nothing failed."""

    number: int
    name: str
    checked: int = 0
    failed: int = 0
    first_failure: str | None = None


class Findings:
    """All steps of one audit."""

    def __init__(self) -> None:
        self._steps = {
            check: Step(number=check, name=name) for check, name in NAMES.items()
        }

    def checked(self, check: Check, count: int = 1) -> None:
        """Counts what was looked at."""
        self._steps[check].checked += count

    def fail(self, check: Check, what: str | Callable[[], str]) -> None:
        """Counts a failure; ``what`` is asked for its words only if it is the first."""
        step = self._steps[check]
        step.failed += 1
        if step.first_failure is None:
            step.first_failure = what if isinstance(what, str) else what()

    @property
    def passed(self) -> bool:
        """Whether nothing failed so far."""
        return not any(step.failed for step in self._steps.values())

    def steps(self) -> list[dict[str, Any]]:
        """The steps as a document."""
        return [asdict(step) for step in self._steps.values()]
