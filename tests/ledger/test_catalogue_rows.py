"""Every type file says what the province's own table says, typed a second time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.catalogue import LicenseType
from ledger.subject_codes import uscc_ok
from tests.catalogue_office import CODES, packaged

TABLE = Path(__file__).with_name("catalogue_rows.txt").read_text(encoding="utf-8")
PERMIT_SET = "I C N X R E A W K M"
LETTERS = {
    "I": {"ISSUE"},
    "C": {"CHANGE"},
    "N": {"RENEW"},
    "X": {"REPLACE"},
    "R": {"REISSUE"},
    "S": {"SUSPEND"},
    "P": {"PAUSE"},
    "U": {"RESUME"},
    "E": set(),
    "V": {"REVOKE"},
    "A": {"ANNUL"},
    "W": {"WITHDRAW"},
    "K": {"CANCEL"},
    "M": {"CORRECT"},
    "D": {"DOWNGRADE"},
    "T": {"TRANSFER_OUT", "TRANSFER_IN"},
}
PUBLISHED = {
    3: "11100000000013127D001",
    14: "111000000000131433001",
    27: "11100000000013338W001",
    28: "11100000000013338W011",
    30: "11100000MB03271699001",
    31: "11100000MB03271699022",
    32: "11100000MB0143028R001",
}
"""Type codes seen in public use; the others are placeholders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; ``fields`` as (key, value, mandatory, class)."""

    number: int
    name: str
    holder: str
    acts: frozenset[str]
    fields: tuple[tuple[str, str, bool, int], ...]


def _row(line: str) -> Row:
    number, name, holder, letters, fields = (part.strip() for part in line.split("|"))
    acts: set[str] = set()
    for letter in letters.replace("PS", PERMIT_SET).split():
        acts |= LETTERS[letter]
    parts = (item.partition(":") for item in fields.split())
    return Row(
        number=int(number),
        name=name,
        holder=holder,
        acts=frozenset(acts),
        fields=tuple(
            (key, form[0], form[1] == "!", int(form[2])) for key, _, form in parts
        ),
    )


ROWS = [_row(line) for line in TABLE.splitlines() if not line.startswith("#")]
KINDS = {kind.source_rows: kind for kind in map(packaged, CODES)}


def test_the_catalogue_has_the_fifty_six_rows_once_each() -> None:
    assert [row.number for row in ROWS] == list(range(1, 57))
    assert sorted(KINDS) == list(range(1, 57))
    assert len(CODES) == 56


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_type_is_the_row_of_the_table(row: Row) -> None:
    kind = KINDS[row.number]
    assert kind.name == row.name
    assert kind.holder_category == row.holder
    assert kind.acts == row.acts
    assert _fields(kind) == row.fields


def _fields(kind: LicenseType) -> tuple[tuple[str, str, bool, int], ...]:
    return tuple(
        (name, face.value, face.mandatory, face.data_class)
        for name, face in kind.fields.items()
    )


@pytest.mark.parametrize("number", range(1, 57))
def test_code_is_the_published_one_or_a_placeholder_of_the_row(number: int) -> None:
    kind = KINDS[number]
    published = PUBLISHED.get(number)
    assert kind.code == (published or f"11210000999990010U{number:03}")
    assert kind.code_status == ("published" if published else "placeholder")
    assert uscc_ok(kind.definer)


def test_several_hold_one_license_only_where_the_law_knows_it() -> None:
    several = {n: kind.holders_max for n, kind in KINDS.items() if kind.holders_max > 1}
    assert several == {14: 2, 30: 255, 31: 255}


def test_only_the_construction_permit_bears_two_seals() -> None:
    assert [n for n, kind in KINDS.items() if kind.signatures] == [45]


def test_only_the_safety_permit_extends_itself() -> None:
    assert [n for n, kind in KINDS.items() if kind.auto_extension] == [42]


def test_renewal_leads_are_those_of_the_laws() -> None:
    leads = {
        n: (kind.renewal_window.days, kind.renewal_window.unit)
        for n, kind in sorted(KINDS.items())
        if kind.renewal_window is not None
    }
    working = {n: days for n, (days, unit) in leads.items() if unit == "working"}
    assert working == {33: 15, 34: 30, 37: 30, 50: 30}
    months = {n: days for n, (days, _) in leads.items() if days >= 90}
    assert months == {36: 180, 39: 180, 40: 90, 42: 90, 43: 90, 44: 90}
    assert (leads[21][0], leads[35][0], leads[48][0], leads[49][0]) == (30, 60, 60, 45)
    assert all("RENEW" in KINDS[n].acts for n in leads)


def test_who_may_renew_or_exchange_after_the_end_is_said() -> None:
    assert [n for n, kind in KINDS.items() if kind.late_renewal] == [4]
    graces = {n: k.grace_days for n, k in sorted(KINDS.items()) if k.grace_days != 0}
    assert graces == {
        **dict.fromkeys((3, 5, 16, 55, 56)),
        12: 365,
        24: 180,
    }
    assert all("REPLACE" in KINDS[n].acts for n in graces)


def test_pauses_end_by_filing_and_penalties_by_time() -> None:
    by_filing = {n for n, kind in KINDS.items() if kind.resume_on_application}
    pausing = {n for n, kind in KINDS.items() if "PAUSE" in kind.acts}
    suspending = {n for n, kind in KINDS.items() if "SUSPEND" in kind.acts}
    assert by_filing == pausing
    assert not pausing & suspending


def test_every_type_that_is_renewed_takes_a_decision_that_lies_ahead() -> None:
    for kind in KINDS.values():
        lead = kind.renewal_window
        if lead is not None and lead.unit == "calendar":
            assert kind.horizon_days >= min(lead.days, 90)


def test_one_key_has_one_kind_of_value() -> None:
    """But three: a scope is a sentence here and a list there, never a date or a picture."""
    kinds: dict[str, set[str]] = {}
    for kind in KINDS.values():
        for name, face in kind.fields.items():
            kinds.setdefault(name, set()).add(face.value)
    mixed = {n: "".join(sorted(v)) for n, v in kinds.items() if len(v) > 1}
    assert mixed == {"address": "ls", "scale": "ns", "scope": "lst"}


def test_sole_traders_stand_under_the_keys_that_are_encrypted_for_them() -> None:
    """名称, 法定代表人, 地址 of a 个体工商户 are personal: no type has other keys for them."""
    for kind in KINDS.values():
        for name, face in kind.fields.items():
            if face.zh.partition("（")[0] in ("法定代表人", "住所", "经营场所"):
                assert name in ("legal_rep", "address"), (kind.code, name)
            if face.zh in (
                "单位名称",
                "企业名称",
                "经营者名称",
                "业户名称",
                "机构名称",
            ):
                holder = "employer" if kind.holder_category == "person" else "name"
                assert name == holder, (kind.code, name)


def test_numbers_of_identity_are_never_changed_only_corrected() -> None:
    for kind in KINDS.values():
        for name in ("id_no", "uscc", "number", "reg_no", "unit_no", "vin"):
            face = kind.fields.get(name)
            if face is not None and "CHANGE" in kind.acts:
                assert (face.changeable, face.correctable) == (False, True)
