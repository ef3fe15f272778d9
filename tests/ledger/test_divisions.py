from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import numdb

import schemas
from ledger.divisions import division_ok
from ledger.errors import Malformed, Unknown
from ledger.identifiers import area_covers, parse_divisions, within

FILE = Path(schemas.__file__).with_name("divisions.toml")


def _data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def test_liaoning_has_fourteen_cities_and_one_private_code() -> None:
    table = parse_divisions(_data())
    cities = [row for row in table.values() if row.level == "city"]
    assert len([row for row in cities if row.scheme == "gb2260"]) == 14
    private = [row for row in table.values() if row.scheme == "ln-private"]
    assert [(row.code, row.parent) for row in private] == [("211500", "210000")]


def test_the_names_agree_with_the_oracle() -> None:
    places = numdb.get("cn/loc")
    for row in parse_divisions(_data()).values():
        if row.scheme != "gb2260" or row.level not in ("province", "county"):
            continue
        known = dict(
            pair for _, found in places.info(row.code) for pair in found.items()
        )
        if row.level == "province":
            assert known["province"] == row.name
        else:
            assert row.name in known["county"]


def test_table_and_structure_say_the_same() -> None:
    table = parse_divisions(_data())
    for inner in table:
        for outer in table:
            assert within(inner, outer, table) == area_covers(outer, inner)


@pytest.mark.parametrize(
    ("outer", "inner", "covered"),
    [
        ("210000", "210102", True),
        ("210000", "211500", True),
        ("210400", "211500", False),
        ("210100", "211500", False),
        ("211500", "211500", True),
        ("210100", "210181", True),
        ("210100", "210281", False),
        ("210102", "210100", False),
        ("210000", "220000", False),
        ("000000", "210102", True),
        ("100000", "650000", True),
        ("210000", "100000", False),
        ("100000", "000000", True),
        ("210000", "", False),
        ("", "", False),
        ("21０000", "210102", False),
    ],
)
def test_what_an_area_covers(outer: str, inner: str, covered: bool) -> None:
    assert area_covers(outer, inner) is covered


@given(*[st.from_regex("[0-9]{6}", fullmatch=True)] * 3)
def test_covering_is_reflexive_and_transitive(a: str, b: str, c: str) -> None:
    assert area_covers(a, a)
    if area_covers(a, b) and area_covers(b, c):
        assert area_covers(a, c)


@pytest.mark.parametrize("code", ["21000", "2100000", "21000A", "２１００００", ""])
def test_a_division_has_six_ascii_digits(code: str) -> None:
    assert not division_ok(code)


def test_a_wrong_table_is_malformed() -> None:
    row = {"code": "210000", "name": "x", "level": "province", "scheme": "gb2260"}
    nation = {**row, "code": "100000", "parent": ""}
    good = {**row, "parent": "100000"}
    assert len(parse_divisions({"division": [nation, good]})) == 2
    for rows in (
        [good],
        [nation, good, good],
        [nation, {**good, "code": "21"}],
        [nation, {**good, "scheme": "other"}],
    ):
        with pytest.raises(Malformed):
            parse_divisions({"division": rows})


def test_an_area_outside_the_table_is_unknown() -> None:
    with pytest.raises(Unknown):
        within("650000", "100000", parse_divisions(_data()))
