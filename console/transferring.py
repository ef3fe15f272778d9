"""TRANSFER_IN (转入) from a license that was transferred out (转出): its form, filled.

The face goes over as it stands; personal values are opened here, in memory, and encrypted
anew for the new license. That somebody opened them is kept in the access file.
"""

from __future__ import annotations

import json
from typing import Any, Final

from console.event_file import parse_event_file
from console.inspection import license_row
from console.ledger import Ledger
from console.reading import CLOSED, ERASED, Reader
from ledger.errors import Malformed, Unavailable, Unknown
from ledger.license import State
from ledger.lifecycle_step import TRANSFERRED
from ledger.workdays import day_to_date

PURPOSE: Final = "TRANSFER_IN 转入"


def transfer_form(ledger: Ledger, name: str, text: str) -> str:
    """The event file of a TRANSFER_IN of the license ``name``; ``text`` has precedence.

    ``text``: an event file of what differs, fields one by one. Raises Malformed for a
    license that is not transferred out, Unknown where its values were destroyed.
    """
    given = parse_event_file(text)
    row = license_row(ledger, name)
    folded = row.folded
    if (folded.terminal, folded.after) != (State.CANC, TRANSFERRED):
        raise Malformed(
            "this license is not transferred out",
            code="not_transferred_out",
            expected="a license whose issuer did TRANSFER_OUT (转出)",
            found=folded.terminal or "one that goes on where it is",
        )
    reader = Reader(ledger, purpose=PURPOSE)
    fields = _opened(reader.face(row.license_id, folded), row.license_id)
    for field, day in (
        ("valid_from", folded.valid_from),
        ("valid_until", folded.valid_until),
    ):
        if day is not None:
            fields[field] = day_to_date(day).isoformat()
    if folded.area:
        fields["area"] = folded.area
    out = next(
        a
        for a in reversed(ledger.chain_of(row.license_id).acts)
        if a.act == "TRANSFER_OUT"
    )
    form = {
        "type": row.type_code,
        "holders": [
            {"kind": kind, "code": code or _code(ledger, ref)}
            for kind, ref, code in folded.holders
        ],
        "causes": [out.digest.hex()],
        **given,
        "fields": {
            **fields,
            "previous_identifier": folded.identifier,
            **given.get("fields", {}),
        },
    }
    return json.dumps(form, ensure_ascii=False)


def _opened(face: dict[str, Any], license_id: str) -> dict[str, Any]:
    for value in face.values():
        if value == ERASED:
            raise Unknown(
                "a value of this license was erased",
                code="value_erased",
                where=license_id,
            )
        if value == CLOSED:
            raise Unavailable(
                "a value of this license cannot be opened here",
                code="key_not_here",
                where=license_id,
            )
    return dict(face)


def _code(ledger: Ledger, ref: bytes) -> str:
    return ledger.key_store.holder_of(ref)[1]
