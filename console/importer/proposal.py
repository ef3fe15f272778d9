"""A mapping proposed from a file's head: what is sure is filled in, the rest is asked.

Guesses rest on names of columns, check digits and the forms of days. Values of columns
are looked at and never shown, but for those that say acts or states.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from console.importer import vocabulary as words
from console.importer.dates import DateForm
from console.importer.mapping import ACTS, NO_END, SKIP
from console.importer.proposal_text import Proposal, Question
from console.importer.sample import HALF, MOST, Column, Sample
from ledger.catalogue import FaceField, LicenseType
from ledger.check_digits import consists_of

Right = Callable[[Column], bool]
"""Whether a column's values are right for something."""

_SYSTEM: Final = "abcdefghijklmnopqrstuvwxyz0123456789-_"


def propose(sample: Sample, kind: LicenseType, *, system: str) -> Proposal:
    """The mapping of a file of licenses of one type."""
    return _Proposing(sample, kind).whole(system)


class _Proposing:
    """One proposal while it is made; ``_used`` are columns that found their place."""

    def __init__(self, sample: Sample, kind: LicenseType) -> None:
        self._sample = sample
        self._kind = kind
        self._used: set[str] = set()
        self._made = Proposal()
        self._form = (sample.date_forms or [""])[0]

    def whole(self, system: str) -> Proposal:
        made = self._made
        made.comment(
            f"{self._kind.name} from {self._sample.stem}: made by `mapping new`."
        )
        made.comment(
            "Every key: docs/mapping.md. Answer each TODO, then import --check."
        )
        self._source(system)
        self._license()
        self._holder()
        self._fields()
        self._acts()
        unused = [c.name for c in self._sample.columns if c.name not in self._used]
        if unused:
            made.lines.append("")
            made.comment("Columns that stay outside the ledger (最小化):")
            for name in unused:
                made.comment(f"  {name}")
        return made

    def _source(self, system: str) -> None:
        made, sample = self._made, self._sample
        made.table("[source]")
        name = system or sample.stem.lower()
        if consists_of(name, _SYSTEM) and len(name) <= 64:
            made.put("system", name, comment="licenses answer to this name:serial")
        else:
            text = "a short name of the source system (a-z 0-9 - _), the same for ever?"
            made.ask("system", Question(place="source.system", text=text))
        found = self._named(words.ROW_KEY, lambda column: column.names_rows)
        unique = [c.name for c in sample.columns if c.names_rows]
        self._put_column(
            "row_key", found, "which column names a row for good?", unique, "source"
        )
        forms = sample.date_forms
        if len(forms) > 1:
            text = "how are days written?"
            choices = tuple(forms)
            made.ask(
                "dates", Question(place="source.dates", text=text, choices=choices)
            )
        else:
            made.put("dates", self._form or "year-first")
        if sample.delimiter != ",":
            made.put("delimiter", sample.delimiter)
        if sample.sheet:
            made.put("sheet", sample.sheet)
        if sample.header_row != 1:
            made.lines.append(f"header_row = {sample.header_row}")

    def _license(self) -> None:
        made = self._made
        made.table("[license]")
        made.put("type_code", self._kind.code, comment=self._kind.name)
        fit = [c.name for c in self._sample.columns if c.serials() and c.names_rows]
        found = self._named(words.SERIAL, lambda column: column.serials(HALF))
        text = "which column becomes the serial (流水号: 1 to 32 of 0-9 A-Z)?"
        self._put_column("serial", found, text, fit, "license")
        for key, names in (
            ("valid_from", words.VALID_FROM),
            ("valid_until", words.VALID_UNTIL),
        ):
            term = self._named(names, self._is_days)
            if term is not None:
                self._put_column(key, term, "", [], "license")
        made.comment(f"no_end = {json.dumps(NO_END, ensure_ascii=False)}")

    def _holder(self) -> None:
        made = self._made
        made.table("[holder]")
        person = self._kind.holder_category in ("person", "household")
        names = words.PERSON if person else words.ORGANISATION
        code, what = ("111", "公民身份号码") if person else ("001", "统一社会信用代码")
        right = Column.citizens if person else Column.organisations
        found = self._named(names, lambda c: right(c, HALF)) or self._first(right)
        made.put("kind", code, comment=f"{what}, GB/T 36903; other kinds: docs")
        every = [c.name for c in self._sample.columns]
        text = f"which column names the holder by code ({what})?"
        self._put_column("code", found, text, every, "holder")

    def _fields(self) -> None:
        made = self._made
        made.table("[fields]")
        for face in self._kind.fields.values():
            found = self._field(face)
            if found is not None:
                self._used.add(found.name)
                made.put(face.name, found.name, comment=face.zh)
        for face in self._kind.fields.values():
            if self._field(face) is None:
                self._ask_field(face)

    def _ask_field(self, face: FaceField) -> None:
        if not face.mandatory:
            self._made.comment(f'{face.name} = "…"  # {face.zh}, not mandatory')
            return
        free = tuple(c.name for c in self._sample.columns if c.name not in self._used)
        text = f"which column holds {face.zh} ({face.name})?"
        question = Question(place=f"fields.{face.name}", text=text, choices=free)
        self._made.ask(face.name, question)

    def _field(self, face: FaceField) -> Column | None:
        names = {words.plain(face.zh), words.plain(face.name)}
        exact = [c for c in self._sample.columns if words.plain(c.name) in names]
        if exact:
            return exact[0]
        if face.format == "uscc":
            return self._named(words.ORGANISATION, lambda c: c.organisations(HALF))
        if face.format == "citizen_id":
            return self._named(words.PERSON, lambda c: c.citizens(HALF))
        near = [c for c in self._sample.columns if _near(face, c)]
        return near[0] if len(near) == 1 else None

    def _acts(self) -> None:
        issued = self._named(words.ISSUED_ON, self._is_days)
        kind = self._named(words.KIND, _says_acts) or self._speaking()
        made = self._made
        made.table("[[acts]]")
        if kind is None:
            made.comment("Every row is a license as the register shows it (存量补录).")
            made.put("always", "BASELINE")
        else:
            made.put("column", kind.name)
            self._used.add(kind.name)
        self._put_date(issued, "which column says since when?")
        made.lines.append("face = true  # the row's fields and term go with this act")
        if kind is not None:
            self._put_values(kind)
        status = self._named(words.STATUS, lambda column: bool(column.few_words))
        if status is not None and status is not kind:
            self._put_status(status)

    def _put_status(self, status: Column) -> None:
        made = self._made
        made.table("[[acts]]")
        made.put("column", status.name)
        self._used.add(status.name)
        on = self._named(words.STATUS_ON, lambda column: bool(column.name))
        self._put_date(on, f"which column says when {status.name} changed?")
        self._put_values(status)

    def _put_values(self, column: Column) -> None:
        made = self._made
        skip = [w for w in column.few_words if words.plain(w) in words.NO_ACT]
        if len(column.given) < column.rows:
            skip.append("")
        if skip:
            shown = json.dumps(skip, ensure_ascii=False)
            made.lines.append(f"skip = {shown}  # say no act")
        made.lines.append("[acts.values]")
        for word in column.few_words:
            if word in skip:
                continue
            act = words.ACT_VALUES.get(words.plain(word))
            if act is not None and (act in self._kind.acts or act == "BASELINE"):
                made.put(word, act)
                continue
            choices = (*sorted(ACTS & (self._kind.acts | {"BASELINE"})), SKIP)
            text = f"which act is {word!r} in column {column.name}?"
            question = Question(place=f"acts.{word}", text=text, choices=choices)
            made.ask(word, question)

    def _put_date(self, column: Column | None, text: str) -> None:
        days = [c.name for c in self._sample.columns if self._is_days(c, MOST)]
        self._put_column("date", column, text, days, "acts")

    def _put_column(
        self,
        key: str,
        column: Column | None,
        text: str,
        choices: Iterable[str],
        place: str,
    ) -> None:
        if column is None:
            every = (column.name for column in self._sample.columns)
            listed = (*choices,) or (*every,)
            question = Question(place=f"{place}.{key}", text=text, choices=listed)
            self._made.ask(key, question)
        else:
            self._used.add(column.name)
            self._made.put(key, column.name)

    def _is_days(self, column: Column, share: float = HALF) -> bool:
        form = DateForm(pattern=self._form) if self._form else None
        return form is not None and column.days(form, share)

    def _named(self, names: Sequence[str], right: Right) -> Column | None:
        """The column of the first of these names whose values are right for it."""
        for name in names:
            for column in self._sample.columns:
                if words.plain(column.name) == name and right(column):
                    return column
        return None

    def _first(self, right: Right) -> Column | None:
        found = [column for column in self._sample.columns if right(column)]
        return found[0] if len(found) == 1 else None

    def _speaking(self) -> Column | None:
        """A column of another name, all of whose values are known words for acts."""
        named = {*words.STATUS}
        found = [
            column
            for column in self._sample.columns
            if column.few_words
            and words.plain(column.name) not in named
            and all(words.plain(w) in words.ACT_VALUES for w in column.few_words)
        ]
        return found[0] if len(found) == 1 else None


def _says_acts(column: Column) -> bool:
    return any(words.plain(word) in words.ACT_VALUES for word in column.few_words)


def _near(face: FaceField, column: Column) -> bool:
    """单位名称 is near to 名称, and 企业名称 to both."""
    name, zh = words.plain(column.name), words.plain(face.zh)
    return len(name) > 1 and (name in zh or zh in name)


def types_by_name(
    sample: Sample, types: Iterable[LicenseType]
) -> Iterator[LicenseType]:
    """The types that file, sheet or a column of one value name."""
    constant = [
        column.few_words[0]
        for column in sample.columns
        if words.plain(column.name) in words.TYPE_NAME and len(column.few_words) == 1
    ]
    said = sample.stem + " " + sample.sheet
    found = [kind for kind in types if kind.name in constant or kind.name in said]
    for kind in found:
        # 食品生产许可证 says more than 生产许可证, which stands in it.
        if not any(kind.name != o.name and kind.name in o.name for o in found):
            yield kind
