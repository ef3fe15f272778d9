"""Check 11 of license and holder events: form, encryption, and numbers in clear."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.catalogue import FaceField, LicenseType, parse_type
from ledger.check_digits import mod_11_2_check
from ledger.events import Event, Holder
from ledger.field_checks import (
    check_destroy,
    check_fields,
    must_encrypt,
    value_problem,
)
from ledger.license_identifiers import certificate_identifier, parse_license_id
from ledger.lifecycle_table import ACTS
from ledger.refusals import Refusal
from ledger.reserved_fields import FORMS, RESERVED
from ledger.workdays import date_to_day, day_start
from tests.builders_registry import (
    BUSINESS,
    SAFETY,
    SEALED_AT,
    SHENYANG,
    event,
    key,
    license_type,
)
from tests.strategies import IDENTIFIERS, VALUES

ID_CARD = "11100000000013127D001"
MARRIAGE = "111000000000131433001"
FIRM, SOLE = "91210100MA0TE5T168", "92210200MA9X000116"
CITIZEN = "210102190001010014"
LOOKALIKE = "122100004099990086"  # an organisation's code with a right citizen check
ALL_RESERVED = RESERVED
ENCRYPTED = b"\x01\x00" + bytes(12 + 32 + 64 + 16)
REF = bytes(range(32))
COMPANY: Holder = {"kind": "001", "ref": REF, "code": FIRM}
TRADER: Holder = {"kind": "001", "ref": REF, "code": SOLE}
PERSON: Holder = {"kind": "111", "ref": REF, "code": ""}
PARTNER: Holder = {"kind": "414", "ref": bytes(32), "code": ""}
FACE: dict[str, Any] = {
    "name": "沈阳某某有限公司",
    "uscc": FIRM,
    "type": "有限责任公司",
    "legal_rep": "张三",
    "founded_on": "2020-01-02",
    "address": "沈阳市和平区某路1号",
    "scope": "一般项目",
    "registration_status": "存续",
}


def license_id(code: str = BUSINESS, serial: str = "2026000001") -> str:
    return f"1.2.156.3005.2.{code}.{SHENYANG}.{serial}"


def made(
    values: dict[str, Any],
    *,
    of: str = BUSINESS,
    act: str = "ISSUE",
    holders: tuple[Holder, ...] = (COMPANY,),
    serial: str = "2026000001",
    **changes: Any,
) -> Event:
    return event(
        license_id(of, serial),
        act,
        dict(sorted(values.items())),
        by=[key(1)],
        authority=SHENYANG,
        chain="license",
        holders=list(holders),
        **changes,
    )


def judged(
    record: Event, *, kind: LicenseType | None = None, sealed_at: int = SEALED_AT
) -> tuple[str, str]:
    """(code, detail) of check 11."""
    parsed = parse_license_id(record["subject"])
    try:
        check_fields(
            record,
            kind or license_type(parsed.type_code),
            reserved=ALL_RESERVED,
            license_id=parsed,
            sealed_at=sealed_at,
        )
    except Refusal as refusal:
        return refusal.code, refusal.detail
    return "fits", ""


def code_of(values: dict[str, Any], **named: Any) -> str:
    return judged(made(values, **named))[0]


def test_whole_face_fits() -> None:
    identifier = certificate_identifier(license_id(), 1)
    values = FACE | {
        "certificate_identifier": identifier,
        "certificate_number": FIRM,
        "valid_from": "2026-01-02",
        "valid_until": None,
        "area": "210102",
    }
    assert judged(made(values)) == ("fits", "")


def test_every_problem_is_named_and_no_value() -> None:
    values = FACE | {
        "uscc": "秘密",
        "founded_on": "2020-02-30",
        "capital": "1e6",
        "nickname": "秘密",
        "Name": "秘密",
        "area": "秘密",
    }
    code, detail = judged(made(values))
    assert code == "invalid_fields"
    assert detail == (
        "a field: outside the type; area: not in form; capital: not in form (n); "
        "founded_on: not in form (d); nickname: outside the type; "
        "uscc: not in form (uscc)"
    )


# --- Values -----------------------------------------------------------------------------------

PICTURE = f"sm3:{'0' * 64}:1024:image/jpeg"


@pytest.mark.parametrize(
    ("kind", "form", "right", "wrong"),
    [
        ("s", "", ["文"], ["", 1, None, True, b"x", {"strings": ["x"]}]),
        ("t", "", ["01"], ["", 1]),
        ("s", "uscc", [FIRM], [FIRM[:-1] + "9", "x", 9]),
        ("d", "", ["2026-02-28"], ["2026-02-30", "2026-2-1", "20260228", 20260228]),
        (
            "m",
            "",
            ["2026-02-28T01:02:03+08:00", "2026-02-28T01:02:03Z"],
            ["2026-02-28", "2026-02-28T01:02:03", 1],
        ),
        ("n", "", ["0", "-1.5", "100"], ["1.50", "1e3", "+1", "01", "-0", 1, "NaN"]),
        ("i", "", [0, -7, 2**40], ["1", True, None]),
        ("b", "", [True, False], [0, 1, "true", None]),
        ("p", "", [PICTURE], [PICTURE.upper(), "x", b"\xff\xd8"]),
        (
            "l",
            "",
            [
                {"strings": ["a", "b"]},
                {"rows": [{"cells": [{"name": "a", "value": 1}]}]},
            ],
            [
                "a",
                {"strings": []},
                {"strings": [""]},
                {"rows": []},
                {"rows": [{"cells": []}]},
                {"rows": [{"cells": [{"name": "A b", "value": 1}]}]},
                {
                    "rows": [
                        {
                            "cells": [
                                {"name": "a", "value": 1},
                                {"name": "a", "value": 2},
                            ]
                        }
                    ]
                },
            ],
        ),
        ("l", "uscc", [{"strings": [FIRM]}], [{"strings": [FIRM, "x"]}]),
    ],
)
def test_values_by_kind(
    kind: str, form: str, right: list[Any], wrong: list[Any]
) -> None:
    face = FaceField(
        name="one", zh="甲", value=kind, mandatory=True, data_class=1, format=form
    )
    for value in right:
        assert value_problem(face, value) == "", value
    for value in wrong:
        assert value_problem(face, value) != "", value


def test_null_empties_a_field_of_any_class() -> None:
    assert code_of(FACE | {"capital": None, "name": None}) == "fits"


# --- Encryption ------------------------------------------------------------------------------

CARD: dict[str, Any] = {
    "name": ENCRYPTED,
    "sex": ENCRYPTED,
    "birth_date": ENCRYPTED,
    "id_no": ENCRYPTED,
}


def test_classes_3_and_4_are_encrypted() -> None:
    assert code_of(CARD, of=ID_CARD, holders=(PERSON,)) == "fits"
    for name in CARD:
        record = made(CARD | {name: "2000-01-01"}, of=ID_CARD, holders=(PERSON,))
        assert judged(record) == ("invalid_fields", f"{name}: not encrypted")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        ENCRYPTED[:-1],
        b"\x02" + ENCRYPTED[1:],
        b"\x01\x01" + ENCRYPTED[2:],
        "01" * 126,
        {"strings": ["x"]},
    ],
)
def test_what_has_not_the_shape_is_not_encrypted(value: Any) -> None:
    record = made(CARD | {"name": value}, of=ID_CARD, holders=(PERSON,))
    assert judged(record) == ("invalid_fields", "name: not encrypted")


def test_encrypted_field_names_a_holder_of_the_event() -> None:
    second = b"\x01\x01" + ENCRYPTED[2:]
    both = (PERSON, PARTNER)
    assert code_of({"parties": second}, of=MARRIAGE, holders=both) == "fits"
    assert code_of({"parties": second}, of=MARRIAGE, holders=(PERSON,)) == (
        "invalid_fields"
    )


def test_class_3_is_encrypted_for_organisations_too() -> None:
    kind = parse_type(
        {
            "code": f"{SHENYANG}001",
            "name": "药品经营许可证",
            "name_en": "drug-business permit",
            "code_status": "foreign",
            "definer": SHENYANG,
            "definer_level": "city",
            "issuer_level": "city",
            "holder_category": "organisation",
            "holders_max": 1,
            "validity": ["5年"],
            "acts": ["ISSUE"],
            "fields": {
                "quality_head": {
                    "zh": "质量负责人",
                    "value": "s",
                    "mandatory": True,
                    "data_class": 3,
                }
            },
        }
    )
    for value, code in (("张三", "invalid_fields"), (ENCRYPTED, "fits")):
        assert judged(made({"quality_head": value}), kind=kind)[0] == code


def test_public_fields_stay_in_clear() -> None:
    record = made(FACE | {"scope": ENCRYPTED})
    assert judged(record) == ("invalid_fields", "scope: not in form (s)")


def test_sole_trader_hides_name_representative_and_address() -> None:
    record = made(FACE | {"uscc": SOLE}, holders=(TRADER,))
    assert judged(record) == (
        "invalid_fields",
        "address: not encrypted; legal_rep: not encrypted; name: not encrypted",
    )
    hidden = dict.fromkeys(("name", "legal_rep", "address"), ENCRYPTED)
    assert code_of(FACE | {"uscc": SOLE} | hidden, holders=(TRADER,)) == "fits"
    assert code_of(FACE | hidden) == "invalid_fields"


def test_must_encrypt_tells_publishers_the_same() -> None:
    fields = license_type(BUSINESS).fields
    assert not must_encrypt(fields["name"], [COMPANY])
    assert must_encrypt(fields["name"], [TRADER])
    assert not must_encrypt(fields["scope"], [TRADER])
    assert must_encrypt(license_type(ID_CARD).fields["name"], [PERSON])


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (b"", "fits"),
        (ENCRYPTED, "fits"),
        (b"because", "invalid_fields"),
        (b"\x01\x01" + ENCRYPTED[2:], "invalid_fields"),
    ],
)
def test_reason_of_a_decision_is_encrypted_or_empty(reason: bytes, code: str) -> None:
    assert code_of(FACE, decision=decision(reason=reason)) == code


def decision(**changes: Any) -> dict[str, Any]:
    return {
        "number": "辽〔2026〕1号",
        "date": "2026-01-01",
        "reason_code": "application",
        "document": "ab" * 32,
        "reason": b"",
    } | changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"date": ""}, "fits"),
        ({"document": ""}, "fits"),
        ({"date": "2026-13-01"}, "invalid_fields"),
        ({"document": "ab" * 31}, "invalid_fields"),
        ({"document": "AB" * 32}, "invalid_fields"),
    ],
)
def test_decision_has_a_day_and_a_digest(changes: dict[str, Any], code: str) -> None:
    assert code_of(FACE, decision=decision(**changes)) == code


# --- Holders -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "holders", "problem"),
    [
        (BUSINESS, (), "holders: expected 1 to 1, found 0"),
        (BUSINESS, (COMPANY, TRADER), "holders: expected 1 to 1, found 2"),
        (BUSINESS, (PERSON,), "holders[0]: expected organisation"),
        (ID_CARD, (COMPANY,), "holders[0]: expected person"),
        (
            MARRIAGE,
            (PERSON, COMPANY | {"ref": bytes(32)}),
            "holders[1]: expected person",
        ),
        (MARRIAGE, (PERSON, PERSON), "holders: one stands twice"),
        (ID_CARD, (PERSON | {"kind": "112"},), "holders[0]: unknown kind"),
        (ID_CARD, (PERSON | {"kind": ""},), "holders[0]: unknown kind"),
        (
            ID_CARD,
            (PERSON | {"code": CITIZEN},),
            "holders[0]: a person's code stands in clear",
        ),
        (BUSINESS, (COMPANY | {"code": ""},), "holders[0]: code not in form"),
        (
            BUSINESS,
            (COMPANY | {"code": FIRM[:-1] + "0"},),
            "holders[0]: code not in form",
        ),
    ],
)
def test_holders_that_do_not_fit(of: str, holders: Any, problem: str) -> None:
    assert judged(made({}, of=of, holders=holders)) == ("invalid_fields", problem)


def test_holder_of_another_document_is_an_organisation() -> None:
    other: Holder = {"kind": "099", "ref": REF, "code": "注册号 123"}
    assert code_of(FACE, holders=(other,)) == "fits"


# --- Reserved fields -----------------------------------------------------------------------------


def test_act_carries_its_own_reserved_fields_only() -> None:
    record = made({"term_until": "2026-12-31"}, act="SUSPEND")
    assert judged(record) == ("fits", "")
    with pytest.raises(Refusal) as caught:
        check_fields(
            record,
            license_type(BUSINESS),
            reserved=ACTS["REVOKE"].reserved,
            license_id=parse_license_id(record["subject"]),
            sealed_at=SEALED_AT,
        )
    assert caught.value.detail == "term_until: outside the type"


def test_every_reserved_name_of_the_lifecycle_has_a_form() -> None:
    used = {name for rule in ACTS.values() for name in rule.reserved}
    assert used <= RESERVED
    assert RESERVED - used == set()


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("certificate_number", ["辽B-1", "x" * 128], ["", "x" * 129, "字" * 43, 1]),
        ("valid_from", ["2026-01-01", None], ["2026-01-32", 20260101, ""]),
        ("valid_until", ["2026-01-01", None], ["99991231", "长期"]),
        ("area", ["210102"], ["2101", "21010A", 210102, None]),
        ("term_until", ["2026-01-01", None], ["soon"]),
        ("served_on", ["2026-01-01"], [None, "x"]),
        ("version", [1, 9999], [0, 10000, "001", True, None]),
        ("effect_from", ["2026-01-01"], [None]),
        ("state", ["VALID", "REVD"], ["NONE", "valid", 1, None]),
        ("after", ["REVD", "转出"], ["", "gone", None]),
        ("ground", ["1", "XK70(1)"], ["", "死亡", "x" * 33, None]),
        ("mark", ["lost", "stayed"], ["LOST", "", None]),
        ("mark_on", [True, False], [1, "true", None]),
        ("mark_date", ["2026-01-01"], ["x", None]),
        ("continues_as", [license_id()], [license_id() + ".001.A", "x", None]),
        (
            "previous_identifier",
            [certificate_identifier(license_id(), 3), license_id() + ".003.0"],
            [license_id(), None],
        ),
    ],
)
def test_reserved_values_by_name(name: str, right: list[Any], wrong: list[Any]) -> None:
    for value in right:
        assert code_of({name: value}) == "fits", value
    for value in wrong:
        assert code_of({name: value}) == "invalid_fields", value


def test_every_reserved_form_is_tested_above() -> None:
    marks = [
        mark
        for mark in test_reserved_values_by_name.pytestmark
        if mark.name == "parametrize"
    ]
    assert {row[0] for row in marks[0].args[1]} == set(FORMS)


def test_identifier_of_another_license_is_refused() -> None:
    other = certificate_identifier(license_id(serial="2026000002"), 1)
    longer = certificate_identifier(license_id(serial="20260000010"), 1)
    for value in (other, longer, license_id(), 1, None, license_id() + ".000.0"):
        record = made({"certificate_identifier": value})
        assert judged(record)[0] == "invalid_fields"


def test_wrong_check_character_needs_the_mark_of_old_stock() -> None:
    right = certificate_identifier(license_id(), 1)
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    values = {"certificate_identifier": wrong}
    problem = "certificate_identifier: wrong check character"
    assert judged(made(values)) == ("invalid_fields", problem)
    for nonstandard, code in ((False, "invalid_fields"), (True, "fits")):
        assert code_of(values, flags=flags(nonstandard=nonstandard)) == code


def flags(**changes: Any) -> dict[str, Any]:
    return {
        "source_act": "register",
        "missing": {"strings": ["decision=lost"]},
        "nonstandard": False,
    } | changes


@pytest.mark.parametrize("missing", ["decision", "=lost", "decision=", ""])
def test_what_is_missing_is_named_with_its_reason(missing: str) -> None:
    given_flags = flags(missing={"strings": [missing]})
    assert code_of(FACE, flags=given_flags) == "invalid_fields"


# --- Numbers in clear ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"scope": f"经营者{CITIZEN}"},
        {"scope": f"({CITIZEN})"},
        {"type": CITIZEN},
        {"capital": CITIZEN},
        {"certificate_number": CITIZEN},
        {"scope": "11010519491231002x"},
    ],
)
def test_citizen_number_in_a_clear_field_is_refused(values: dict[str, Any]) -> None:
    assert code_of(FACE | values) == "clear_personal_data"


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": CITIZEN},
        {"paper_serial": f"No.{CITIZEN}"},
        {"decision": decision(number=CITIZEN)},
        {"decision": decision(reason_code=CITIZEN)},
        {"file": {"digest": bytes(32), "seal_check": CITIZEN}},
        {"flags": flags(source_act=CITIZEN)},
        {"flags": flags(missing={"strings": [f"decision={CITIZEN}"]})},
        {"serial": CITIZEN},
    ],
)
def test_citizen_number_anywhere_else_is_refused(changes: dict[str, Any]) -> None:
    assert code_of(FACE, **changes) == "clear_personal_data"


@pytest.mark.parametrize(
    "value",
    [
        {"strings": ["甲", CITIZEN]},
        {"rows": [{"cells": [{"name": "who", "value": CITIZEN}]}]},
        {"rows": [{"cells": [{"name": f"n_{CITIZEN}", "value": 1}]}]},
    ],
)
def test_citizen_number_in_a_list_is_refused(value: Any) -> None:
    code = "11210000999990010U045"
    assert code_of({"units": value}, of=code) == "clear_personal_data"


@pytest.mark.parametrize(
    "changes",
    [
        {"values": {"scope": CITIZEN + "0"}},
        {"values": {"scope": "A" + CITIZEN}},
        {"values": {"scope": CITIZEN[:-1] + "5"}},
        {"values": {"uscc": LOOKALIKE}},
        {"values": {"continues_as": license_id(serial=CITIZEN)}},
        {"values": {"previous_identifier": license_id(serial=CITIZEN) + ".001.0"}},
        {"deciding_authority": CITIZEN},
        {"holders": ({"kind": "001", "ref": REF, "code": LOOKALIKE},)},
        {"matter": dict.fromkeys(("case_number", "source_ref"), CITIZEN)},
    ],
)
def test_where_numbers_may_stand_nothing_is_refused(changes: dict[str, Any]) -> None:
    values = FACE | changes.pop("values", {})
    assert code_of(values, **changes) == "fits"


def test_nobody_is_born_after_the_seal() -> None:
    born = "21010220261123001"
    number = born + mod_11_2_check(born)
    record = made(FACE | {"scope": number})
    assert judged(record)[0] == "clear_personal_data"
    before = day_start(date_to_day("2026-11-23")) - 1
    assert judged(record, sealed_at=before)[0] == "fits"


def test_fields_out_of_form_are_told_before_numbers_in_clear() -> None:
    assert code_of(FACE | {"scope": CITIZEN, "type": ""}) == "invalid_fields"


# --- DESTROY ----------------------------------------------------------------------------------------


def destroyed(fields: dict[str, Any], **changes: Any) -> str:
    record = event("ab" * 32, "DESTROY", fields, by=[key(1)], chain="holder", **changes)
    try:
        check_destroy(record, sealed_at=SEALED_AT)
    except Refusal as refusal:
        return refusal.code
    return "fits"


def ids(*texts: str) -> dict[str, Any]:
    return {"license_ids": {"strings": list(texts)}}


def test_destroy_names_licenses() -> None:
    assert destroyed(ids(license_id())) == "fits"
    assert destroyed(ids("")) == "fits"
    assert destroyed(ids("", license_id(), license_id(SAFETY))) == "fits"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        ids(),
        ids("x"),
        ids(license_id(), license_id()),
        {"license_ids": license_id()},
        {"license_ids": {"rows": []}},
        {"license_ids": None},
        ids("") | {"reason": "x"},
        {"other": {"strings": [""]}},
    ],
)
def test_destroy_carries_nothing_else(fields: dict[str, Any]) -> None:
    assert destroyed(fields) == "invalid_fields"


@pytest.mark.parametrize(
    "changes",
    [
        {"holders": [PERSON]},
        {"flags": flags()},
        {"file": {"digest": bytes(32), "seal_check": ""}},
        {"decision": decision(reason=ENCRYPTED)},
    ],
)
def test_destroy_has_no_holders_flags_or_file(changes: dict[str, Any]) -> None:
    assert destroyed(ids(""), **changes) == "invalid_fields"


def test_citizen_number_in_a_destroyed_serial_is_refused() -> None:
    assert destroyed(ids(license_id(serial=CITIZEN))) == "clear_personal_data"
    lookalike = f"1.2.156.3005.2.{BUSINESS}.{LOOKALIKE}.1"
    assert destroyed(ids(lookalike)) == "fits"
    assert destroyed(ids(""), channel=CITIZEN) == "clear_personal_data"


# --- Anything at all --------------------------------------------------------------------------------

NAMES = st.sampled_from([*FACE, *sorted(RESERVED), "license_ids"]) | IDENTIFIERS


@given(values=st.dictionaries(NAMES, VALUES, max_size=6), act=st.sampled_from([*ACTS]))
def test_any_values_get_a_verdict(values: dict[str, Any], act: str) -> None:
    assert code_of(FACE | values, act=act) in (
        "fits",
        "invalid_fields",
        "clear_personal_data",
    )
    assert destroyed(values) in ("fits", "invalid_fields", "clear_personal_data")
