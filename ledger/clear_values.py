"""What a publisher checks before it encrypts: afterwards nobody may look inside.

Admission judges an encrypted value by its shape alone, so a wrong number inside one
would stay unnoticed; and what is published in clear cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import cast

from ledger import field_checks
from ledger.catalogue import LicenseType
from ledger.errors import Malformed
from ledger.events import Event, Strings, Value
from ledger.subject_codes import citizen_id_ok, clear_citizen_number

EXEMPT = frozenset(("certificate_identifier", "continues_as", "previous_identifier"))


def check_clear(fields: Mapping[str, Value], kind: LicenseType, *, today: date) -> None:
    """Raises Malformed, naming every field of the type whose value has not its form.

    Only of fields that will be encrypted; admission names the others.
    """
    wrong: list[str] = []
    for name, value in sorted(fields.items()):
        face = kind.fields.get(name)
        if face is None or value is None or face.data_class < 3:
            continue
        problem = field_checks.value_problem(face, value)
        if not problem and face.format == "citizen_id" and isinstance(value, str):
            problem = "" if citizen_id_ok(value, latest=today) else "not in form"
        if problem:
            wrong.append(f"{name}: {problem}")
    if wrong:
        raise Malformed(
            "personal values have not their form",
            code="bad_personal_values",
            expected=f"what type {kind.code} says of its fields",
            found="; ".join(wrong),
            where="fields",
        )


def shows_citizen_number(event: Event, kind: LicenseType, *, today: date) -> bool:
    """Whether an event about to be published shows a citizen number in clear (check 11)."""
    texts = [event["subject"].rsplit(".", 1)[-1], event["channel"]]
    texts.append(event["paper_serial"])
    decision = event["decision"]
    if decision is not None:
        texts += (decision["number"], decision["reason_code"])
    for field in event["fields"]:
        name, face = field["name"], kind.fields.get(field["name"])
        if name not in EXEMPT and (face is None or not face.format):
            texts += _strings(field["value"])
    return any(clear_citizen_number(text, latest=today) for text in texts)


def _strings(value: Value) -> list[str]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, dict):
        return []
    if "strings" in value:
        return cast("Strings", value)["strings"]
    return [
        cell["value"]
        for row in value["rows"]
        for cell in row["cells"]
        if isinstance(cell["value"], str)
    ]
