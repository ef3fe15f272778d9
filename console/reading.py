"""Personal values for readers: masked, or in clear for a purpose that is kept.

Every opening in clear leaves a line in the access file: when, who, why, which license,
which fields; never a value.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from console.ledger import Ledger
from ledger.codec import decode_value
from ledger.drafting import REASON
from ledger.encryption import decrypt_field, encrypted_shape_ok, holder_index_of
from ledger.errors import LedgerError, Malformed
from ledger.events import Event, Value
from ledger.identifiers import mask
from ledger.license import FaceValue, License
from ledger.workdays import instant_text
from projections import shown

ACCESS_FILE = "access"
ERASED = "(erased 已销毁)"
CLOSED = "(encrypted)"
PURPOSE_MAX = 200
Closed = tuple[bytes, bytes, bytes]
"""An encrypted value, the ref of the holder who opens it, and its event's id."""
_MASKS = {
    **dict.fromkeys(
        (
            *("name", "head", "legal_rep", "owner", "newborn_name", "mother_name"),
            *("father_name", "guardian", "right_holder", "obligor"),
            *("quality_manager", "qualified_person", "technical_director"),
        ),
        "name",
    ),
    **dict.fromkeys(
        ("id_no", "mother_id", "father_id", "ss_no", "disability_no"), "id_number"
    ),
    **dict.fromkeys(
        ("address", "residence", "registered_address", "location"), "address"
    ),
    "birth_date": "date",
    "phone": "phone",
    "guardian_phone": "phone",
    "plate": "plate",
    "account": "bank_card",
    "card_no": "bank_card",
}
"""How a field's personal value is masked, by its name; any other is hidden whole."""


class Reader:
    """Shows the face of a license to one reader.

    ``purpose`` None masks; otherwise values come in clear and the access is recorded.
    """

    def __init__(self, ledger: Ledger, *, purpose: str | None) -> None:
        if purpose is not None and not 0 < len(purpose.strip()) <= PURPOSE_MAX:
            raise Malformed(
                "a purpose is needed to reveal personal data",
                code="purpose_missing",
                expected=f"1 to {PURPOSE_MAX} characters",
                where="--reveal",
            )
        self._ledger = ledger
        self._purpose = purpose

    def face(self, license_id: str, folded: License) -> dict[str, Any]:
        """The type's fields by name; encrypted ones opened, masked unless revealed."""
        encrypted = [
            (name, face)
            for name, face in sorted(folded.face.items())
            if isinstance(face.value, bytes)
        ]
        values = self.values(license_id, encrypted)
        opened = dict(zip((name for name, _ in encrypted), values, strict=True))
        return {
            name: opened[name] if name in opened else shown.clear(face.value)
            for name, face in sorted(folded.face.items())
        }

    def event(self, event: Event) -> dict[str, Any]:
        """The fields of an event and its ``decision.reason``, also of one not in the log.

        Encrypted ones opened, masked unless revealed; a value that no holder of the
        event can open is shown as closed.
        """
        values: dict[str, Value] = {f["name"]: f["value"] for f in event["fields"]}
        if event["decision"] is not None and event["decision"]["reason"]:
            values[REASON] = event["decision"]["reason"]
        refs = [holder["ref"] for holder in event["holders"]]
        encrypted = [
            (name, (value, refs[holder_index_of(value)], event["event_id"]))
            for name, value in sorted(values.items())
            if isinstance(value, bytes) and encrypted_shape_ok(value, len(refs))
        ]
        if self._purpose is not None and encrypted:
            fields = [name for name, _ in encrypted]
            record_access(self._ledger, self._purpose, event["subject"], fields)
        shown_values = self._open(event["subject"], encrypted)
        opened = dict(zip((name for name, _ in encrypted), shown_values, strict=True))
        closed = {name for name, value in values.items() if isinstance(value, bytes)}
        return {
            name: opened.get(name, CLOSED) if name in closed else shown.clear(value)
            for name, value in sorted(values.items())
        }

    def values(
        self, license_id: str, encrypted: Sequence[tuple[str, FaceValue]]
    ) -> list[Any]:
        """Encrypted values of a license, old ones too, each under its field's name.

        Each is opened with the key of its own event; masked unless revealed.
        """
        if self._purpose is not None and encrypted:
            fields = sorted({name for name, _ in encrypted})
            record_access(self._ledger, self._purpose, license_id, fields)
        if not encrypted:
            return []
        acts = {act.position: act for act in self._ledger.chain_of(license_id).acts}
        # The holder whose key closed a value: of the act that set it, by its index.
        return self._open(
            license_id,
            [
                (
                    name,
                    (
                        one.value,
                        acts[one.position].holders[holder_index_of(one.value)][1],
                        one.event_id,
                    ),
                )
                for name, one in encrypted
            ],
        )

    def holders(
        self, license_id: str, holders: tuple[tuple[str, bytes, str], ...]
    ) -> list[dict[str, str]]:
        """Holders by kind; a person's code only masked, or in clear for a purpose."""
        persons = [ref for _, ref, code in holders if not code]
        if self._purpose is not None and persons:
            record_access(self._ledger, self._purpose, license_id, ["holders"])
        return [
            {"kind": kind, "ref": ref.hex(), "code": code or self._code(ref)}
            for kind, ref, code in holders
        ]

    def _code(self, ref: bytes) -> str:
        try:
            _, code = self._ledger.key_store.holder_of(ref)
        except LedgerError as error:
            return ERASED if error.family == "unknown" else CLOSED
        return code if self._purpose is not None else mask(code, kind="id_number")

    def _open(self, license_id: str, closed: Sequence[tuple[str, Closed]]) -> list[Any]:
        if not closed:
            return []
        asked = [(ref, license_id, event_id) for _, (_, ref, event_id) in closed]
        try:
            keys = self._ledger.key_store.event_keys(asked)
        except LedgerError:
            return [CLOSED] * len(closed)
        found: list[Any] = []
        for (name, (blob, ref, event_id)), key in zip(closed, keys, strict=True):
            if key is None:
                found.append(ERASED)
                continue
            opened = decrypt_field(
                event_key=key,
                origin=self._ledger.origin,
                event_id=event_id,
                holder_ref=ref,
                name=name,
                blob=blob,
            )
            value = shown.clear(decode_value(opened.avro_value))
            found.append(self._shown(name, value))
        return found

    def _shown(self, name: str, value: Any) -> Any:
        if self._purpose is not None:
            return value
        return masked(name, value)


def masked(name: str, value: Any) -> Any:
    """A personal value of a field as a reader without a purpose sees it."""
    if value is None:
        return None
    if isinstance(value, str):
        return mask(value, kind=_MASKS.get(name, "default"))
    return "***"


def record_access(
    ledger: Ledger, purpose: str, license_id: str, fields: list[str]
) -> None:
    """Appends one line to the access file and fsyncs it before anything is shown."""
    line = json.dumps(
        {
            "at": instant_text(ledger.clock()),
            "who": getpass.getuser(),
            "purpose": purpose,
            "license_id": license_id,
            "fields": fields,
        },
        ensure_ascii=False,
    )
    path: Path = ledger.settings.directory / ACCESS_FILE
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
