"""Small CSV files, and a mapping that knows every rule an import has."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from console.importer.input_file import open_file
from console.importer.intake import heading
from console.importer.mapping import StockMapping, parse_mapping
from console.importer.rejects import Reject, RowRejected
from console.importer.rows import RowReader
from console.importer.source_row import SourceRow
from ledger.catalogue import LicenseType, parse_type
from ledger.workdays import date_to_day, day_to_date

DEPARTMENT = "11210000999990010U"
TODAY = "2026-03-02"

MAPPING = """
[source]
system = "register"
row_key = "Id"
dates = "DD.MM.YYYY"

[license]
serial = "Number"
valid_from = "From"
valid_until = "Until"
type_sequence = "900"

[holder]
kind = "099"
code = "Account"

[fields]
name = "Name"
trade = "Trade"
seats = "Seats"
area_m2 = "Area"
built = "Built"
phone = "Phone"

[[acts]]
column = "Kind"
date = "Done"
face = true
[acts.values]
new = "ISSUE"
longer = "RENEW"
moved = "CHANGE"

[[acts]]
column = "Status"
date = "Status on"
skip = ["ok", ""]
[acts.values]
closed = "CANCEL"
banned = "REVOKE"

[type]
name = "登记许可"
name_en = "registered permit"
code_status = "foreign"
definer_level = "other"
issuer_level = "city"
holder_category = "organisation"
holders_max = 1
validity = ["5年"]
acts = ["ISSUE", "CHANGE", "RENEW", "REVOKE", "CANCEL", "CORRECT"]
current_per_holder = "many"

[type.fields.name]
zh = "名称"
value = "s"
mandatory = true
data_class = 3

[type.fields.trade]
zh = "行业"
value = "t"
mandatory = false
data_class = 1

[type.fields.seats]
zh = "座位"
value = "i"
mandatory = false
data_class = 1

[type.fields.area_m2]
zh = "面积"
value = "n"
mandatory = false
data_class = 1

[type.fields.built]
zh = "建成"
value = "d"
mandatory = false
data_class = 1

[type.fields.phone]
zh = "电话"
value = "s"
mandatory = false
data_class = 3
format = "phone"
"""

COLUMNS = (
    "Id",
    "Number",
    "Account",
    "Name",
    "Trade",
    "Seats",
    "Area",
    "Built",
    "Phone",
    "Kind",
    "Done",
    "From",
    "Until",
    "Status",
    "Status on",
    "Remark",
)
ROW: Mapping[str, str] = {
    "Id": "r1",
    "Number": "100",
    "Account": "A-1",
    "Name": "白玉兰茶馆",
    "Trade": "tea",
    "Kind": "new",
    "Done": "01.02.2020",
    "From": "01.02.2020",
    "Until": "31.01.2025",
    "Status": "ok",
}


def mapping(text: str = MAPPING) -> StockMapping:
    """The test mapping, or another one."""
    return parse_mapping(text, where="test.toml")


def kind_of(given: StockMapping) -> LicenseType:
    """The license type that a mapping brings."""
    assert given.type_table is not None
    code = DEPARTMENT + given.type_sequence
    return parse_type({**given.type_table, "code": code, "definer": DEPARTMENT})


def row(**changes: str) -> dict[str, str]:
    """One row; keyword names stand for columns with a space as ``_``."""
    named = {name.replace("_", " "): value for name, value in changes.items()}
    return {**dict.fromkeys(COLUMNS, ""), **ROW, **named}


def csv_text(*rows: Mapping[str, str]) -> str:
    """A CSV of rows under all columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def csv_file(folder: Path, *rows: Mapping[str, str], name: str = "stock.csv") -> Path:
    """A CSV file of rows under all columns."""
    path = folder / name
    path.write_text(csv_text(*rows), encoding="utf-8")
    return path


def read_rows(
    path: Path, given: StockMapping | None = None
) -> tuple[list[SourceRow], list[Reject]]:
    """The rows of a file that can be read, and the rejects."""
    used = given or mapping()
    table = open_file(path, used)
    lines = table.rows()
    head = heading(table, lines, used.header_row)
    reader = RowReader(
        used,
        kind_of(used),
        issuer=DEPARTMENT,
        columns=head.places(sorted(used.columns)),
        width=len(head.names),
        latest=day_to_date(date_to_day(TODAY)),
    )
    good: list[SourceRow] = []
    bad: list[Reject] = []
    for line, cells in lines:
        try:
            good.append(reader.read(line, head.cells(cells)))
        except RowRejected as rejected:
            bad.append(rejected.at(line))
    return good, bad
