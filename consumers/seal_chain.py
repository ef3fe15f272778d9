"""The seals that the head keeps, read again as any reader would read them in the log."""

from __future__ import annotations

from consumers.followed_keys import FollowedKeys, SealerKeys
from consumers.seal_recovery import follow
from ledger.errors import Untrusted
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore
from ledger.log.journal import CheckpointJournal
from ledger.note import Verify
from ledger.seal_reader import SealReader


def verify_seals(
    log: EventLog,
    store: HeadStore,
    keys: SealerKeys,
    *,
    origin: str,
    verify: Verify,
    journal: CheckpointJournal,
) -> SealReader:
    """A reader that stands behind the last seal of the head.

    Raises Untrusted unless each seal follows the one before, signed by the key in force,
    the last one is the head's, and every checkpoint of the journal is that of its seal.
    ``log`` gives the registry's records, ``keys`` know nothing yet.
    """
    head = store.load()
    followed = FollowedKeys(keys)
    reader = SealReader(
        origin=origin, keys=followed, verify=verify, seen=store.seal_bytes
    )
    for number, data in store.seals():
        if number > head.tip.seal_no:
            break
        seal = reader.feed(data)
        if seal is None or seal["seal_no"] != number:
            raise Untrusted(
                "a seal of the head is not what a reader would take",
                code="head_damaged",
                expected=f"seal {reader.tip.seal_no + 1}",
                where=f"head.seal, seal {number}",
            )
        follow(log, followed, seal)
    if reader.tip.digest != head.tip.digest:
        raise Untrusted(
            "the head lacks seals",
            code="head_damaged",
            expected=f"seal {head.tip.seal_no}",
            found=f"seal {reader.tip.seal_no}",
            where="head.seal",
        )
    _meet_journal(store, journal)
    return reader


def _meet_journal(store: HeadStore, journal: CheckpointJournal) -> None:
    for checkpoint, _ in journal.all():
        tip = store.tip(checkpoint.seal_no)
        if tip is None or tip.digest != checkpoint.seal_digest:
            raise Untrusted(
                "the head does not have what the checkpoint journal says was sealed",
                code="journal_differs",
                expected=checkpoint.seal_digest.hex(),
                found="no such seal" if tip is None else tip.digest.hex(),
                where=f"seal {checkpoint.seal_no}",
            )
