from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import schemas
from ledger.errors import Malformed
from ledger.identifiers import (
    holder_code_ok,
    is_person_kind,
    normalise_holder_code,
    parse_holder_kinds,
    sensitive_organisation,
)

TODAY = date(2026, 11, 23)
FILE = Path(schemas.__file__).with_name("holder_kinds.toml")


def _data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def test_the_kinds_of_the_annex_and_the_later_ones() -> None:
    kinds = parse_holder_kinds(_data())
    assert len(kinds) == 19
    assert kinds["001"].name == "统一社会信用代码"
    assert [code for code, kind in kinds.items() if kind.category != "person"] == [
        "001",
        "099",
    ]
    assert sorted(code for code, kind in kinds.items() if kind.later) == [
        "400",
        "551",
        "552",
    ]


def test_a_kind_in_the_wrong_category_is_malformed() -> None:
    data = _data()
    data["kind"][2]["category"] = "organisation"
    with pytest.raises(Malformed, match="expected person"):
        parse_holder_kinds(data)


def test_a_missing_or_repeated_kind_is_malformed() -> None:
    data = _data()
    with pytest.raises(Malformed, match="differ"):
        parse_holder_kinds({"kind": data["kind"][1:]})
    with pytest.raises(Malformed, match="repeated"):
        parse_holder_kinds({"kind": [*data["kind"], data["kind"][0]]})


def test_two_kinds_are_organisations_and_all_others_persons() -> None:
    assert not is_person_kind("001")
    assert not is_person_kind("099")
    assert is_person_kind("111")
    assert is_person_kind("777")


@pytest.mark.parametrize("kind", ["", "11", "1111", "11a", "１１１"])
def test_a_kind_has_three_ascii_digits(kind: str) -> None:
    with pytest.raises(Malformed):
        is_person_kind(kind)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("001", "91210100MA0TE5T168"),
        ("099", "1234567"),
        ("111", "11010519491231002X"),
        ("111", "110105491231002"),
        ("114", "军字第1234567号"),
        ("400", "G12345678"),
        ("414", "E12345678"),
        ("511", "12345678"),
        ("516", "H12345678"),
        ("516", "M1234567801"),
        ("999", "anything on one line"),
    ],
)
def test_codes_of_the_right_form(kind: str, code: str) -> None:
    assert holder_code_ok(kind, code, latest=TODAY)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("001", "91210100MA0TE5T169"),
        ("001", "11010519491231002X"),
        ("111", "91210100MA0TE5T168"),
        ("111", "11010519491231002x"),
        ("111", "122100004099990086"),
        ("099", ""),
        ("099", "1" * 65),
        ("999", "two\nlines"),
        ("999", " 1"),
        ("414", "E1"),
        ("414", "Ｅ12345678"),
        ("511", "1234567"),
        ("516", "A12345678"),
        ("516", "H123456789"),
        ("551", "11010519491231002X"),
        ("777", "1"),
        ("", ""),
    ],
)
def test_codes_of_the_wrong_form(kind: str, code: str) -> None:
    assert not holder_code_ok(kind, code, latest=TODAY)


def test_residence_permits_tell_the_region() -> None:
    hong_kong, taiwan = "810000199001010019", "830000199001010012"
    for code, kind, other in ((hong_kong, "551", "552"), (taiwan, "552", "551")):
        assert holder_code_ok(kind, code, latest=TODAY)
        assert not holder_code_ok(other, code, latest=TODAY)


@pytest.mark.parametrize(
    ("kind", "code", "normal"),
    [
        ("111", " 11010519491231002x\n", "11010519491231002X"),
        ("111", "110105491231002", "110105491231002"),
        ("001", "91210100ma0te5t168", "91210100MA0TE5T168"),
        ("414", "e12345678\u3000", "E12345678"),
        ("099", " ab12 ", "ab12"),
        ("114", "军字第1a号", "军字第1a号"),
        ("111", "ſß", "ſß"),
    ],
)
def test_one_holder_has_one_spelling(kind: str, code: str, normal: str) -> None:
    assert normalise_holder_code(kind, code) == normal
    assert normalise_holder_code(kind, normal) == normal


def test_one_persons_business_is_sensitive() -> None:
    assert sensitive_organisation("001", "92210200MA9X000116")
    assert not sensitive_organisation("001", "91210100MA0TE5T168")
    assert not sensitive_organisation("099", "92210200MA9X000116")
