"""Every key of a mapping file and what it means: the source of ``docs/mapping.md``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from console.importer.encodings import AUTO
from console.importer.field_sources import SEPARATORS
from console.importer.mapping import ACTS, DELIMITERS, NO_END, REJECT, SKIP


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingKey:
    """One key: its table, what stands for it when it is left out, what it says.

    ``default`` None: it must be there.
    """

    table: str
    key: str
    default: str | None
    meaning: str

    @property
    def path(self) -> str:
        """Table and key."""
        return f"{self.table}.{self.key}"


def _keys(table: str, *rows: tuple[str, str | None, str]) -> tuple[MappingKey, ...]:
    return tuple(
        MappingKey(table=table, key=key, default=default, meaning=meaning)
        for key, default, meaning in rows
    )


KEYS: Final = (
    *_keys(
        "source",
        (
            "system",
            None,
            "Name of the system that the rows come from (a-z 0-9 - _), the same for ever: "
            "imported licenses answer to `system:serial`, and rows are known again by it.",
        ),
        (
            "row_key",
            None,
            "Column that names a row for good (行的唯一标识), or several that do together "
            '(`["许可证编号", "办理日期"]`). An act is known by system, row key and source '
            "value: the same file again changes nothing. Not a running number (序号) that "
            "is given anew with each export.",
        ),
        (
            "dates",
            None,
            "How days are written: `year-first` for 2022-9-1, 2022/9/1, 2022.9.1, 20220901 "
            "and 2022年9月1日, also mixed; or YYYY, MM and DD once each, between them "
            "/ - . or a space. A time of day behind the day is left away. Date cells of a "
            "workbook and dates of a database are days whatever this says.",
        ),
        (
            "encoding",
            AUTO,
            "`utf-8`, `gb18030` (GBK and GB2312 are in it), or `auto`: proved line by line. "
            "A byte order mark says UTF-8 whatever stands here.",
        ),
        (
            "delimiter",
            ",",
            "Between the cells of a CSV: "
            + ", ".join("a tab" if d == "\t" else f"`{d}`" for d in DELIMITERS)
            + ".",
        ),
        ("sheet", "the only one", "Sheet of a workbook (XLSX)."),
        (
            "header_row",
            "1",
            "Line of the header: titles above it are not read. Lines count from 1.",
        ),
        ("reason_code", "stock_import", "事由 of acts that rest on a decision."),
        (
            "missing",
            "not in source",
            "Why number and date of that decision are not given.",
        ),
    ),
    *_keys(
        "license",
        (
            "type_code",
            "",
            "The license type (证照类型代码, 21 characters) that the ledger has. Either this, "
            "or `[type]` and `type_sequence`.",
        ),
        (
            "type_sequence",
            "",
            "Three digits: the type of `[type]` gets the importing department's code and "
            "these.",
        ),
        (
            "serial",
            None,
            "Column of the license's number at its issuer: the serial (流水号), 1 to 32 of "
            "0-9 A-Z.",
        ),
        (
            "issuer",
            "",
            "统一社会信用代码 of the issuing department (发证机关), in the licenses' ids for ever; "
            "left out: the department that imports (`import --key`). For another one a "
            "custodian (归集单位) of its area may import.",
        ),
        ("valid_from", "", "Column of the first day of the term (有效期起)."),
        (
            "valid_until",
            "",
            "Column of its last day (有效期止). No such day: 9999-12-31 and what `no_end` "
            "names; an empty cell only where the type has another term than years.",
        ),
        (
            "no_end",
            "、".join(NO_END),
            "Values of that column that say there is no last day.",
        ),
    ),
    *_keys(
        "holder",
        (
            "kind",
            None,
            "Kind of the holder's code, GB/T 36903-2018: `001` 统一社会信用代码, `111` "
            "公民身份号码 (15-digit ones of old stock too), `099` another code of an "
            "organisation, `999` of a person …",
        ),
        ("code", None, "Column of the holder's code (持证主体代码)."),
    ),
    *_keys(
        "fields",
        (
            "<field of the type>",
            "",
            'Where this field\'s value comes from: a column (`"单位名称"`). Every mandatory '
            "field of the type needs a source; columns that are named nowhere stay "
            "outside the ledger (最小化). Of a list (列表) the column holds items between "
            f"`{SEPARATORS}` or line breaks, what stands in "
            "brackets being of one piece.",
        ),
        (
            "<list>",
            "",
            'Also several columns, `["地址1", "地址2"]`; or rows with named cells, '
            '`[{ name = "男方姓名" }, { name = "女方姓名" }]`.',
        ),
        (
            "<field>.column",
            "",
            "The column, where one of the next keys is needed beside it.",
        ),
        ("<field>.separators", SEPARATORS, "What stands between the items of a list."),
        (
            "<picture>.folder",
            "",
            'Folder with the pictures that the cells name (`{ column = "照片", folder = '
            '"photos" }`), as seen from where the command is run. The ledger keeps '
            "SM3, size and kind of a picture, never itself. Without it a cell holds "
            "`sm3:<hex>:<size>:<media type>`.",
        ),
        (
            "<field>.always",
            "",
            'Instead of a column: the value that every row has (`{ always = "餐饮服务经营者" '
            "}`).",
        ),
    ),
    *_keys(
        "acts",
        (
            "column",
            None,
            "Column whose values name acts. Each `[[acts]]` reads one column, so one row may "
            "be several acts; those of one day happened in the order written.",
        ),
        (
            "values",
            None,
            "Source value = act, one of "
            + ", ".join(sorted(ACTS))
            + f", or {SKIP}: no act; or {REJECT}: the row stays out (撤销, 暂扣 …). The "
            "first act known of a license comes in as BASELINE unless it is ISSUE.",
        ),
        ("skip", "", 'Values that say no act; `""` for empty cells.'),
        (
            "always",
            "",
            "Instead of `column` and `values`: an act that every row tells of, such as "
            "BASELINE for a list of what is in force.",
        ),
        ("date", None, "Column of the day of the act."),
        (
            "face",
            "false",
            "`true`: the row's fields and term go with this act, but for empty cells, for "
            "what a CHANGE may not set, and for acts that end a license (注销、吊销、撤回), "
            "which carry none. One of `[[acts]]` needs it.",
        ),
    ),
    *_keys(
        "database",
        (
            "dsn_variable",
            "",
            "Environment variable with the database's address. Either this or `dsn_file`; "
            "the address never stands in a mapping.",
        ),
        ("dsn_file", "", "File with the address on its first line, mode 0600."),
        ("query", None, "Query or `SELECT * FROM view` whose columns the rest maps."),
        (
            "watermark",
            None,
            "Column of that query that grows with every change: a time, date or number.",
        ),
        (
            "overlap",
            None,
            "How far below the highest value seen each poll begins again: an interval "
            "(`15 minutes`), or a number. Longer than any transaction that writes there.",
        ),
    ),
    *_keys(
        "type",
        (
            "…",
            "",
            "A license type of your own, as the files of the catalogue write one, without "
            "code and definer; it is registered before the first license "
            "([changing.md](changing.md)).",
        ),
    ),
)
