"""``audit``: everything an open ledger stores, derived again from its log alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from console.error_book import entry_of
from console.ledger import Ledger
from console.log_wiring import open_log
from console.wiring import Connections
from ledger.errors import LedgerError, Untrusted
from ledger.log.contract import EventLog
from ledger.log.journal import CheckpointJournal
from ledger.log.key_store import KeyStore
from ledger.log.offset_gaps import MemoryGaps
from ledger.sources import SEALS
from replay.audit import audit
from replay.audited_keys import Pair
from replay.audited_sources import CountsOfLog, SourceCounts

THREADS = 2
ATTEMPTS = 20
PAUSE_S = 0.1


def audit_ledger(ledger: Ledger, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Audits what is sealed now and returns the document of ``audit --json``.

    Changes nothing. ``say`` hears progress and what could not be checked. Raises
    Unavailable when the database does not answer, and when this program lacks a schema
    or rule that the registry switches on.
    """
    if not _at_one_place(ledger):
        say("projectors work at different places: some tables may show as different")
    with ExitStack() as stack:
        connections = Connections(ledger.dsn, stack)
        log, counts = _log(ledger, connections)
        return audit(
            connections.open(),
            log=log,
            journal=_journal(ledger, say),
            destroyed=_destroyed(ledger, connections, say),
            say=say,
            threads=THREADS,
            counts=counts,
            archive=_archive(ledger, say),
        )


def _at_one_place(ledger: Ledger) -> bool:
    """Waits a moment, while others project, until all tables stand behind one seal."""
    for attempt in range(ATTEMPTS):
        if attempt:
            ledger.log.wait(PAUSE_S)
        try:
            tip = ledger.head.load().tip
        except Untrusted:
            return True  # the audit names it
        reached = ledger.projected()
        if all(reached.get(source, 0) == count for source, count in tip.nexts.items()):
            return True
    return False


def _journal(ledger: Ledger, say: Callable[[str], None]) -> CheckpointJournal | None:
    """The journal beside the database; another machine than the sealer's has none."""
    path = ledger.settings.journal
    if ledger.settings.dsn is not None and not path.exists():
        say(f"no checkpoint journal in {ledger.settings.directory}: not compared")
        return None
    return CheckpointJournal(path)


def _destroyed(
    ledger: Ledger, connections: Connections, say: Callable[[str], None]
) -> Callable[[], Iterable[Pair]] | None:
    """Asks the key store as it is, before anything is applied again.

    An auditor without its wrapping key cannot; all else needs no secret.
    """
    try:
        wrapping_key = ledger.ring.wrapping_key()
    except LedgerError as error:
        say(f"key store not opened 密钥库未打开: {error} ({entry_of(error.code).zh})")
        return None
    store = KeyStore(
        connections.open(),
        wrapping_key=wrapping_key,
        clock=ledger.clock,
        random_bytes=ledger.random_bytes,
    )
    return store.destroyed_pairs


def _log(
    ledger: Ledger, connections: Connections
) -> tuple[EventLog, SourceCounts | None]:
    """The log, and how it is counted when it is not in tables of the database.

    One on Kafka is read from its start, and nothing is believed that is noted of it.
    """
    if ledger.settings.kafka is None:
        return ledger.log, None
    gaps = MemoryGaps()
    log = open_log(ledger.settings, connections, gaps=gaps, closed=ledger.closed)
    known = {*ledger.registry().sources(), *ledger.head.load().tip.nexts, SEALS}
    return log, CountsOfLog(log, sorted(known - ledger.closed), gaps)


def _archive(ledger: Ledger, say: Callable[[str], None]) -> Path | None:
    """The archive of the machine that seals; another one has none."""
    if ledger.settings.kafka is None:
        return None
    if not ledger.settings.archive.exists():
        say(f"no archive in {ledger.settings.directory}: not compared")
        return None
    return ledger.settings.archive
