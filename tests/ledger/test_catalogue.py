"""License types: from TOML, to rows and back, and nothing that contradicts itself."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from ledger.catalogue import (
    ACTS_FOR_ALL,
    TYPE_ACTS,
    FaceField,
    Item,
    LicenseType,
    RenewalWindow,
    field_name_ok,
    parse_type,
    type_of_rows,
    type_rows,
)
from ledger.codec import decode_value, encode_value
from ledger.errors import Malformed
from ledger.events import Rows
from ledger.formats import FORMATS
from ledger.license_types import (
    CODE_STATUSES,
    HOLDER_CATEGORIES,
    LEVELS,
    RETENTIONS,
)
from ledger.reserved_fields import RESERVED
from tests.strategies import CELLS

ID_CARD = "11100000000013127D001"
MARRIAGE = "111000000000131433001"
BUSINESS = "11100000MB0143028R001"
SAFETY = "11210000999990010U042"
CONSTRUCTION = "11210000999990010U045"


def data(of: str = BUSINESS, /, **changes: Any) -> dict[str, Any]:
    """A type file as parsed, with changes (None leaves a key out)."""
    found = copy.deepcopy(schemas.toml(f"types/{of}.toml")) | changes
    return {key: value for key, value in found.items() if value is not None}


def kind_of(code: str) -> LicenseType:
    return parse_type(data(code))


# --- The packaged types -------------------------------------------------------------------


def test_every_file_is_a_type_of_its_own_name() -> None:
    codes = schemas.names("types")
    assert {ID_CARD, MARRIAGE, BUSINESS, SAFETY, CONSTRUCTION} <= set(codes)
    for code in codes:
        assert parse_type(schemas.toml(f"types/{code}.toml")).code == code


def test_placeholder_codes_say_so() -> None:
    for code in schemas.names("types"):
        placeholder = code.startswith("11210000999990010U")
        assert (kind_of(code).code_status == "placeholder") == placeholder


@pytest.mark.parametrize(
    ("code", "acts"),
    [
        (ID_CARD, "ISSUE REPLACE REISSUE CANCEL CORRECT"),
        (MARRIAGE, "ISSUE REISSUE CORRECT CANCEL ANNUL"),
        (BUSINESS, "ISSUE CHANGE REPLACE REISSUE REVOKE ANNUL CANCEL CORRECT"),
        (
            SAFETY,
            "ISSUE CHANGE RENEW REPLACE REISSUE ANNUL WITHDRAW CANCEL CORRECT "
            "SUSPEND RESUME REVOKE",
        ),
        (
            CONSTRUCTION,
            "ISSUE CHANGE RENEW PAUSE RESUME REISSUE ANNUL WITHDRAW CANCEL CORRECT",
        ),
    ],
)
def test_acts_are_those_of_the_catalogue(code: str, acts: str) -> None:
    assert kind_of(code).acts == frozenset(acts.split())


def test_id_card_is_exchanged_whenever_it_expired() -> None:
    kind = kind_of(ID_CARD)
    assert kind.grace_days is None
    assert (kind.holder_category, kind.holders_max) == ("person", 1)
    assert kind.fields["id_no"].format == "citizen_id"
    assert kind.fields["id_no"].data_class == 4


def test_marriage_certificate_has_two_holders() -> None:
    kind = kind_of(MARRIAGE)
    assert (kind.holder_category, kind.holders_max) == ("person", 2)
    assert kind.retention == "100"


def test_business_licence_changes_all_but_what_it_is() -> None:
    fixed = {n for n, f in kind_of(BUSINESS).fields.items() if not f.changeable}
    assert fixed == {"uscc", "founded_on"}


def test_safety_permit_is_renewed_three_months_ahead_or_by_itself() -> None:
    kind = kind_of(SAFETY)
    assert kind.renewal_window == RenewalWindow(days=90, unit="calendar")
    assert kind.auto_extension


def test_construction_permit_is_sealed_by_two() -> None:
    kind = kind_of(CONSTRUCTION)
    assert kind.signatures["ISSUE"] == (1, 2)
    assert kind.signatures.keys() == kind.acts
    assert kind.current_per_holder == "many"


def test_acts_for_all_and_for_types_are_the_lifecycle() -> None:
    assert (
        frozenset(
            [
                "BASELINE",
                "LINK",
                "MARK",
                "ANNOTATE",
                "ARCHIVE",
                "RESTORE",
                "VOID_VERSION",
            ]
        )
        == ACTS_FOR_ALL
    )
    assert len(TYPE_ACTS) == 16


# --- TOML out of form -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"name": ""},
        {"code": "11100000MB0143028R"},
        {"code": "11100000MB0143028R00A"},
        {"code": "11100000000013127D001"},
        {"code": 7},
        {"definer": "11100000"},
        {"version": 1},
        {"colour": "red"},
        {"code_status": "real"},
        {"definer_level": "planet"},
        {"issuer_level": ""},
        {"holder_category": "animal"},
        {"holders_max": 0},
        {"holders_max": 256},
        {"holders_max": "1"},
        {"holders_max": True},
        {"validity": []},
        {"validity": [""]},
        {"validity": ["5年", "5年"]},
        {"acts": []},
        {"acts": ["ISSUE", "FLY"]},
        {"acts": ["ISSUE", "BASELINE"]},
        {"signatures": {"ISSUE": []}},
        {"signatures": {"ISSUE": [2]}},
        {"signatures": {"ISSUE": [2, 1]}},
        {"signatures": {"ISSUE": [1, 1]}},
        {"signatures": {"ISSUE": [1, 4]}},
        {"signatures": {"ISSUE": [1] + [2] * 8}},
        {"signatures": {"FLY": [1]}},
        {"while_restricted": ["REISSUE"]},
        {"late_renewal": "no"},
        {"grace_days": -1},
        {"grace_days": "never"},
        {"grace_days": 36_601},
        {"renewal_window": {"days": 0, "unit": "calendar"}},
        {"renewal_window": {"days": 30, "unit": "lunar"}},
        {"renewal_window": {"days": 30}},
        {"current_per_holder": "two"},
        {"horizon_days": -1},
        {"retention": "eternal"},
        {"source_rows": -1},
        {"items": [{"code": "1"}]},
        {"fields": None},
        {"fields": []},
        {"fields": {"name": "s"}},
    ],
)
def test_type_file_out_of_form_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse_type(data(**changes))


@pytest.mark.parametrize(
    "face",
    [
        {"zh": ""},
        {"zh": None},
        {"value": "x"},
        {"value": "st"},
        {"data_class": 0},
        {"data_class": 5},
        {"format": "zip_code"},
        {"format": "uscc", "value": "d"},
        {"format": "citizen_id", "data_class": 3},
        {"format": "disability_card_number", "data_class": 1},
        {"mandatory": None},
        {"mandatory": 1},
        {"name": "other"},
        {"colour": "red"},
    ],
)
def test_field_out_of_form_is_malformed(face: dict[str, Any]) -> None:
    right = {"zh": "甲", "value": "s", "mandatory": True, "data_class": 1}
    parse_type(data(fields={"first": right}))
    given_face = {k: v for k, v in (right | face).items() if v is not None}
    with pytest.raises(Malformed):
        parse_type(data(fields={"first": given_face}))


@pytest.mark.parametrize(
    "name", ["", "Name", "名称", "1st", "_x", "a-b", "valid_until", "version", "a" * 65]
)
def test_field_names_are_keys_and_not_reserved(name: str) -> None:
    face = {"zh": "甲", "value": "s", "mandatory": True, "data_class": 1}
    with pytest.raises(Malformed) as caught:
        parse_type(data(fields={name: face}))
    assert caught.value.where == f"type {BUSINESS}"


def test_message_names_every_contradiction_at_once() -> None:
    with pytest.raises(Malformed) as caught:
        parse_type(data(retention="eternal", holders_max=0))
    assert caught.value.found == "holders_max: 1 to 255; retention"


# --- Rows -------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
FIELD_NAMES = (
    st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
    .filter(field_name_ok)
    .filter(lambda name: name not in RESERVED)
)
ROLES = st.lists(st.sampled_from([2, 3]), max_size=3).map(lambda r: (1, *sorted(r)))


@st.composite
def faces(draw: st.DrawFn, name: str) -> FaceField:
    value = draw(st.sampled_from("stdmniplb"))
    form = draw(st.sampled_from(["", *FORMATS])) if value in "stl" else ""
    return FaceField(
        name=name,
        zh=draw(TEXTS),
        value=value,
        mandatory=draw(st.booleans()),
        data_class=4,
        format=form,
        correctable=draw(st.booleans()),
        changeable=draw(st.booleans()),
        register=draw(st.sampled_from(["", "population"])),
    )


@st.composite
def types(draw: st.DrawFn) -> LicenseType:
    names = draw(st.lists(FIELD_NAMES, unique=True, max_size=4))
    definer = "11210000999990010U"
    acts = draw(st.sets(st.sampled_from(sorted(TYPE_ACTS)), min_size=1))
    return LicenseType(
        code=definer + draw(st.from_regex(r"[0-9]{3}", fullmatch=True)),
        version=draw(st.integers(min_value=1, max_value=99)),
        name=draw(TEXTS),
        name_en=draw(TEXTS),
        code_status=draw(st.sampled_from(CODE_STATUSES)),
        definer=definer,
        definer_level=draw(st.sampled_from(LEVELS)),
        issuer_level=draw(st.sampled_from(LEVELS)),
        holder_category=draw(st.sampled_from(HOLDER_CATEGORIES)),
        holders_max=draw(st.integers(min_value=1, max_value=255)),
        validity=tuple(draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True))),
        acts=frozenset(acts),
        fields={name: draw(faces(name)) for name in names},
        signatures=draw(
            st.dictionaries(st.sampled_from(sorted(TYPE_ACTS | ACTS_FOR_ALL)), ROLES)
        ),
        while_restricted=frozenset(draw(st.sets(st.sampled_from(["CHANGE", "RENEW"])))),
        late_renewal=draw(st.booleans()),
        grace_days=draw(st.none() | st.integers(min_value=0, max_value=400)),
        renewal_window=draw(
            st.none()
            | st.builds(
                RenewalWindow,
                days=st.integers(min_value=1, max_value=200),
                unit=st.sampled_from(["calendar", "working"]),
            )
        ),
        auto_extension=draw(st.booleans()),
        current_per_holder=draw(st.sampled_from(["one", "many"])),
        resume_on_application=draw(st.booleans()),
        horizon_days=draw(st.integers(min_value=0, max_value=400)),
        retention=draw(st.sampled_from(RETENTIONS)),
        items=tuple(
            draw(
                st.lists(
                    st.builds(Item, code=TEXTS, name=TEXTS), max_size=2, unique=True
                )
            )
        ),
        definer_name=draw(TEXTS),
        issuer_name=draw(TEXTS),
        source_rows=draw(st.integers(min_value=0, max_value=500)),
    )


@given(types())
def test_rows_read_back_as_the_same_type(kind: LicenseType) -> None:
    rows = type_rows(kind)
    carried: Any = decode_value(encode_value(rows))
    again = type_of_rows(carried, code=kind.code, version=kind.version)
    assert again == kind
    assert list(again.fields) == list(kind.fields)


@pytest.mark.parametrize("code", schemas.names("types"))
def test_packaged_type_reads_back_from_its_rows(code: str) -> None:
    kind = kind_of(code)
    assert type_of_rows(type_rows(kind), code=code, version=1) == kind


def rows_of(code: str = SAFETY) -> Rows:
    return copy.deepcopy(type_rows(kind_of(code)))


def test_definition_has_one_spelling() -> None:
    """Left out, doubled, exchanged, renamed: each is malformed."""
    original = rows_of()
    count = len(original["rows"])
    for at in range(count):
        for change in ("drop", "double", "swap", "rename", "extra", "less"):
            rows = rows_of()["rows"]
            match change:
                case "drop":
                    del rows[at]
                case "double":
                    rows.insert(at, rows[at])
                case "swap":
                    rows[at], rows[at - 1] = rows[at - 1], rows[at]
                case "rename":
                    rows[at]["cells"][0]["value"] = "colour"
                case "extra":
                    rows[at]["cells"].append({"name": "colour", "value": "red"})
                case _:
                    del rows[at]["cells"][-1]
            optional = change == "drop" and _may_be_left_out(original, at)
            reordered = change == "swap" and _order_is_free(original, at)
            if optional or reordered:
                type_of_rows({"rows": rows}, code=SAFETY, version=1)
                continue
            with pytest.raises(Malformed):
                type_of_rows({"rows": rows}, code=SAFETY, version=1)


def _part(rows: Rows, at: int) -> Any:
    return rows["rows"][at]["cells"][0]["value"]


def _may_be_left_out(rows: Rows, at: int) -> bool:
    """Without it stands another type, as rightly spelt."""
    return _part(rows, at) in ("renewal", "act", "field")


def _order_is_free(rows: Rows, at: int) -> bool:
    """The order of the face is the definer's own."""
    return [_part(rows, at), _part(rows, at - 1)] == ["field"] * 2


@given(
    st.lists(st.fixed_dictionaries({"cells": st.lists(CELLS, max_size=5)}), max_size=5)
)
def test_foreign_rows_are_malformed(rows: list[Any]) -> None:
    with pytest.raises(Malformed):
        type_of_rows({"rows": rows}, code=SAFETY, version=1)


@given(st.data())
def test_spoilt_cell_never_breaks_the_reader(drawn: st.DataObject) -> None:
    rows = rows_of()
    row = drawn.draw(st.sampled_from(rows["rows"]))
    cell = drawn.draw(st.sampled_from(row["cells"]))
    cell["value"] = drawn.draw(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS
    )
    try:
        kind = type_of_rows(rows, code=SAFETY, version=1)
    except Malformed:
        return
    assert type_rows(kind) == rows


def test_rows_of_another_code_are_malformed() -> None:
    with pytest.raises(Malformed):
        type_of_rows(rows_of(), code=ID_CARD, version=1)


def test_true_is_not_one() -> None:
    """True == 1 in Python: a boolean cell must not pass for a count."""
    rows = rows_of()
    for cell in rows["rows"][0]["cells"]:
        if cell["name"] == "holders_max":
            cell["value"] = True
    with pytest.raises(Malformed):
        type_of_rows(rows, code=SAFETY, version=1)


def test_types_that_differ_have_rows_that_differ() -> None:
    kind = kind_of(SAFETY)
    other = replace(kind, grace_days=None)
    assert type_rows(kind) != type_rows(other)
