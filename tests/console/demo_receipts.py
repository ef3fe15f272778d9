"""The receipt of a record in a world: one seal covers the log, the next the verdict."""

from __future__ import annotations

from typing import Any

from ledger.events import Seal
from ledger.merkle import tree_path, tree_root
from ledger.receipt_file import Receipt, VerdictProof, write_receipt
from ledger.seal import SealedVerdict, encode_seal, signed_seal, verdict_range
from tests.builders import Sent, World


def receipt_of(world: World, sent: Sent, *, line: str) -> bytes:
    """A receipt of an accepted record, as the sealer of this world would prove it."""
    event, leaves = sent.verdict.event, [one.verdict.leaf for one in world.records]
    assert event is not None
    entry = SealedVerdict(
        position=sent.verdict.position, leaf=sent.verdict.leaf, code=sent.code
    )
    carried = verdict_range(seal_no=0, source=sent.source, entries=[entry])
    covering = _sealed(world, line, leaves, [])
    carrying = _sealed(world, line, leaves, [carried])
    keys = [world.registry.key(one["key_id"]) for one in event["signers"]]
    return write_receipt(
        Receipt(
            record=sent.data,
            position=sent.verdict.position,
            path=tuple(tree_path(sent.verdict.position, leaves)),
            checkpoint=covering["checkpoint"].encode(),
            verdict=VerdictProof(
                first=sent.verdict.position, path=(), seal=encode_seal(carrying)
            ),
            keys=tuple(key.public_key for key in keys if key is not None),
            sealers=(world.records[0].data,),
        )
    )


def _sealed(world: World, line: str, leaves: list[bytes], verdicts: list[Any]) -> Seal:
    """Seal 0 of the whole log; with verdicts it is seal 1."""
    seal: Seal = {
        "seal_no": len(verdicts),
        "previous": bytes(32),
        "sealed_at": world.now,
        "ranges": [],
        "tree_size": len(leaves),
        "root": tree_root(leaves),
        "verdicts": verdicts,
        "checkpoint": "",
    }
    return signed_seal(seal, line, world.signer("sealer"))
