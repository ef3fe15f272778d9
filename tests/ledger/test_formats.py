from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.check_digits import mod_11_10_check
from ledger.identifiers import FORMATS, citizen_id_check

LICENSE_ID = "1.2.156.3005.2.11100000MB0143028R001.11210000999990010U.2022000000000001"
CITIZEN = "210102190001010014"
FOOD = "JY1210102000001"
SC = "SC1012101020001"
PICTURE = "sm3:" + "0a" * 32 + ":1024:image/png"

RIGHT = {
    "date": ["1900-01-01", "2200-12-31", "2024-02-29"],
    "month": ["2024-02", "1900-01", "2200-12"],
    "year": ["1900", "2200"],
    "instant": [
        "2026-11-23T00:00:00Z",
        "2026-11-23T23:59:59.999999+08:00",
        "2026-11-23T00:00:00.5-23:59",
    ],
    "decimal": ["0", "-1", "0.5", "-0.05", "100", "12345678901234567890.01"],
    "picture": [PICTURE, PICTURE.replace("image/png", "image/svg+xml")],
    "uscc": ["91210100MA0TE5T168", "122100004099990086"],
    "citizen_id": [CITIZEN, "11010519491231002X"],
    "license_id": [LICENSE_ID],
    "certificate_identifier": [LICENSE_ID + ".001.3", LICENSE_ID + ".001.4"],
    "division": ["210000", "211500", "000000"],
    "marriage_number": [
        "J210102-2023-000123",
        "L210102-2023-000123",
        "BJ210102-2023-000123",
        "BL210102-2023-000123",
    ],
    "birth_certificate_number": ["U210123456"],
    "food_business_number": [FOOD + mod_11_10_check(FOOD[2:])],
    "food_production_number": [SC + mod_11_10_check(SC[2:])],
    "discharge_permit_number": ["91210100MA0TE5T168001P"],
    "disability_card_number": [CITIZEN + "14"],
    "construction_permit_number": ["210102202311230101"],
    "project_code": ["2023-210102-48-03-012345"],
    "work_safety_number": [
        "(辽)JZ安许证字[2005]000123",
        "（辽）WH安许证字〔2023〕0001",
    ],
    "real_estate_number": [
        "辽(2023)沈阳市不动产第0000123号",
        "辽（2023）沈阳市不动产权第0000123号",
        "辽(2023)大连市不动产证明第0000123号",
    ],
    "real_estate_unit": ["210102001001GB00001F00010001"],
    "graduation_number": ["101451202305000123"],
    "degree_number": ["1014512023000123", "101451202305000123"],
    "teacher_number": ["20232100000000123"],
    "accreditation_number": ["230601010001"],
    "phone": ["13800001234", "+8613800001234", "+86-13800001234", "024-22345678"],
    "plate": ["辽A12345", "辽A1234学", "辽AD12345", "沪A12345"],
    "vin": ["LSVAA49J132047371"],
}

WRONG = {
    "date": [
        "1899-12-31",
        "2201-01-01",
        "2023-02-29",
        "2023-2-9",
        "20230101",
        "x",
        "2023-01-01 ",
        "２023-01-01",
        "2023/01/01",
        "0000-00-00",
    ],
    "month": ["2024-13", "2024-00", "2024-1", "1899-12"],
    "year": ["1899", "2201", "24", "02024", "20２4"],
    "instant": [
        "2026-11-23",
        "2026-11-23T00:00Z",
        "2026-11-23T00:00:00",
        "2026-11-23 00:00:00Z",
        "2026-11-23t00:00:00z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T00:60:00Z",
        "2026-12-31T23:59:60Z",
        "2026-11-23T00:00:00.Z",
        "2026-11-23T00:00:00.0000000Z",
        "2026-11-23T00:00:00+0800",
        "2026-11-23T00:00:00+24:00",
        "2026-11-23T00:00:00+08:60",
        "2026-11-23T00:00:00Z ",
        "2026-02-30T00:00:00Z",
        "2026-11-23T00:00:0+08:00",
        "2026-11-23T",
        "2026-11-23Z",
    ],
    "decimal": [
        "",
        "-",
        "-0",
        "+1",
        "01",
        "1.0",
        "1.",
        ".5",
        "1e3",
        "1,000",
        "0.0",
        "-0.0",
        "１",
        "1.2.3",
        " 1",
        "00",
        "--1",
        "NaN",
    ],
    "picture": [
        PICTURE.upper(),
        PICTURE.replace("sm3", "sha256"),
        PICTURE.replace("0a", "0", 1),
        PICTURE.replace("1024", "0"),
        PICTURE.replace("1024", "01"),
        PICTURE.replace("1024", ""),
        PICTURE.replace("1024", "1" * 16),
        PICTURE.replace("/", ""),
        PICTURE.replace("png", ""),
        PICTURE.replace("png", "a/b"),
        PICTURE.replace("png", "png;q=1"),
        PICTURE.replace("png", ".png"),
        PICTURE + ":",
    ],
    "uscc": ["91210100MA0TE5T169"],
    "citizen_id": ["210102190002290013", "11010519491231002x"],
    "license_id": [LICENSE_ID + ".001.3"],
    "certificate_identifier": [LICENSE_ID, LICENSE_ID + ".000.3"],
    "division": ["21000", "21000A"],
    "marriage_number": [
        "J210102-2023-00012",
        "X210102-2023-000123",
        "JJ210102-2023-000123",
        "210102-2023-000123",
        "J210102-1823-000123",
        "J210102 2023-000123",
        "",
    ],
    "birth_certificate_number": ["u210123456", "U990123456", "U21012345", "2210123456"],
    "food_business_number": [
        FOOD + str((int(mod_11_10_check(FOOD[2:])) + 1) % 10),
        "JY4" + FOOD[3:] + mod_11_10_check("4" + FOOD[3:]),
        "SC" + FOOD[2:] + mod_11_10_check(FOOD[2:]),
        FOOD,
    ],
    "food_production_number": [SC + str((int(mod_11_10_check(SC[2:])) + 1) % 10), SC],
    "discharge_permit_number": ["91210100MA0TE5T169001P", "91210100MA0TE5T168001", ""],
    "disability_card_number": [CITIZEN, CITIZEN + "84", CITIZEN + "15", ""],
    "construction_permit_number": ["210102202313230101", "21010220231123010", ""],
    "project_code": ["2023-210102-48-03-01234", "2023-210102-48-03", ""],
    "work_safety_number": ["(辽]JZ安许证字[2005]000123", "辽JZ安许证字2005000123", ""],
    "real_estate_number": [
        "辽(2023)沈阳市不动产第123号",
        "辽2023沈阳市不动产第0000123号",
        "辽(2023)不动产第0000123号",
        "辽(2023)沈阳市不动产",
        "",
    ],
    "real_estate_unit": ["210102001001GB00001F0001000", "2" * 28, ""],
    "graduation_number": ["1" * 17],
    "degree_number": ["1" * 17],
    "teacher_number": ["1" * 18],
    "accreditation_number": ["1" * 11],
    "phone": ["12800001234", "1380000123", "02422345678", "024-02345678", "-", ""],
    "plate": ["辽I12345", "辽A1234I", "A12345", "辽A123456A", "辽A", ""],
    "vin": ["LSVAA49J13204737I", "LSVAA49J13204737", ""],
}


def test_every_format_has_examples() -> None:
    assert RIGHT.keys() == WRONG.keys() == FORMATS.keys()


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name in RIGHT for text in RIGHT[name]]
)
def test_right_values(name: str, text: str) -> None:
    assert FORMATS[name](text) is True


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name in WRONG for text in WRONG[name]]
)
def test_wrong_values(name: str, text: str) -> None:
    assert FORMATS[name](text) is False


@given(st.sampled_from(sorted(FORMATS)), st.text(max_size=40))
def test_every_text_gets_an_answer(name: str, text: str) -> None:
    assert FORMATS[name](text) in (True, False)


@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_every_mangled_value_gets_an_answer(name: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(RIGHT[name]))
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 3))
    other = text[:at] + data.draw(st.text("09AZ-:.（号", max_size=2)) + text[at + cut :]
    assert FORMATS[name](other) in (True, False)


@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_digits_of_other_scripts_never_pass(name: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(RIGHT[name]))
    digits = [at for at, char in enumerate(text) if char in "0123456789"]
    at = data.draw(st.sampled_from(digits))
    zero = data.draw(st.sampled_from("０٠०"))
    assert not FORMATS[name](
        text[:at] + chr(ord(zero) + int(text[at])) + text[at + 1 :]
    )


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_a_decimal_has_one_spelling(number: object) -> None:
    text = f"{number:f}"
    whole, _, fraction = text.partition(".")
    spelt = whole + ("." + fraction.rstrip("0")).rstrip(".")
    assert FORMATS["decimal"]("0" if spelt == "-0" else spelt)
    assert not FORMATS["decimal"](text) or text == spelt


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)))
def test_every_day_of_the_value_domain_is_a_date(day: date) -> None:
    assert FORMATS["date"](str(day))
    assert FORMATS["month"](str(day)[:7])


def test_a_construction_permit_may_look_like_a_citizen_number() -> None:
    front = "21010220231123010"
    text = front + citizen_id_check(front)
    assert FORMATS["citizen_id"](text)
    assert FORMATS["construction_permit_number"](text)
