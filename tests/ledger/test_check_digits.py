from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_2, mod_11_10, mod_37_36

from ledger.check_digits import (
    DIGITS,
    UPPER_ALNUM,
    USCC_ALPHABET,
    consists_of,
    mod_11_2_check,
    mod_11_10_check,
    mod_37_36_check,
    org_code_check,
    uscc_check,
)
from ledger.errors import Malformed

ALNUM = st.text(UPPER_ALNUM, min_size=1, max_size=80)
NUMBER = st.text(DIGITS, min_size=1, max_size=30)


def test_published_vectors_of_iso_7064() -> None:
    assert mod_37_36_check("A12425GABC1234002") == "M"
    assert mod_11_10_check("0794") == "5"
    assert mod_11_2_check("11010519491231002") == "X"
    assert mod_11_2_check("44052418800101001") == "4"


def test_worked_example_of_gb_32100() -> None:
    assert uscc_check("91350100M000100Y4") == "3"
    assert org_code_check("M000100Y") == "4"


def test_remainder_zero_of_gb_32100_gives_the_first_character() -> None:
    assert uscc_check("0" * 17) == "0"


@pytest.mark.parametrize(("code", "check"), [("00001333", "8"), ("00001314", "3")])
def test_organisation_codes_of_ministries(code: str, check: str) -> None:
    assert org_code_check(code) == check


def test_organisation_code_check_ten_is_x_and_eleven_is_zero() -> None:
    assert org_code_check("00000005") == "1"
    assert org_code_check("00000006") == "X"
    assert org_code_check("00000000") == "0"


@given(ALNUM)
def test_mod_37_36_agrees_with_the_oracle(text: str) -> None:
    assert mod_37_36_check(text) == mod_37_36.calc_check_digit(text)
    assert mod_37_36.is_valid(text + mod_37_36_check(text))


@given(text=ALNUM, behind=ALNUM)
def test_text_behind_which_another_stands_is_remembered_rightly(
    text: str, behind: str
) -> None:
    for _ in range(2):
        assert mod_37_36_check(text, behind=behind) == mod_37_36_check(behind + text)


@given(NUMBER)
def test_mod_11_10_agrees_with_the_oracle(text: str) -> None:
    assert mod_11_10_check(text) == mod_11_10.calc_check_digit(text)


@given(st.text(DIGITS, min_size=17, max_size=17))
def test_mod_11_2_agrees_with_two_oracles(text: str) -> None:
    assert mod_11_2_check(text) == mod_11_2.calc_check_digit(text)
    assert mod_11_2_check(text) == ric.calc_check_digit(text + "0")


@given(st.text(USCC_ALPHABET, min_size=17, max_size=17))
def test_uscc_check_agrees_with_the_oracle(text: str) -> None:
    assert uscc_check(text) == uscc.calc_check_digit(text)


@given(ALNUM, st.data())
def test_mod_37_36_finds_every_substitution(text: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.sampled_from(UPPER_ALNUM.replace(text[index], "")))
    changed = text[:index] + char + text[index + 1 :]
    assert mod_37_36_check(changed) != mod_37_36_check(text)


@given(ALNUM, st.data())
def test_mod_37_36_misses_only_swaps_of_consecutive_values(
    text: str, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, max(0, len(text) - 2)))
    pair = text[index : index + 2]
    swapped = text[:index] + pair[::-1] + text[index + 2 :]
    if swapped != text and mod_37_36_check(swapped) == mod_37_36_check(text):
        first, second = (UPPER_ALNUM.index(char) for char in pair)
        assert (first - second) % 36 in (1, 35)


@given(st.text(DIGITS, min_size=2, max_size=30), st.data())
def test_mod_11_10_finds_every_substitution(text: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.sampled_from(DIGITS.replace(text[index], "")))
    changed = text[:index] + char + text[index + 1 :]
    assert mod_11_10_check(changed) != mod_11_10_check(text)


@pytest.mark.parametrize("text", ["٣", "３", "²", "a", "Ａ", "-", " ", "", "1\n", "é"])
def test_other_scripts_are_no_digits(text: str) -> None:
    assert not consists_of(text, UPPER_ALNUM)


@pytest.mark.parametrize(
    "check", [mod_37_36_check, mod_11_10_check], ids=["mod_37_36", "mod_11_10"]
)
def test_a_foreign_character_is_malformed_and_not_repeated(check: object) -> None:
    assert callable(check)
    with pytest.raises(Malformed) as caught:
        check("12３4")
    assert "３" not in str(caught.value)


def test_wrong_lengths_are_malformed() -> None:
    with pytest.raises(Malformed, match="17 characters; found 16"):
        mod_11_2_check("1" * 16)
    with pytest.raises(Malformed, match="17 characters; found 18"):
        uscc_check("1" * 18)
    with pytest.raises(Malformed, match="8 characters; found 0"):
        org_code_check("")
