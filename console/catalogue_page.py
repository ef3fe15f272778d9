"""``docs/catalogue.md``: the packaged license types, for a department to read."""

from __future__ import annotations

from collections.abc import Iterator

import schemas
from console.catalogue_words import (
    CLASSES,
    HOLDER_CATEGORIES,
    VALUES,
    act_words,
    acts_for_all,
    acts_of,
    changeable,
    register_words,
    rules_of,
)
from console.markdown import table
from ledger.catalogue import FaceField, LicenseType, parse_type

_HEAD = """\
# 证照目录 · The catalogue of license types

由 `schemas/types/*.toml` 经 `make docs` 生成，测试逐字比对。Generated from the type files by
`make docs`; a test compares the two. `license-ledger types` and `license-ledger type` ask a
ledger the same questions.

- **类型代码**：定义机构统一社会信用代码加三位序号（GB/T 36904-2018）。未见公开代码的类型用占位代码，取得正式代码后
  以归并（LINK）承接。
- **所有类型都允许**：{for_all}。各类型另行允许的行为列在表中；表外的行为一律拒绝（`act_not_allowed`）。
- **数据分类**：1 公开，2 内部，3 个人，4 敏感个人；3、4 类一律加密入账。个体工商户（代码以 92 开头）的名称、
  法定代表人和地址按 3 类处理。
- **必填**：照面字段名后的 * 表示必填。**可更正**：登记错误，自原日期起更正；**可变更**：新的决定，自决定之日起。
- 所有类型共有的元数据（GB/T 36903-2018）不再列出：证照标识、证照编号 `certificate_number`、有效期
  `valid_from`、`valid_until`（空 = 长期）、管辖区划 `area`、持证主体、颁发机关、版本。
"""
_TABLE = (
    *("序号", "证照名称", "类型代码", "持证主体", "颁发机关", "有效期"),
    *("允许的行为", "照面字段"),
)
_FIELDS = ("字段", "键", "类型", "必填", "分类", "格式", "可更正", "可变更", "核验库")


def packaged_types() -> list[LicenseType]:
    """The types that come with the program, by their number in the catalogue."""
    found = (
        parse_type(schemas.toml(f"types/{code}.toml"))
        for code in schemas.names("types")
    )
    return sorted(found, key=lambda kind: (kind.source_rows, kind.code))


def catalogue_page() -> str:
    """The whole page, ending in a newline."""
    kinds = packaged_types()
    lines = [_HEAD.format(for_all=acts_for_all())]
    lines += [*table(_TABLE, map(_row, kinds)), ""]
    for kind in kinds:
        lines += _section(kind)
    return "\n".join(lines)


def _row(kind: LicenseType) -> tuple[str, ...]:
    return (
        f"[{kind.source_rows}](#{kind.code.lower()})",
        kind.name,
        f"`{kind.code}`",
        HOLDER_CATEGORIES[kind.holder_category],
        kind.issuer_name,
        "、".join(kind.validity),
        act_words(acts_of(kind)),
        "、".join(_short(face) for face in kind.fields.values()),
    )


def _short(face: FaceField) -> str:
    """A field's name up to its explanation, starred when it must be there."""
    return face.zh.partition("（")[0] + ("*" if face.mandatory else "")


def _section(kind: LicenseType) -> Iterator[str]:
    yield f'<a id="{kind.code.lower()}"></a>'
    yield ""
    yield f"## {kind.source_rows} {kind.name}"
    yield ""
    said = schemas.comment(f"types/{kind.code}.toml").removeprefix(f"{kind.name}. ")
    yield f"*{kind.name_en}*. {said}"
    yield ""
    yield from table(("项目", "规定"), rules_of(kind))
    yield ""
    yield from table(_FIELDS, (_field(kind, face) for face in kind.fields.values()))
    yield ""


def _field(kind: LicenseType, face: FaceField) -> tuple[str, ...]:
    return (
        face.zh,
        f"`{face.name}`",
        VALUES[face.value],
        _mark(face.mandatory),
        CLASSES[face.data_class],
        f"`{face.format}`" if face.format else "—",
        _mark(face.correctable and "CORRECT" in kind.acts),
        _mark(changeable(kind, face)),
        register_words(face),
    )


def _mark(holds: bool) -> str:  # noqa: FBT001 - one value, one sign
    return "✓" if holds else "—"
