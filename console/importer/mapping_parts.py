"""The parts of a mapping that are tables of their own: acts, and a database to poll."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from console.importer.tables import Table
from ledger.errors import Malformed

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

SKIP: Final = "SKIP"
"""Stands for an act where a value says none; the same as naming it in ``skip``."""

REJECT: Final = "REJECT"
"""Stands for an act where a value says what no row can: the row stays out and is told."""

OPENING_STATES: Final = MappingProxyType(
    {"REVOKE": "REVD", "WITHDRAW": "WDRN", "CANCEL": "CANC"}
)
"""State in which a license comes in when this act is the first that is known of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActColumn:
    """A column whose values name acts, and the column that dates them.

    ``values``: source value -> act. ``skip``: values that say no act, '' among them when
    the column may be empty. ``face``: whether the row's fields and term travel with it.
    ``always``: an act that every row tells of; then ``column`` is empty.
    """

    column: str
    date: str
    values: Mapping[str, str]
    skip: frozenset[str]
    face: bool
    always: str = ""

    @property
    def told(self) -> Mapping[str, str]:
        """Source value -> act; an act that every row tells of stands for itself."""
        return {self.always: self.always} if self.always else self.values

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it reads."""
        return frozenset((self.column, self.date)) - {""}

    @property
    def shown(self) -> str:
        """The column that a rejected act is put down to."""
        return self.column or self.date


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSource:
    """A query to poll, and the column by which it is known what is new.

    ``overlap``: how far behind the highest value seen each poll begins again, as
    PostgreSQL spells it: an interval for times, a number for numbers. The address stands
    in the environment or in a file that only its owner may read, never here.
    """

    query: str
    watermark: str
    overlap: str
    dsn_variable: str
    dsn_file: Path | None


def act_column(table: Table) -> ActColumn:
    """Reads one of ``[[acts]]``; raises Malformed, naming the place."""
    always = table.text("always", default="")
    if always:
        _demand_act(always, table.at("always"))
        named: dict[str, str] = {}
        column, skip = "", frozenset[str]()
    else:
        values = table.table("values")
        named = {source: values.text(source) for source in values.names}
        skip = frozenset(table.texts("skip"))
        skip |= {source for source, act in named.items() if act == SKIP}
        named = {source: act for source, act in named.items() if act != SKIP}
        for source, act in named.items():
            _demand_act(act, values.at(source))
        column = table.text("column")
    found = ActColumn(
        column=column,
        date=table.text("date"),
        values=MappingProxyType(named),
        skip=skip,
        face=table.flag("face"),
        always=always,
    )
    table.done()
    return found


def database_source(table: Table) -> DatabaseSource:
    """Reads ``[database]``; raises Malformed, naming the place."""
    variable = table.text("dsn_variable", default="")
    file = table.text("dsn_file", default="")
    if bool(variable) == bool(file):
        raise Malformed(
            "where the database's address stands is not said in one way",
            code="bad_mapping",
            expected="dsn_variable or dsn_file; never the address itself",
            where=table.at("dsn_variable"),
        )
    found = DatabaseSource(
        query=table.text("query").strip().rstrip(";"),
        watermark=table.text("watermark"),
        overlap=table.text("overlap"),
        dsn_variable=variable,
        dsn_file=Path(file) if file else None,
    )
    table.done()
    return found


def _demand_act(act: str, where: str) -> None:
    if act not in ACTS and act != REJECT:
        raise Malformed(
            "no act that a row can say",
            code="bad_mapping",
            expected=", ".join((*sorted(ACTS), SKIP, REJECT)),
            found=act[:40],
            where=where,
        )
