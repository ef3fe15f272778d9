"""O2: all checkpoints that were ever seen are of one history, one seal of each number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from console.ledger import Ledger
from console.wiring import open_ledger
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.errors import Malformed
from ledger.log.journal import CheckpointJournal
from ledger.merkle import verify_consistency
from ledger.note import parse_note
from ledger.receipt_file import read_receipt
from ledger.seal import decode_seal
from ledger.sources import SEALS
from ledger.tiles import consistency_path, root_from_tiles
from tests.faults.world import World

_PAGE = 256
_PAGE_SIZE = 16 * 1024 * 1024


def assert_one_history(world: World) -> None:
    """Checks what journals, topic of seals and receipts hold.

    Consistency is proven from the tiles, from each tree to the next larger one: that is
    transitive.
    """
    with open_ledger(world.settings) as ledger:
        seen: dict[int, Checkpoint] = {}
        for where, checkpoint in _all(world, ledger):
            known = seen.setdefault(checkpoint.seal_no, checkpoint)
            assert known == checkpoint, f"two of seal {checkpoint.seal_no}: {where}"
        last = max(seen)
        assert sorted(seen) == list(range(last + 1))
        _assert_consistent(ledger, seen)


def _all(world: World, ledger: Ledger) -> Iterator[tuple[str, Checkpoint]]:
    # Of every machine that ever sealed.
    for journal in sorted(world.folder.glob(f"*/{world.settings.journal.name}")):
        for checkpoint, _ in CheckpointJournal(journal).all():
            yield str(journal), checkpoint
    ordinal = 0
    while page := ledger.log.read(SEALS, ordinal, limit=_PAGE, size_max=_PAGE_SIZE):
        for data in page:
            with suppress(Malformed):  # anybody's junk is no seal
                note = decode_seal(data)["checkpoint"].encode()
                yield f"{SEALS}, record {ordinal}", _parsed(note)
            ordinal += 1
    for path in world.receipts:
        yield path.name, _parsed(read_receipt(path.read_bytes()).checkpoint)


def _parsed(note: bytes) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)


def _assert_consistent(ledger: Ledger, seen: Mapping[int, Checkpoint]) -> None:
    before = seen[0]
    for number in range(1, len(seen)):
        after = seen[number]
        assert before.sealed_at <= after.sealed_at
        verify_consistency(
            first_size=before.size,
            second_size=after.size,
            path=consistency_path(before.size, after.size, ledger.head.tile),
            first_root=before.root,
            second_root=after.root,
        )
        before = after
    assert root_from_tiles(before.size, ledger.head.tile) == before.root
