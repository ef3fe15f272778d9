"""What the columns of somebody's CSV mean: the mapping file (TOML), read and checked.

Docs by example: ``docs/examples/chicago_business_licenses.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from console.importer.dates import DateForm
from console.importer.tables import Table
from ledger.check_digits import DIGITS, consists_of
from ledger.errors import Malformed
from ledger.identifiers import is_person_kind

ACTS: Final = frozenset(
    (
        "BASELINE",
        "ISSUE",
        "CHANGE",
        "RENEW",
        "REPLACE",
        "REISSUE",
        "REVOKE",
        "WITHDRAW",
        "CANCEL",
    )
)
"""Acts that a row can say completely: they need no term, cause or ground of their own."""

OPENING_STATES: Final = MappingProxyType(
    {"REVOKE": "REVD", "WITHDRAW": "WDRN", "CANCEL": "CANC"}
)
"""State in which a license comes in when this act is the first that is known of it."""

_SYSTEM_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789-_"
_ENCODINGS: Final = ("utf-8", "gb18030")
_DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActColumn:
    """A column whose values name acts, and the column that dates them.

    ``values``: source value -> act. ``skip``: values that say no act, '' among them when
    the column may be empty. ``face``: whether the row's fields and term travel with it.
    """

    column: str
    date: str
    values: Mapping[str, str]
    skip: frozenset[str]
    face: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMapping:
    """One mapping file. ``fields``: field of the type -> column.

    ``acts`` in the order in which they happened inside one day. ``type_table`` is the
    license type as the catalogue's files write it, without code and definer, or None
    when ``type_code`` names one that the ledger has; ``type_sequence`` has three digits.
    """

    system: str
    row_key: str
    dates: DateForm
    encoding: str
    delimiter: str
    reason_code: str
    missing: str
    serial: str
    valid_from: str
    valid_until: str
    holder_kind: str
    holder_code: str
    fields: Mapping[str, str]
    acts: tuple[ActColumn, ...]
    type_table: Mapping[str, Any] | None
    type_sequence: str
    type_code: str

    @property
    def columns(self) -> frozenset[str]:
        """Every column that the mapping reads."""
        named = {self.row_key, self.serial, self.holder_code, *self.fields.values()}
        named.update(name for name in (self.valid_from, self.valid_until) if name)
        for act in self.acts:
            named.update((act.column, act.date))
        return frozenset(named)


def read_mapping(path: Path) -> StockMapping:
    """Reads a mapping file; raises Malformed, saying where, on anything not understood."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(
            "the mapping file cannot be read",
            code="file_unreadable",
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
        row_key=source.text("row_key"),
        dates=DateForm.parse(source.text("dates"), where=source.at("dates")),
        encoding=source.choice("encoding", _ENCODINGS, default="utf-8"),
        delimiter=source.choice("delimiter", _DELIMITERS, default=","),
        reason_code=source.text("reason_code", default="stock_import"),
        missing=source.text("missing", default="not in source"),
        serial=license_.text("serial"),
        valid_from=license_.text("valid_from", default=""),
        valid_until=license_.text("valid_until", default=""),
        holder_kind=kind,
        holder_code=holder.text("code"),
        fields=MappingProxyType({name: fields.text(name) for name in fields.names}),
        acts=tuple(_act(table) for table in root.tables("acts")),
        type_table=root.raw("type"),
        type_sequence=sequence,
        type_code=code,
    )
    for table in (source, license_, holder, root):
        table.done()
    _check_type_named(mapping, license_)
    _check_acts(mapping, where)
    return mapping


def _system(source: Table) -> str:
    system = source.text("system")
    if not consists_of(system, _SYSTEM_ALPHABET) or len(system) > 64:
        raise Malformed(
            "not a name of a source system",
            code="bad_mapping",
            expected="up to 64 of a-z 0-9 - _",
            where=source.at("system"),
        )
    return system


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
    named = [value for act in mapping.acts for value in act.values]
    if len(named) != len(set(named)):
        raise Malformed(
            "one source value names acts in two columns",
            code="bad_mapping",
            expected="each value in one of [[acts]]",
            where=where,
        )


def _act(table: Table) -> ActColumn:
    values = table.table("values")
    named = {source: values.text(source) for source in values.names}
    for source, act in named.items():
        if act not in ACTS:
            raise Malformed(
                "no act that a row can say",
                code="bad_mapping",
                expected=", ".join(sorted(ACTS)),
                found=act[:40],
                where=values.at(source),
            )
    found = ActColumn(
        column=table.text("column"),
        date=table.text("date"),
        values=MappingProxyType(named),
        skip=frozenset(table.texts("skip")),
        face=table.flag("face"),
    )
    table.done()
    return found
