"""How values are spelt in China's registers, and what spreadsheets do to them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.importer.cells import digits_lost, half_width, number_text, scientific
from console.importer.dates import YEAR_FIRST, DateForm
from console.importer.reasons import IMPORT_REASONS, said
from ledger.errors import Malformed
from ledger.refusals import REFUSALS
from tests.console.imports import MAPPING, csv_file, mapping, read_rows, row

CITIZEN = "210102190001010014"
DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 12, 31))
FULL = str.maketrans("0123456789./-()", "０１２３４５６７８９．／－（）")


def person() -> str:
    """The test mapping, its licenses held by citizens and its days year first."""
    text = MAPPING.replace('kind = "099"', 'kind = "111"').replace(
        'holder_category = "organisation"', 'holder_category = "person"'
    )
    return text.replace('"DD.MM.YYYY"', f'"{YEAR_FIRST}"')


def person_row(**changes: str) -> dict[str, str]:
    days = {"Done": "2020-2-1", "From": "2020年2月1日", "Until": "长期"}
    return row(**{"Account": CITIZEN, **days, **changes})


@given(DAYS, st.sampled_from(["{y}-{m}-{d}", "{y}/{m}/{d}", "{y}.{m}.{d}"]))
def test_day_in_any_year_first_spelling_is_the_same_day(day: date, spelt: str) -> None:
    form = DateForm.parse(YEAR_FIRST, where="dates")
    chinese = f"{day.year}年{day.month}月{day.day}日"
    plain = spelt.format(y=day.year, m=day.month, d=day.day)
    for text in (plain, chinese, f"{day:%Y%m%d}", f"{day.isoformat()} 10:20:30"):
        for written in (text, text.translate(FULL)):
            assert form.read(written) == day.isoformat()


@given(DAYS, st.sampled_from(["DD.MM.YYYY", "MM/DD/YYYY", "YYYYMMDD", YEAR_FIRST]))
def test_day_that_is_written_is_read_again(day: date, pattern: str) -> None:
    form = DateForm.parse(pattern, where="dates")
    assert form.read(form.write(day)) == day.isoformat()


@pytest.mark.parametrize(
    "text",
    [
        *("2022-9/1", "22.9.1", "2022.13.1", "2022年9月", "202291", "9.1.2022"),
        *("2022-09-01T00:00:00Z", "2022-02-30", "44805", "长期", "", "=NOW()"),
    ],
)
def test_text_that_is_no_day_year_first_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="not a day"):
        DateForm.parse(YEAR_FIRST, where="dates").read(text)


@pytest.mark.parametrize(
    "text", ["长期", "长期有效", "永久", "9999-12-31", "99991231", "9999年12月31日", ""]
)
def test_term_without_a_last_day_has_no_end(tmp_path: Path, text: str) -> None:
    path = csv_file(tmp_path, person_row(Until=text))
    [found], _ = read_rows(path, mapping(person()))
    assert found.values["valid_until"] is None
    assert found.values["valid_from"] == "2020-02-01"


def test_own_words_for_no_end_replace_the_usual_ones(tmp_path: Path) -> None:
    text = person().replace('until = "Until"', 'until = "Until"\nno_end = ["∞"]')
    path = csv_file(tmp_path, person_row(Until="∞"), person_row(Id="b"))
    good, [bad] = read_rows(path, mapping(text))
    assert (len(good), bad.reason) == (1, "not_a_date")


def test_full_width_is_read_as_ascii_where_a_code_is_expected(tmp_path: Path) -> None:
    changes = {
        "Account": "２１０１０２１９０００１０１００１４",
        "Number": "ＬＮ１００",
        "Seats": "４０",
        "Area": "１２．５",
        "Phone": "１３８００１３８０００",
        "Name": "茶馆（Ａ座）１号",
        "Done": "２０２０．２．１",
    }
    path = csv_file(tmp_path, person_row(**changes))
    [found], rejects = read_rows(path, mapping(person()))
    assert rejects == []
    assert found.holder_code == CITIZEN
    assert found.license_id.endswith(".LN100")
    assert (found.values["seats"], found.values["area_m2"]) == (40, "12.5")
    assert found.values["phone"] == "13800138000"
    # A name is no code: every character stays as it is.
    assert found.values["name"] == "茶馆（Ａ座）１号"


def test_free_holder_codes_keep_their_letters(tmp_path: Path) -> None:
    [found], _ = read_rows(csv_file(tmp_path, row(Account="政字第１２３号")))
    assert found.holder_code == "政字第１２３号"


def test_fifteen_digit_citizen_number_is_a_holders_code_as_it_is(
    tmp_path: Path,
) -> None:
    path = csv_file(tmp_path, person_row(Account="210102490101001"))
    [found], _ = read_rows(path, mapping(person()))
    assert found.holder_code == "210102490101001"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2.10102E+17", "scientific_number"),
        ("2.10102e+17", "scientific_number"),
        ("210102490101001000", "digits_lost"),
        ("210102190001010015", "not_a_holder_code"),
        ("#N/A", "formula_error"),
    ],
)
def test_mangled_holder_code_is_rejected_by_name(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = csv_file(tmp_path, person_row(Account=text))
    _, [reject] = read_rows(path, mapping(person()))
    assert (reject.column, reject.reason) == ("Account", reason)
    assert text not in repr(reject)


@pytest.mark.parametrize("column", ["Id", "Number", "Name", "Trade", "Phone", "Done"])
def test_scientific_number_is_rejected_in_every_mapped_column(
    tmp_path: Path, column: str
) -> None:
    _, [reject] = read_rows(csv_file(tmp_path, row(**{column: "2.1010E+17"})))
    assert (reject.column, reject.reason) == (column, "scientific_number")


def test_names_that_only_look_like_numbers_are_names() -> None:
    assert not any(map(scientific, ["E+17", "3E", "2.1E17座", "A2.1E+17", "1E+1"]))
    assert not any(map(digits_lost, ["210102000000000", "2101021900010100140", "000"]))


@given(st.integers(min_value=-(10**15) + 1, max_value=10**15 - 1))
def test_whole_number_of_a_sheet_keeps_every_digit(number: int) -> None:
    assert number_text(float(number)) == str(number)


@given(st.decimals(min_value=0, max_value=10**6, places=4))
def test_decimal_of_a_sheet_is_written_without_exponent(number: object) -> None:
    text = number_text(float(str(number)))
    assert float(text) == float(str(number))
    assert "e" not in text.lower()


@given(st.floats(min_value=1e15, max_value=1e30))
def test_number_beyond_fifteen_digits_is_known_to_be_lost(number: float) -> None:
    assert scientific(number_text(number))


@given(st.text())
def test_half_width_changes_full_width_characters_alone(text: str) -> None:
    assert half_width(half_width(text)) == half_width(text)
    kept = [char for char in text if not "！" <= char <= "～" and char != "\u3000"]
    assert [c for c in half_width(text) if ord(c) > 0x7E] == [
        c for c in kept if ord(c) > 0x7E
    ]


def test_every_reason_is_said_in_chinese_and_in_english() -> None:
    for code in (*IMPORT_REASONS, *REFUSALS):
        zh, en = said(code)
        assert any("\u4e00" <= char <= "\u9fff" for char in zh)
        assert en.isascii()


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("２０２５０１０１", "20250101"),
        ("ＡＢ－１２（３）", "AB-12(3)"),
        ("ＡＢＣ", "ＡＢＣ"),
        ("茶馆１号", "茶馆１号"),
        ("tea\u00a0", "tea"),
        ("\u200btea\ufeff", "tea"),
    ],
)
def test_number_in_full_width_is_a_number_and_any_other_text_itself(
    tmp_path: Path, cell: str, value: str
) -> None:
    [found], _ = read_rows(csv_file(tmp_path, row(Trade=cell)))
    assert found.values["trade"] == value
