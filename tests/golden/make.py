"""Makes the golden files: bytes and what the ledger says of them, for every release.

``python -m tests.golden.make``, run from the project's root, wrote the files. They are
frozen: a real city's record has gone through the ledger whole, was audited, and came to
the counts that were worked out independently. From now on a difference is a broken
promise to every ledger there is; new cases go into files beside the old ones.
``tests/ledger/test_golden.py`` compares.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ledger.envelope import open_record, record_leaf
from ledger.merkle import tree_root
from ledger.receipt_file import write_receipt
from ledger.refusals import Refusal
from ledger.seal import SealedVerdict, encode_seal, verdict_root
from tests import deviants
from tests.builders import World
from tests.golden.log import build
from tests.sample_events import AllOn
from tests.sealed import seal_world

FOLDER = Path(__file__).parent
HEX_SIZE_MAX = 8_192


def carried(data: bytes) -> dict[str, str]:
    """Bytes as a golden file holds them: hex, or zlib and base64 when there are many."""
    if len(data) <= HEX_SIZE_MAX:
        return {"hex": data.hex()}
    return {"zlib": base64.b64encode(zlib.compress(data, 9)).decode()}


def carried_bytes(entry: dict[str, Any]) -> bytes:
    """The bytes of an entry that ``carried`` made."""
    if "hex" in entry:
        return bytes.fromhex(entry["hex"])
    return zlib.decompress(base64.b64decode(entry["zlib"]))


def judged(data: bytes) -> dict[str, str]:
    """What checks 1 to 3 say of a record, with both schemas of version 1 switched on."""
    leaf = record_leaf(data).hex()
    try:
        opened = open_record(data, AllOn())
    except Refusal as refusal:
        return {"verdict": refusal.code, "leaf": leaf}
    return {"verdict": "opens", "leaf": leaf, "digest": opened.digest.hex()}


def format_entries() -> dict[str, Any]:
    """Records that break the format in each way, and records at its edge."""
    records = {name: data for name, (data, _) in deviants.DEVIANTS.items()}
    records |= deviants.BOUNDARIES
    return {name: judged(data) | carried(data) for name, data in records.items()}


def log_document(world: World, labels: Sequence[str]) -> dict[str, Any]:
    """A fixed log in sealed order: bytes, sources, seals' times, verdicts and roots."""
    entries = [
        {
            "step": label,
            "source": sent.source,
            "sealed_at": sent.verdict.recorded_at,
            "verdict": sent.code,
            "leaf": sent.verdict.leaf.hex(),
            "digest": sent.verdict.digest.hex(),
        }
        | carried(sent.data)
        for sent, label in zip(world.records, labels, strict=True)
    ]
    return roots_of(world) | {"records": entries}


def roots_of(world: World) -> dict[str, Any]:
    """What sums up a judged log: its origin, and the roots of records and verdicts."""
    verdicts = [sent.verdict for sent in world.records]
    return {
        "ledger": world.registry.name,
        "origin": world.registry.origin.hex(),
        "root": tree_root([one.leaf for one in verdicts]).hex(),
        "verdict_root": verdict_root(
            [
                SealedVerdict(position=one.position, leaf=one.leaf, code=one.code)
                for one in verdicts
            ]
        ).hex(),
    }


def proof_documents(world: World) -> dict[str, bytes]:
    """A seal, and the receipt of the last accepted revocation, of the fixed log."""
    sealed = seal_world(world)
    revoked = [
        sent.verdict.position
        for sent in world.records
        if sent.verdict.act is not None and sent.verdict.act.act == "REVOKE"
    ]
    return {
        "seal.hex": encode_seal(sealed.seals[-2]).hex().encode() + b"\n",
        "receipt.json": write_receipt(sealed.receipt(revoked[-1])),
    }


def write(name: str, document: Any) -> None:
    """Writes one golden file, one entry a line so that a difference reads well."""
    path = FOLDER / name
    path.write_text(render(document), encoding="utf-8")


def render(document: Any) -> str:
    """The text of a golden file."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Writes every golden file."""
    world, labels = build()
    write("format.json", format_entries())
    write("log.json", log_document(world, labels))
    for name, data in proof_documents(world).items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
