"""A mapping proposed from a file's head: what is sure is filled in, the rest is asked.

Guesses rest on names of columns, check digits and the forms of days. Values of columns
are looked at and never shown, but for those that say acts or states.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from console.importer import vocabulary as words
from console.importer.mapping import NO_END, system_ok
from console.importer.proposal_acts import propose_acts
from console.importer.proposal_draft import DraftMapping
from console.importer.proposal_fields import propose_fields
from console.importer.proposal_text import Proposal, Question
from console.importer.sample import HALF, Column, Sample
from ledger.catalogue import LicenseType


def propose(sample: Sample, kind: LicenseType, *, system: str) -> Proposal:
    """The mapping of a file of licenses of one type."""
    draft = DraftMapping(sample, kind)
    made = draft.made
    made.comment(f"{kind.name} from {sample.stem}: made by `mapping new`.")
    made.comment("Every key: docs/mapping.md. Answer each TODO, then import --check.")
    _source(draft, system)
    _license(draft)
    _holder(draft)
    propose_fields(draft)
    propose_acts(draft)
    if draft.free:
        made.lines.append("")
        made.comment("Columns that stay outside the ledger (最小化):")
        for name in draft.free:
            made.comment(f"  {name}")
    return made


def _source(draft: DraftMapping, system: str) -> None:
    made, sample = draft.made, draft.sample
    made.table("[source]")
    name = system or sample.stem.lower()
    if system_ok(name):
        made.put("system", name, comment="licenses answer to this name:serial")
    else:
        text = (
            "来源系统的简称 a short name of the source system (a-z 0-9 - _), for ever?"
        )
        question = Question(place="source.system", text=text, right=system_ok)
        made.ask("system", question)
    _row_key(draft)
    forms = sample.date_forms
    if len(forms) > 1:
        question = Question(
            place="source.dates",
            text="日期怎么写 how are days written?",
            choices=tuple(forms),
        )
        made.ask("dates", question)
    else:
        made.put("dates", draft.form or "year-first")
    if sample.delimiter != ",":
        made.put("delimiter", sample.delimiter)
    if sample.sheet:
        made.put("sheet", sample.sheet)
    if sample.header_row != 1:
        made.lines.append(f"header_row = {sample.header_row}")


def _row_key(draft: DraftMapping) -> None:
    """A key by its name; the number, where no license has two rows; else several columns."""
    made, sample = draft.made, draft.sample
    named = draft.named(words.ROW_KEY, lambda column: column.names_rows)
    if named is not None:
        made.put("row_key", draft.use(named))
        return
    number = draft.serial
    parts = [c for c in (number, draft.acts, draft.issued) if c is not None]
    if number is not None and number.names_rows:
        made.put("row_key", number.name, comment="each license has one row")
    elif number is not None and sample.name_rows(parts):
        together = [column.name for column in parts]
        made.put("row_key", together, comment="together they name a row for good")
    else:
        text = "哪一列永远标识一行（不是序号）which column names a row for good?"
        lasting = [column for column in sample.columns if not column.counts]
        unique = [column for column in lasting if column.names_rows]
        choices = [column.name for column in unique or lasting]
        draft.put_column("row_key", None, text, choices, "source")


def _license(draft: DraftMapping) -> None:
    made = draft.made
    made.table("[license]")
    made.put("type_code", draft.kind.code, comment=draft.kind.name)
    fit = [
        c.name
        for c in draft.sample.columns
        if c.serials() and c.names_rows and not c.counts
    ]
    text = "流水号是哪一列 which column becomes the serial (1-32 of 0-9 A-Z)?"
    draft.put_column("serial", draft.serial, text, fit, "license")
    start = draft.named(words.VALID_FROM, draft.is_days)
    end = draft.named(words.VALID_UNTIL, lambda c: c.endless or draft.is_days(c))
    if start is not None:
        made.put("valid_from", draft.use(start))
    elif end is not None and draft.issued is not None:
        made.comment(
            f'valid_from = "{draft.issued.name}"  # no column says 有效期起; take this in '
            "if a term begins on the day of issue"
        )
    if end is not None:
        made.put("valid_until", draft.use(end))
    elif all(term.endswith("年") for term in draft.kind.validity):
        terms = "、".join(draft.kind.validity)
        text = f"有效期（{terms}）截止日是哪一列 which column is the last day? none: ''"
        days = [c.name for c in draft.sample.columns if draft.is_days(c)]
        draft.put_column("valid_until", None, text, days, "license")
    made.comment(f"no_end = {json.dumps(NO_END, ensure_ascii=False)}")


def _holder(draft: DraftMapping) -> None:
    made = draft.made
    made.table("[holder]")
    person = draft.kind.holder_category in ("person", "household")
    names = words.PERSON if person else words.ORGANISATION
    code, what = ("111", "公民身份号码") if person else ("001", "统一社会信用代码")
    right = Column.citizens if person else Column.organisations
    found = draft.named(names, lambda c: right(c, HALF)) or draft.first(right)
    made.put("kind", code, comment=f"{what}, GB/T 36903; other kinds: docs")
    text = f"持证主体的{what}是哪一列 which column names the holder by code?"
    draft.put_column("code", found, text, draft.free_first, "holder")


def types_by_name(
    sample: Sample, types: Iterable[LicenseType]
) -> Iterator[LicenseType]:
    """The types that file, sheet, title or a column of one value name."""
    constant = [
        column.few_words[0]
        for column in sample.columns
        if words.plain(column.name) in words.TYPE_NAME and len(column.few_words) == 1
    ]
    said = " ".join((sample.stem, sample.sheet, *sample.titles))
    found = [kind for kind in types if kind.name in constant or kind.name in said]
    for kind in found:
        # 食品生产许可证 says more than 生产许可证, which stands in it.
        if not any(kind.name != o.name and kind.name in o.name for o in found):
            yield kind
