"""``[fields]`` of a proposed mapping: which column says what of a license."""

from __future__ import annotations

from typing import Final

from console.importer import vocabulary as words
from console.importer.field_sources import SEPARATORS
from console.importer.items import split_items
from console.importer.proposal_draft import DraftMapping
from console.importer.proposal_text import Question
from console.importer.sample import HALF, Column
from ledger.catalogue import FaceField

_OTHER_SEPARATORS: Final = ("，", ",", "/", "　", " ")
"""Tried where none of the usual ones stands in a column of lists."""


def propose_fields(draft: DraftMapping) -> None:
    """Every field that a column of this name can fill; then the questions."""
    draft.made.table("[fields]")
    found = {face.name: _column(draft, face) for face in draft.kind.fields.values()}
    for face in draft.kind.fields.values():
        if (column := found[face.name]) is not None:
            _put(draft, face, column)
    for face in draft.kind.fields.values():
        if found[face.name] is None:
            _ask(draft, face)


def _put(draft: DraftMapping, face: FaceField, column: Column) -> None:
    made, name = draft.made, draft.use(column)
    if face.value == "p" and not column.references:
        place = f"fields.{face.name}.folder"
        text = f"“{name}”列的图片在哪个文件夹 in which folder are its pictures?"
        made.ask(face.name, Question(place=place, text=text), beside={"column": name})
        return
    if face.value == "l" and (other := _separators(column)):
        made.put_beside(
            face.name, {"column": name, "separators": other}, comment=face.zh
        )
        return
    said = face.zh
    if face.value == "l":
        said += f": items between {SEPARATORS} or line breaks, brackets kept whole"
    made.put(face.name, name, comment=said)


def _ask(draft: DraftMapping, face: FaceField) -> None:
    if not face.mandatory:
        draft.made.comment(f'{face.name} = "…"  # {face.zh}, not mandatory')
        return
    question = Question(
        place=f"fields.{face.name}",
        text=f"{face.zh}是哪一列 which column holds {face.name}?",
        choices=draft.free_first,
        constant=face.value != "p",
    )
    draft.made.ask(face.name, question)


def _column(draft: DraftMapping, face: FaceField) -> Column | None:
    names = {words.plain(face.zh), words.plain(face.name)}
    exact = [c for c in draft.sample.columns if words.plain(c.name) in names]
    if exact:
        return exact[0]
    if face.format == "uscc":
        return draft.named(words.ORGANISATION, lambda c: c.organisations(HALF))
    if face.format == "citizen_id":
        return draft.named(words.PERSON, lambda c: c.citizens(HALF))
    told = {column.name for column in (draft.acts, draft.states) if column}
    near = [c for c in draft.sample.columns if _near(face, c) and c.name not in told]
    return near[0] if len(near) == 1 else None


def _near(face: FaceField, column: Column) -> bool:
    """单位名称 is near to 名称, and 企业名称 to both."""
    name, zh = words.plain(column.name), words.plain(face.zh)
    return len(name) > 1 and (name in zh or zh in name)


def _separators(column: Column) -> str:
    """What stands between the items of a column, where it is none of the usual ones."""

    def cut(separators: str) -> bool:
        return any(len(split_items(text, separators)) > 1 for text in column.given)

    if cut(SEPARATORS):
        return ""
    return next((one for one in _OTHER_SEPARATORS if cut(one)), "")
