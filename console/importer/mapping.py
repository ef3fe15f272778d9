"""What the columns of somebody's table mean: the mapping file (TOML), read and checked.

Every key: ``console.importer.mapping_keys``; by example:
``docs/examples/chicago_business_licenses.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from console.importer.dates import DateForm
from console.importer.encodings import AUTO, ENCODINGS
from console.importer.field_sources import FieldSource, field_sources
from console.importer.mapping_parts import (
    ACTS,
    OPENING_STATES,
    REJECT,
    SKIP,
    ActColumn,
    DatabaseSource,
    act_column,
    database_source,
)
from console.importer.tables import Table
from ledger.check_digits import DIGITS, consists_of
from ledger.errors import Malformed
from ledger.identifiers import is_person_kind
from ledger.subject_codes import uscc_ok

_SYSTEM_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789-_"
DELIMITERS: Final = (",", ";", "\t", "|")
NO_END: Final = ("长期", "长期有效", "永久", "永久有效", "无固定期限")
"""How sources say that a term has no last day; so does 9999-12-31."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMapping:
    """One mapping file. ``fields``: field of the type -> where its value comes from.

    ``issuer``: USCC of the issuing department, '' for that which imports; ``row_key``: the columns that name a row together. ``acts`` in the order in which they happened inside one day. ``type_table`` is the
    license type as the catalogue's files write it, without code and definer, or None
    when ``type_code`` names one that the ledger has; ``type_sequence`` has three digits.
    """

    system: str
    row_key: tuple[str, ...]
    dates: DateForm
    encoding: str
    delimiter: str
    sheet: str
    header_row: int
    reason_code: str
    missing: str
    issuer: str
    serial: str
    valid_from: str
    valid_until: str
    no_end: frozenset[str]
    holder_kind: str
    holder_code: str
    fields: Mapping[str, FieldSource]
    acts: tuple[ActColumn, ...]
    type_table: Mapping[str, Any] | None
    type_sequence: str
    type_code: str
    database: DatabaseSource | None = None

    @property
    def columns(self) -> frozenset[str]:
        """Every column that the mapping reads."""
        return self.columns_of(self.fields) | self._columns_beside

    def columns_of(self, fields: Iterable[str]) -> frozenset[str]:
        """Every column that these fields read."""
        return frozenset().union(*(self.fields[n].every_column for n in fields))

    def column_of(self, name: str) -> str:
        """The column that a field of the face is put down to, '' where there is none."""
        term = {"valid_from": self.valid_from, "valid_until": self.valid_until}
        source = self.fields.get(name)
        return term.get(name, "") if source is None else source.shown

    def columns_but(self, fields: AbstractSet[str]) -> frozenset[str]:
        """Every column that is read for something else than these fields."""
        return self.columns_of(self.fields.keys() - fields) | self._columns_beside

    @property
    def _columns_beside(self) -> frozenset[str]:
        named = {*self.row_key, self.serial, self.holder_code}
        named.update(name for name in (self.valid_from, self.valid_until) if name)
        return frozenset(named).union(*(act.columns for act in self.acts))


def read_mapping(path: Path) -> StockMapping:
    """Reads a mapping file; raises Malformed, saying where, on anything not understood."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        unread = isinstance(error, OSError)
        raise Malformed(
            "the mapping file cannot be read",
            code="file_unreadable" if unread else "file_encoding",
            expected="a TOML file in UTF-8",
            found=type(error).__name__,
            where=str(path),
        ) from error
    return parse_mapping(text, where=path.name)


def parse_mapping(text: str, *, where: str) -> StockMapping:
    """Reads the text of a mapping file; ``where`` names it in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Malformed(
            "the mapping file is not TOML",
            code="file_format",
            found=str(error),
            where=where,
        ) from error
    root = Table(data, where)
    source, license_ = root.table("source"), root.table("license")
    holder, fields = root.table("holder"), root.table("fields")
    kind = _holder_kind(holder)
    sequence, code = _type_name(license_)
    mapping = StockMapping(
        system=_system(source),
        row_key=tuple(source.some_texts("row_key")),
        dates=DateForm.parse(source.text("dates"), where=source.at("dates")),
        encoding=source.choice("encoding", ENCODINGS, default=AUTO),
        delimiter=source.choice("delimiter", DELIMITERS, default=","),
        sheet=source.text("sheet", default=""),
        header_row=source.number("header_row", default=1),
        reason_code=source.text("reason_code", default="stock_import"),
        missing=source.text("missing", default="not in source"),
        issuer=_issuer(license_),
        serial=license_.text("serial"),
        valid_from=license_.text("valid_from", default=""),
        valid_until=license_.text("valid_until", default=""),
        no_end=frozenset(license_.texts("no_end") or NO_END),
        holder_kind=kind,
        holder_code=holder.text("code"),
        fields=MappingProxyType(dict(field_sources(fields))),
        acts=tuple(act_column(table) for table in root.tables("acts")),
        type_table=root.raw("type"),
        type_sequence=sequence,
        type_code=code,
        database=_database(root),
    )
    for table in (source, license_, holder, root):
        table.done()
    _check_type_named(mapping, license_)
    _check_acts(mapping, where)
    return mapping


def _database(root: Table) -> DatabaseSource | None:
    if root.raw("database") is None:
        return None
    return database_source(root.table("database"))


def _system(source: Table) -> str:
    system = source.text("system")
    if not system_ok(system):
        raise Malformed(
            "not a name of a source system",
            code="bad_mapping",
            expected="up to 64 of a-z 0-9 - _",
            where=source.at("system"),
        )
    return system


def system_ok(system: str) -> bool:
    """Whether this may name a source system."""
    return consists_of(system, _SYSTEM_ALPHABET) and len(system) <= 64


def _issuer(license_: Table) -> str:
    issuer = license_.text("issuer", default="")
    if issuer and not uscc_ok(issuer):
        raise Malformed(
            "not a department's code",
            code="bad_mapping",
            expected="a 统一社会信用代码 of 18 characters, with its check character",
            found=ascii(issuer)[:40],
            where=license_.at("issuer"),
        )
    return issuer


def _holder_kind(holder: Table) -> str:
    kind = holder.text("kind")
    try:
        is_person_kind(kind)
    except Malformed as error:
        raise Malformed(
            error.reason,
            code="bad_mapping",
            expected=error.expected,
            where=holder.at("kind"),
        ) from error
    return kind


def _type_name(license_: Table) -> tuple[str, str]:
    sequence = license_.text("type_sequence", default="")
    if sequence and not (len(sequence) == 3 and consists_of(sequence, DIGITS)):
        raise Malformed(
            "not a number of a license type",
            code="bad_mapping",
            expected="three digits",
            where=license_.at("type_sequence"),
        )
    return sequence, license_.text("type_code", default="")


def _check_type_named(mapping: StockMapping, license_: Table) -> None:
    brought = mapping.type_table is not None
    if bool(mapping.type_sequence) != brought or bool(mapping.type_code) == brought:
        raise Malformed(
            "the license type is not said in one way",
            code="bad_mapping",
            expected="[type] and license.type_sequence, or license.type_code alone",
            where=license_.at("type_code"),
        )


def _check_acts(mapping: StockMapping, where: str) -> None:
    """An act is known by (system, row key, source value): no value names two acts."""
    named: dict[str, tuple[str, str]] = {}
    for column in mapping.acts:
        for value, act in column.told.items():
            first, other = named.setdefault(value, (act, column.shown))
            if first != act:
                raise Malformed(
                    "one source value names two acts",
                    code="bad_mapping",
                    expected=f"the same act for it in {other} and in {column.shown}",
                    found=f"{value} = {first} and {act}",
                    where=where,
                )


__all__ = [
    "ACTS",
    "DELIMITERS",
    "NO_END",
    "OPENING_STATES",
    "REJECT",
    "SKIP",
    "ActColumn",
    "DatabaseSource",
    "StockMapping",
    "parse_mapping",
    "read_mapping",
]
