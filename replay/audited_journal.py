"""The checkpoint journal against the seals: neither may know what the other does not."""

from __future__ import annotations

import hashlib

from ledger.errors import Untrusted
from ledger.events import Seal
from ledger.log.journal import CheckpointJournal
from replay.findings import Check, Findings


class AuditedJournal:
    """What the journal held before anything else was read.

    So a ledger at work cannot make it look ahead of the log. Keeps a digest per line.
    """

    def __init__(self, journal: CheckpointJournal | None, findings: Findings) -> None:
        self._journal = journal
        self._findings = findings
        self._notes: dict[int, bytes] = {}
        self._last = -1
        if journal is not None:
            self._read(journal)

    def take(self, seal: Seal) -> None:
        """Compares the line of a seal, if there is one."""
        held = self._notes.pop(seal["seal_no"], None)
        if held is None:
            return
        self._findings.checked(Check.CHECKPOINTS)
        if held != _digest(seal["checkpoint"].encode()):
            self._fail(
                f"seal {seal['seal_no']}: the checkpoint is not the one of the seal"
            )

    def finish(self, published: int) -> None:
        """Looks for what is only in the journal, or only in the log.

        A crash may keep the line of the last seal out until the sealer starts again.
        """
        for number in self._notes:
            self._fail(
                f"seal {number}: is not in the log; an older copy of the database?"
            )
        if self._journal is None:
            return
        if self._last < published - 1:
            self._last = max(
                (one.seal_no for one, _ in self._journal.all()), default=-1
            )
        if self._last < published - 1:
            self._fail(f"ends at seal {self._last}, the log at seal {published}")

    def _read(self, journal: CheckpointJournal) -> None:
        try:
            for checkpoint, note in journal.all():
                if checkpoint.seal_no <= self._last:
                    self._fail(f"seal {checkpoint.seal_no} stands behind a later one")
                self._last = max(self._last, checkpoint.seal_no)
                self._notes[checkpoint.seal_no] = _digest(note)
        except Untrusted as error:
            self._journal = None
            self._fail(str(error))

    def _fail(self, what: str) -> None:
        self._findings.fail(Check.CHECKPOINTS, f"checkpoint journal, {what}")


def _digest(note: bytes) -> bytes:
    return hashlib.new("sm3", note).digest()
