from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from ledger.check_digits import (
    DIGITS,
    UPPER_ALNUM,
    USCC_ALPHABET,
    org_code_check,
    uscc_check,
)
from ledger.identifiers import (
    citizen_id_check,
    citizen_id_ok,
    clear_citizen_number,
    uscc_ok,
)
from ledger.subject_codes import legacy_citizen_id_ok

TODAY = date(2026, 11, 23)
CITIZEN = "210102190001010014"
ALL_DIGIT_CODE = "122100004099990086"


def _code(front: str, body: str) -> str:
    text = front + body + org_code_check(body)
    return text + uscc_check(text)


CODES = st.builds(
    _code,
    st.text(DIGITS, min_size=8, max_size=8),
    st.text(USCC_ALPHABET, min_size=8, max_size=8),
)
BIRTHS = st.dates(date(1900, 1, 1), TODAY)
CITIZENS = st.builds(
    lambda place, born, order: (
        f"{place}{born:%Y%m%d}{order}"
        + citizen_id_check(f"{place}{born:%Y%m%d}{order}")
    ),
    st.text(DIGITS, min_size=6, max_size=6),
    BIRTHS,
    st.text(DIGITS, min_size=3, max_size=3),
)


@pytest.mark.parametrize(
    "text",
    [
        "91350100M000100Y43",
        "11100000MB0143028R",
        "11100000MB03271699",
        "11100000000013338W",
        "111000000000131433",
        "11100000000013127D",
        "11210000999990010U",
        "11210100999990029X",
        "11210200999990037X",
        "112100000099900129",
        "91210100MA0TE5T168",
        "92210200MA9X000116",
        "52210000MJ99990088",
        ALL_DIGIT_CODE,
    ],
)
def test_codes_of_real_and_fictional_organisations(text: str) -> None:
    assert uscc_ok(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "91350100M000100Y44",
        "91350100M000100Y4",
        "91350100M000100Y433",
        "91350100m000100y43",
        "91350100MO00100Y43",
        "9I350100M000100Y43",
        "9135010M0000100Y43",
        "91350010M000100Y43",
        "91350100M000100Y4３",
        "91350100M000100Y43 ",
        "91A50100M000100Y43",
    ],
)
def test_broken_organisation_codes(text: str) -> None:
    assert not uscc_ok(text)


def test_a_wrong_inner_check_is_found_though_the_outer_one_is_right() -> None:
    text = "91350100M000100Y5"
    assert not uscc_ok(text + uscc_check(text))


@given(CODES)
def test_organisation_codes_agree_with_the_oracle(text: str) -> None:
    assert uscc_ok(text)
    assert uscc.is_valid(text)


@given(CODES, st.data())
def test_no_substitution_in_an_organisation_code_goes_unnoticed(
    text: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, 17))
    char = data.draw(st.sampled_from(UPPER_ALNUM.replace(text[at], "")))
    assert not uscc_ok(text[:at] + char + text[at + 1 :])


@given(CODES, st.integers(0, 16))
def test_no_adjacent_swap_in_an_organisation_code_goes_unnoticed(
    text: str, at: int
) -> None:
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    assert uscc_ok(swapped) == (swapped == text)


@pytest.mark.parametrize(
    "text", ["11010519491231002X", "440524188001010014", CITIZEN, "219900190001010013"]
)
def test_citizen_check_characters(text: str) -> None:
    assert citizen_id_check(text[:17]) == text[17]
    assert citizen_id_ok(text, latest=TODAY) == (text[6:8] != "18")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "11010519491231002x",
        "110105194912310020",
        "11010519491231002",
        "11010519491231002X ",
        "210203190002290013",
        "١" * 18,
        "２１０１０２１９０００１０１００１４",
        "210102 90001010014",
    ],
)
def test_broken_citizen_numbers(text: str) -> None:
    assert not citizen_id_ok(text, latest=TODAY)


def test_the_right_check_on_a_day_that_never_was_is_refused() -> None:
    assert citizen_id_check("21020319000229001") == "3"
    assert not citizen_id_ok("210203190002290013", latest=TODAY)


def test_nobody_is_born_after_the_latest_day() -> None:
    number = "21010220261123001" + citizen_id_check("21010220261123001")
    assert citizen_id_ok(number, latest=TODAY)
    assert not citizen_id_ok(number, latest=date(2026, 11, 22))


def test_an_all_digit_organisation_code_has_a_right_citizen_check() -> None:
    assert citizen_id_check(ALL_DIGIT_CODE[:17]) == ALL_DIGIT_CODE[17]
    assert not citizen_id_ok(ALL_DIGIT_CODE, latest=TODAY)


def test_the_15_digit_form_needs_a_real_day_of_its_century() -> None:
    assert legacy_citizen_id_ok("110105491231002")
    assert not legacy_citizen_id_ok("110105491331002")
    assert not legacy_citizen_id_ok("11010549123100X")
    assert not legacy_citizen_id_ok("110105490229002")


@given(CITIZENS)
def test_citizen_numbers_agree_with_the_oracle(text: str) -> None:
    assert citizen_id_ok(text, latest=TODAY)
    assert ric.calc_check_digit(text) == text[17]
    assert ric.get_birth_date(text) <= TODAY


@given(CITIZENS, st.data())
def test_no_substitution_in_a_citizen_number_goes_unnoticed(
    text: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, 17))
    char = data.draw(st.sampled_from((DIGITS + "X").replace(text[at], "")))
    assert not citizen_id_ok(text[:at] + char + text[at + 1 :], latest=TODAY)


@given(CITIZENS, st.integers(0, 16))
def test_no_adjacent_swap_in_a_citizen_number_goes_unnoticed(
    text: str, at: int
) -> None:
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    assert citizen_id_ok(swapped, latest=TODAY) == (swapped == text)


@pytest.mark.parametrize(
    "text",
    [
        CITIZEN,
        f"号码{CITIZEN}。",
        f"a {CITIZEN}-b",
        f"1.2.156.3005.2.T.I.{CITIZEN}",
        "11010519491231002X",
        "11010519491231002x",
        f"123456789012345678 {CITIZEN}",
        f"\ud800{CITIZEN}",
        "é" + CITIZEN + "１",
    ],
)
def test_a_citizen_number_in_clear_is_seen(text: str) -> None:
    assert clear_citizen_number(text, latest=TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "沈阳市和平区南京街一号,三十五个字也不是身份证号码",
        CITIZEN[:17],
        CITIZEN + "0",
        "A" + CITIZEN,
        CITIZEN[:9] + "-" + CITIZEN[9:],
        CITIZEN[:17] + "5",
        ALL_DIGIT_CODE,
        "210203190002290013",
        "1１" * 20,
    ],
)
def test_other_texts_hold_no_citizen_number(text: str) -> None:
    assert not clear_citizen_number(text, latest=TODAY)


@given(st.text(max_size=60), CITIZENS, st.text(max_size=60))
def test_a_citizen_number_is_seen_between_any_texts(
    before: str, number: str, after: str
) -> None:
    assert clear_citizen_number(f"{before} {number}，{after}", latest=TODAY)


@given(st.text(max_size=200))
def test_any_text_gets_an_answer(text: str) -> None:
    assert clear_citizen_number(text, latest=TODAY) in (True, False)
    assert uscc_ok(text) in (True, False)
    assert citizen_id_ok(text, latest=TODAY) in (True, False)
