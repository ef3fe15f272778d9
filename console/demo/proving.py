"""The proofs at the end of the demonstration: receipts that hold, and one that does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from console.demo.desk import DemoDesk
from console.demo.run import Outcome, Ran
from console.demo.steps import Spoil
from console.demo.story import Story
from ledger.errors import LedgerError, Untrusted
from ledger.receipt import verify_receipt
from ledger.receipt_file import Receipt, read_receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """``receipt``: what verifying one showed. ``forgeries``: what was tried, what came.

    ``after_erasure``: the steps that hold for the license whose key is destroyed.
    """

    receipt: Mapping[str, Any]
    forgeries: tuple[Mapping[str, Any], ...]
    after_erasure: tuple[str, ...]


def prove(desk: DemoDesk, story: Story, ran: Ran) -> Proofs:
    """Verifies two receipts and refuses a changed one; public keys are all it takes."""
    receipt = read_receipt(desk.receipt(story.proved, 1))
    proven = verify_receipt(receipt, name=desk.line)
    erased = read_receipt(desk.receipt(story.erased, 1))
    return Proofs(
        receipt={
            "license_id": story.proved,
            "act": proven.event["act"],
            "position": proven.position,
            "tree_size": proven.checkpoint.size,
            "signers": len(proven.event["signers"]),
            "accepted": proven.accepted,
            "steps": list(proven.steps),
        },
        forgeries=(
            _changed(receipt, desk.line),
            *(_refused(one) for one in ran.outcomes if one.step.spoil is Spoil.FORGED),
        ),
        after_erasure=verify_receipt(erased, name=desk.line).steps,
    )


def _changed(receipt: Receipt, line: str) -> Mapping[str, Any]:
    """One bit of the record inside a receipt is turned over."""
    middle = len(receipt.record) // 2
    record = bytearray(receipt.record)
    record[middle] ^= 1
    try:
        verify_receipt(replace(receipt, record=bytes(record)), name=line)
    except LedgerError as error:
        return {
            "what": f"the same receipt with one bit of byte {middle} turned over",
            "refused": error.family,
            "because": error.reason,
        }
    raise Untrusted("a changed receipt was verified", where=f"byte {middle}")


def _refused(outcome: Outcome) -> Mapping[str, Any]:
    return {
        "what": outcome.step.told,
        "refused": outcome.told.code,
        "because": f"{outcome.told.detail} (position {outcome.told.position})",
    }
