from __future__ import annotations

from pathlib import Path

import pytest

from console.importer.dates import DateForm
from console.importer.license_type import check_fits
from console.importer.mapping import read_mapping
from ledger.errors import Malformed
from tests.console.imports import MAPPING, kind_of, mapping

EXAMPLE = Path(__file__).parents[2] / "docs/examples/chicago_business_licenses.toml"


def without(text: str) -> str:
    assert text in MAPPING
    return MAPPING.replace(text, "", 1)


def swapped(old: str, new: str) -> str:
    assert old in MAPPING
    return MAPPING.replace(old, new, 1)


def test_example_mapping_reads_and_its_type_is_whole() -> None:
    found = read_mapping(EXAMPLE)
    kind = kind_of(found)
    assert found.system == "chicago"
    assert found.acts[0].values["C_SBA"] == "CHANGE"
    assert found.acts[1].skip == {"AAI"}
    assert set(kind.fields) == set(found.fields)
    assert [name for name, face in kind.fields.items() if face.data_class == 3] == [
        "legal_name",
        "doing_business_as",
        "address",
    ]


def test_columns_are_all_that_the_mapping_reads() -> None:
    assert mapping().columns == frozenset(
        [
            "Id",
            "Number",
            "Account",
            "Name",
            "Trade",
            "Seats",
            "Area",
            "Built",
            "Phone",
            "Kind",
            "Done",
            "From",
            "Until",
            "Status",
        ]
    ) | {"Status on"}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (without('row_key = "Id"\n'), "test.toml: source: row_key"),
        (without('serial = "Number"\n'), "test.toml: license: serial"),
        (swapped('row_key = "Id"', 'row_key = ""'), "test.toml: source: row_key"),
        (swapped('row_key = "Id"', "row_key = 7"), "test.toml: source: row_key"),
        (swapped('row_key = "Id"', 'row_kei = "Id"'), "test.toml: source: row_key"),
        (
            swapped('row_key = "Id"', 'row_key = "Id"\nrow_kei = ""'),
            "test.toml: source",
        ),
        (swapped("[fields]", "[felder]"), "test.toml: fields"),
        (swapped('"register"', '"Das Register"'), "test.toml: source: system"),
        (swapped('"DD.MM.YYYY"', '"DD.MM"'), "test.toml: source: dates"),
        (swapped('kind = "099"', 'kind = "9"'), "test.toml: holder: kind"),
        (swapped('"900"', '"90x"'), "test.toml: license: type_sequence"),
        (without('type_sequence = "900"\n'), "test.toml: license: type_code"),
        (swapped('new = "ISSUE"', 'new = "PAUSE"'), "test.toml: acts[1]: values: new"),
        (swapped('skip = ["ok", ""]', 'skip = "ok"'), "test.toml: acts[2]: skip"),
        (swapped("face = true", 'face = "yes"'), "test.toml: acts[1]: face"),
        (swapped('closed = "CANCEL"', 'new = "CANCEL"'), "test.toml"),
        ("[source\n", "test.toml"),
        ("acts = 3\n" + MAPPING[: MAPPING.index("[[acts]]")], "test.toml: acts"),
    ],
)
def test_mapping_with_a_mistake_is_malformed_and_names_the_place(
    text: str, where: str
) -> None:
    with pytest.raises(Malformed) as caught:
        mapping(text)
    assert caught.value.where == where


def test_value_of_two_acts_names_both_and_their_columns() -> None:
    with pytest.raises(Malformed) as caught:
        mapping(swapped('closed = "CANCEL"', 'new = "CANCEL"'))
    assert caught.value.found == "new = ISSUE and CANCEL"
    assert caught.value.expected == "the same act for it in Kind and in Status"


def test_missing_mapping_file_is_malformed(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="cannot be read"):
        read_mapping(tmp_path / "none.toml")


def test_mapping_that_is_not_utf8_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_bytes(b"[source]\nsystem = '\xff'\n")
    with pytest.raises(Malformed, match="UnicodeDecodeError"):
        read_mapping(path)


@pytest.mark.parametrize(
    ("pattern", "text", "day"),
    [
        ("MM/DD/YYYY", "02/29/2020", "2020-02-29"),
        ("YYYY-MM-DD", "1900-01-01", "1900-01-01"),
        ("YYYYMMDD", "22001231", "2200-12-31"),
        ("DD.MM.YYYY", "01.02.2020", "2020-02-01"),
    ],
)
def test_days_are_read_by_their_pattern(pattern: str, text: str, day: str) -> None:
    assert DateForm.parse(pattern, where="dates").read(text) == day


@pytest.mark.parametrize(
    "text",
    ["2/29/2020", "02/30/2020", "02-29-2020", "02/29/1899", "٠٢/29/2020", "", "=now()"],
)
def test_text_that_is_no_such_day_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="not a day"):
        DateForm.parse("MM/DD/YYYY", where="dates").read(text)


@pytest.mark.parametrize("pattern", ["", "YYYY", "YYYY-MM-DD-DD", "YYYY年MM月DD"])
def test_pattern_without_each_part_once_is_malformed(pattern: str) -> None:
    with pytest.raises(Malformed, match="not a form of dates"):
        DateForm.parse(pattern, where="dates")


def test_column_of_acts_that_says_none_is_no_act(tmp_path: Path) -> None:
    text = MAPPING.replace('closed = "CANCEL"\nbanned = "REVOKE"', 'x = "SKIP"')
    given = mapping(text)
    assert given.acts[1].told == {}
    check_fits(given, kind_of(given))


def test_mapping_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING, encoding="utf-8-sig")
    assert read_mapping(path).system == "register"
    path.write_text(MAPPING, encoding="gb18030")
    with pytest.raises(Malformed) as caught:
        read_mapping(path)
    assert caught.value.code == "file_encoding"
