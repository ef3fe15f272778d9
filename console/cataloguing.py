"""Look-ups in the catalogue: as the registry of a ledger has it, or as it is packaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from console.catalogue_page import packaged_types
from console.catalogue_words import (
    CLASSES,
    HOLDER_CATEGORIES,
    VALUES,
    act_words,
    acts_of,
    changeable,
    register_words,
    rules_of,
)
from console.ledger import Ledger
from console.output import columns
from ledger.catalogue import ACTS_FOR_ALL, FaceField, LicenseType
from ledger.errors import Malformed, Unknown
from ledger.lifecycle_table import ACTS

__all__ = [
    "find_type",
    "packaged_types",
    "type_document",
    "type_text",
    "types_document",
    "types_in_force",
    "types_text",
]


def types_in_force(ledger: Ledger) -> list[LicenseType]:
    """Every type that the registry has in force, by its number in the catalogue."""
    known = ledger.registry()
    found = (known.license_type(code) for code in known.type_codes())
    kinds = [kind for kind in found if kind is not None]
    return sorted(kinds, key=lambda kind: (kind.source_rows, kind.code))


def find_type(kinds: Sequence[LicenseType], name: str) -> LicenseType:
    """The type of a code, a number in the catalogue, or a name in whole or in part.

    Raises Unknown when there is none, Malformed when a part fits several.
    """
    wanted = name.strip()
    exact = [
        kind
        for kind in kinds
        if wanted in (kind.code, kind.name, kind.name_en, str(kind.source_rows))
    ]
    near = [k for k in kinds if wanted in k.name or wanted.lower() in k.name_en.lower()]
    found = exact or near
    if not wanted or not found:
        raise Unknown(
            "no such license type",
            code="type_not_found",
            expected="a code, a number or a name that `license-ledger types` lists",
            found=name[:60] if name.isprintable() else ascii(name)[:60],
        )
    if len(found) > 1:
        raise Malformed(
            "several license types have this in their name",
            code="several_types",
            expected="one of them",
            found=", ".join(f"{kind.code} {kind.name}" for kind in found[:6]),
        )
    return found[0]


def types_text(kinds: Sequence[LicenseType]) -> str:
    """The list for people: number, code, name, who holds it, how long, which acts."""
    heads = ("序号", "type 类型代码", "v", "证照", "持证主体", "有效期", "行为")
    rows = [
        (
            str(kind.source_rows or "-"),
            kind.code,
            str(kind.version),
            kind.name,
            HOLDER_CATEGORIES[kind.holder_category],
            "、".join(kind.validity),
            act_words(acts_of(kind)),
        )
        for kind in kinds
    ]
    return "\n".join(columns([heads, *rows]))


def types_document(kinds: Sequence[LicenseType]) -> dict[str, Any]:
    """The list for programs."""
    return {"types": [_summary(kind) for kind in kinds]}


def type_text(kind: LicenseType) -> str:
    """One type for people: its rules, and each field of its face."""
    heads = (
        *("key", "字段", "类型", "必填", "分类", "格式", "可更正", "可变更"),
        "核验库",
    )
    return "\n".join(
        (
            f"{kind.name}  {kind.name_en}  (version {kind.version})",
            *columns([(f"  {item}", words) for item, words in rules_of(kind)]),
            "",
            *columns(
                [heads, *(_face_row(kind, face) for face in kind.fields.values())]
            ),
        )
    )


def type_document(kind: LicenseType) -> dict[str, Any]:
    """One type for programs: every attribute, and the acts that all types allow."""
    whole = asdict(kind)
    return {
        **whole,
        "acts": acts_of(kind),
        "acts_for_all": [act for act in ACTS if act in ACTS_FOR_ALL],
        "while_restricted": sorted(kind.while_restricted),
        "fields": [asdict(face) for face in kind.fields.values()],
    }


def _summary(kind: LicenseType) -> dict[str, Any]:
    return {
        "number": kind.source_rows or None,
        "code": kind.code,
        "version": kind.version,
        "code_status": kind.code_status,
        "name": kind.name,
        "name_en": kind.name_en,
        "holder_category": kind.holder_category,
        "issuer_name": kind.issuer_name,
        "validity": list(kind.validity),
        "acts": acts_of(kind),
    }


def _face_row(kind: LicenseType, face: FaceField) -> tuple[str, ...]:
    return (
        face.name,
        face.zh,
        VALUES[face.value],
        "✓" if face.mandatory else "",
        CLASSES[face.data_class],
        face.format,
        "✓" if face.correctable and "CORRECT" in kind.acts else "",
        "✓" if changeable(kind, face) else "",
        register_words(face),
    )
