"""The license type of an import: named by the mapping, or brought by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import schemas
from console.acting import MAIN_ROLE
from console.importer.desk import ImportDesk
from console.importer.field_values import FieldReader
from console.importer.mapping import REJECT, StockMapping
from console.importer.rejects import RowRejected
from ledger import lifecycle
from ledger.catalogue import LicenseType, parse_type, type_rows
from ledger.drafting import Position, bare_event
from ledger.errors import Malformed, Refused
from ledger.event_ids import draw_event_ids
from ledger.events import ZERO_DIGEST, Event
from ledger.holders import is_person_kind
from ledger.publish import sign_together
from ledger.refusals import ACCEPTED
from ledger.registry import Registry

_BATCH_ID_SIZE = 16


def type_of(
    mapping: StockMapping, *, department: str, registry: Registry
) -> LicenseType:
    """The type that rows are read by; raises Malformed where mapping and type disagree."""
    if mapping.type_table is None:
        kind = registry.license_type(mapping.type_code)
        if kind is None:
            raise Malformed(
                "no such license type in this ledger",
                code="no_such_type",
                expected=_code_of(mapping.type_code, registry),
                found=mapping.type_code,
                where="license: type_code",
            )
    else:
        kind = _brought(mapping.type_table, mapping.type_sequence, department)
    check_fits(mapping, kind)
    return kind


def _code_of(said: str, registry: Registry) -> str:
    """What to write for a type whose name was written instead of its code."""
    kinds = (registry.license_type(code) for code in registry.type_codes())
    for kind in kinds:
        if kind is not None and said in (kind.name, kind.name_en):
            return f"its code: {kind.code}"
    return "a type in force, or one brought in [type]"


def packaged_type(code: str) -> LicenseType | None:
    """The type of this code in the packaged catalogue, whatever the ledger has."""
    if code not in schemas.names("types"):
        return None
    return parse_type(schemas.toml(f"types/{code}.toml"))


def admit_type(kind: LicenseType, desk: ImportDesk) -> LicenseType:
    """The same type as the ledger has it in force; brings it there where it is not.

    Signed by the department as its definer. Raises Refused when the ledger says no.
    """
    found = desk.registry().license_type(kind.code)
    if found is not None and type_rows(found) == type_rows(kind):
        return found
    event = _type_event(kind, desk)
    signed = sign_together(
        [event],
        desk.signers,
        batch_ids=[desk.random_bytes(_BATCH_ID_SIZE) for _ in desk.signers],
        partitions=desk.registry().partitions,
    )
    desk.publish(signed)
    code = desk.settle([signed[0].digest])[signed[0].digest]
    found = desk.registry().license_type(kind.code)
    if code != ACCEPTED or found is None:
        raise Refused(
            "the ledger does not take the mapping's license type",
            code=code,
            expected="a department that may define types",
            where=f"type:{kind.code}",
        )
    return found


def _brought(table: Mapping[str, Any], sequence: str, department: str) -> LicenseType:
    fixed = sorted({"code", "definer", "version"} & set(table))
    if fixed:
        raise Malformed(
            "the type's code and definer follow from the importing department",
            code="bad_mapping",
            expected="[type] without " + ", ".join(fixed),
            where="type",
        )
    return parse_type({**table, "code": department + sequence, "definer": department})


def check_fits(mapping: StockMapping, kind: LicenseType) -> None:
    """Raises Malformed where a mapping and a type disagree."""
    unknown = sorted(set(mapping.fields) - set(kind.fields))
    _refuse("fields that the type does not have", unknown)
    mandatory = {name for name, face in kind.fields.items() if face.mandatory}
    unmapped = [
        f"{name} {kind.fields[name].zh}"
        for name in sorted(mandatory - set(mapping.fields))
    ]
    _refuse("mandatory fields without a column", unmapped)
    _check_sources(mapping, kind)
    acts = {act for column in mapping.acts for act in column.told.values()} - {REJECT}
    foreign = sorted(
        act for act in acts - kind.acts if not lifecycle.ACTS[act].always_allowed
    )
    _refuse("acts that the type does not allow", foreign)
    _refuse(
        "acts that several departments sign (联合签章) and no file can tell",
        sorted(act for act in acts if act in joint_acts(kind)),
    )
    person = is_person_kind(mapping.holder_kind)
    wrong = {"person": not person, "household": not person, "organisation": person}
    if wrong.get(kind.holder_category, False):
        _refuse("a kind of holder that the type does not have", [mapping.holder_kind])


def joint_acts(kind: LicenseType) -> frozenset[str]:
    """Acts that more than the importing department's key must sign."""
    return frozenset(
        act for act, roles in kind.signatures.items() if tuple(roles) != (MAIN_ROLE,)
    )


def _check_sources(mapping: StockMapping, kind: LicenseType) -> None:
    """Raises Malformed where a field's source is not one for its kind of value."""
    sources = mapping.fields.items()
    value = {name: kind.fields[name].value for name in mapping.fields}
    lists = sorted(name for name, s in sources if s.for_lists and value[name] != "l")
    _refuse("several columns or items for a field that is no list", lists)
    pictures = sorted(name for name, s in sources if s.folder and value[name] != "p")
    _refuse("a folder of pictures for a field that is none", pictures)
    reader = FieldReader(kind, dates=mapping.dates, latest=date.max)
    for name, source in sources:
        if source.always:
            try:
                reader.value(name, source, {})
            except RowRejected as rejected:
                raise Malformed(
                    f"not a value of this field: {rejected.reason}",
                    code="bad_mapping",
                    expected=rejected.expected,
                    where=f"mapping: fields.{name}.always",
                ) from rejected


def _refuse(reason: str, found: list[str]) -> None:
    if found:
        raise Malformed(
            f"mapping and license type disagree: {reason}",
            code="bad_mapping",
            found=", ".join(found),
            where="mapping",
        )


def _type_event(kind: LicenseType, desk: ImportDesk) -> Event:
    registry, now = desk.registry(), desk.now()
    subject = f"type:{kind.code}"
    acts = registry.chain(subject)
    return bare_event(
        chain="registry",
        subject=subject,
        act="ADD" if registry.license_type(kind.code) is None else "CHANGE",
        origin=registry.origin,
        event_id=draw_event_ids(1, now_us=now, random_bytes=desk.random_bytes)[0],
        position=Position(
            sequence=len(acts) + 1, previous=acts[-1].digest if acts else ZERO_DIGEST
        ),
        authority=desk.department,
        effective_at=now,
        signed_at=now,
        fields={"definition": type_rows(kind)},
        signers=[one.entry for one in desk.signers],
    )
