from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from ledger.check_digits import DIGITS, UPPER_ALNUM, mod_37_36_check
from ledger.errors import Malformed
from ledger.identifiers import (
    ROOT,
    LicenseId,
    certificate_identifier,
    license_check,
    parse_certificate_identifier,
    parse_license_id,
)

FIRST = "1.2.156.3005.2.11100000MB0143028R001.11210000999990010U.2022000000000001"
STANDARD = [
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.002.S",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
    "1.2.156.3005.2.11100000000013338W087.11370800MB28559184.37080001202411010001"
    ".001.3",
    FIRST + ".001.3",
    FIRST + ".002.1",
    "1.2.156.3005.2.11100000MB03271699001.11210100999990029X.LN2023SY0000123.001.N",
    "1.2.156.3005.2.11100000000013127D001.11210200999990037X.0000000000000042.001.B",
]
LICENSES = st.builds(
    LicenseId,
    type_code=st.builds(
        str.__add__,
        st.text(UPPER_ALNUM, min_size=18, max_size=18),
        st.text(DIGITS, min_size=3, max_size=3),
    ),
    issuer=st.text(UPPER_ALNUM, min_size=18, max_size=18),
    serial=st.text(UPPER_ALNUM, min_size=1, max_size=32),
)
VERSIONS = st.integers(1, 9999)


@pytest.mark.parametrize("text", STANDARD)
def test_published_identifiers_are_standard(text: str) -> None:
    found = parse_certificate_identifier(text)
    assert found.standard
    assert str(found) == text
    assert certificate_identifier(str(found.license), found.version) == text


def test_a_short_issuer_has_the_right_check_but_not_the_shape() -> None:
    assert license_check("11100000MB03271699022", "340100", "000000016", "001") == "9"
    with pytest.raises(Malformed):
        parse_license_id("1.2.156.3005.2.11100000MB03271699022.340100.000000016")


def test_the_check_of_a_wrong_generator_is_kept_and_told() -> None:
    issuer, serial = "113700000045046442", "209FA4E88F9E4C878F3E9BED2CE7EA49"
    license_id = f"{ROOT}.11100000000013661B006.{issuer}.{serial}"
    found = parse_certificate_identifier(license_id + ".001.M")
    assert (found.check, found.standard) == ("M", False)
    assert str(found) == license_id + ".001.M"
    assert certificate_identifier(license_id, 1) == license_id + ".001.D"


def test_parts_of_an_identifier() -> None:
    found = parse_license_id(FIRST)
    assert found.type_code == "11100000MB0143028R001"
    assert found.issuer == "11210000999990010U"
    assert found.serial == "2022000000000001"
    assert str(found) == FIRST


def test_wrong_check_digits_of_the_codes_inside_do_not_break_the_shape() -> None:
    assert parse_license_id(f"{ROOT}.{'I' * 18}001.{'O' * 18}.0").serial == "0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ROOT,
        ROOT + "...",
        FIRST + ".001",
        FIRST[:-16],
        FIRST + "0" * 17,
        FIRST.lower(),
        FIRST.replace("1.2.156", "1.2.157"),
        FIRST.replace("R001", "R00A"),
        FIRST.replace("R001", "R0001"),
        FIRST.replace("0010U", "0010"),
        FIRST.replace("2022", "20-2"),
        FIRST + "０",
        FIRST + "\n",
        " " + FIRST,
        FIRST + "/D1",
    ],
)
def test_misshapen_license_ids_are_malformed(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_license_id(text)
    assert caught.value.where == "license_id"


@pytest.mark.parametrize(
    "tail",
    [
        "",
        ".",
        ".001",
        ".001.",
        ".000.A",
        ".01.3",
        ".0001.3",
        ".00001.3",
        ".001.m",
        ".001.３",
        ".001.33",
        ".001.3.",
        ".10000.3",
        ".٠٠١.3",
        ".001.3\n",
    ],
)
def test_misshapen_certificate_identifiers_are_malformed(tail: str) -> None:
    with pytest.raises(Malformed):
        parse_certificate_identifier(FIRST + tail)


@pytest.mark.parametrize("version", [-1, 0, 10_000])
def test_versions_outside_1_to_9999_are_malformed(version: int) -> None:
    with pytest.raises(Malformed, match="1 to 9999"):
        certificate_identifier(FIRST, version)


def test_versions_above_999_have_four_digits() -> None:
    assert certificate_identifier(FIRST, 999).split(".")[-2] == "999"
    assert certificate_identifier(FIRST, 1000).split(".")[-2] == "1000"


def test_an_error_never_repeats_the_serial() -> None:
    text = f"{ROOT}.11100000MB0143028R001.11210000999990010U.210102190001010014x"
    with pytest.raises(Malformed) as caught:
        parse_license_id(text)
    assert "210102190001010014" not in str(caught.value)


@given(LICENSES, VERSIONS)
def test_identifiers_round_trip(license_: LicenseId, version: int) -> None:
    text = certificate_identifier(str(license_), version)
    found = parse_certificate_identifier(text)
    assert (found.license, found.version, found.standard) == (license_, version, True)
    assert str(found) == text
    assert parse_license_id(str(license_)) == license_


@given(LICENSES, VERSIONS)
def test_the_check_agrees_with_the_oracle(license_: LicenseId, version: int) -> None:
    text = certificate_identifier(str(license_), version)
    assert mod_37_36.is_valid(text.removeprefix(ROOT).replace(".", ""))


@given(LICENSES, st.integers(1, 999), st.data())
def test_no_substitution_goes_unnoticed(
    license_: LicenseId, version: int, data: st.DataObject
) -> None:
    text = certificate_identifier(str(license_), version)
    index = data.draw(
        st.integers(len(ROOT) + 1, len(text) - 1).filter(lambda at: text[at] != ".")
    )
    char = data.draw(st.sampled_from(UPPER_ALNUM.replace(text[index], "")))
    assert not _standard(text[:index] + char + text[index + 1 :])


def test_no_substitution_in_the_worked_example_goes_unnoticed() -> None:
    text = FIRST + ".001.3"
    places = [at for at in range(len(ROOT) + 1, len(text)) if text[at] != "."]
    changed = [
        text[:at] + char + text[at + 1 :]
        for at in places
        for char in UPPER_ALNUM.replace(text[at], "")
    ]
    assert len(changed) == 59 * 35
    assert not any(map(_standard, changed))


def test_no_adjacent_swap_in_the_worked_example_goes_unnoticed() -> None:
    text = (FIRST + ".001.3").removeprefix(ROOT).replace(".", "")
    swapped = [
        text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        for at in range(len(text) - 1)
        if text[at] != text[at + 1]
    ]
    assert len(swapped) == 29
    assert all(mod_37_36_check(other[:-1]) != other[-1] for other in swapped)


def _standard(text: str) -> bool:
    try:
        return parse_certificate_identifier(text).standard
    except Malformed:
        return False
