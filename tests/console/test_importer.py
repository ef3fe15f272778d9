from __future__ import annotations

import csv
import json
from collections import Counter
from os import environ
from pathlib import Path

import pytest

from console.importer import run
from console.importer.mapping import read_mapping
from ledger.errors import Malformed, Refused, Unavailable
from ledger.events import Event
from ledger.lifecycle import shown_state
from ledger.workdays import date_to_day, day_start
from tests.console.import_desk import MemoryDesk, license_id
from tests.console.imports import (
    DEPARTMENT,
    MAPPING,
    csv_file,
    csv_text,
    mapping,
    row,
)

RENEWED = {"Id": "r2", "Kind": "longer", "Done": "01.02.2024", "Until": "31.01.2026"}
CLOSED = {"Status": "closed", "Status_on": "05.06.2024"}


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


def reasons(desk: MemoryDesk, result: run.ImportResult) -> list[tuple[str, str]]:
    """Line and reason of every row in the rejects file."""
    if result.rejects_file is None:
        return []
    with result.rejects_file.open(newline="", encoding="utf-8-sig") as file:
        return [(one["行号 line"], one["代码 code"]) for one in csv.DictReader(file)]


def event_at(desk: MemoryDesk, number: str, index: int) -> Event:
    found = [
        verdict.event
        for verdict in desk.accepted()
        if verdict.event and verdict.event["subject"] == license_id(number)
    ]
    event = found[index]
    assert event is not None
    return event


def test_row_of_two_acts_comes_in_as_two_events_of_one_chain(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    result = desk.run(csv_file(tmp_path, row(**CLOSED)))
    assert desk.acts() == [("ISSUE", "new", "r1"), ("CANCEL", "closed", "r1")]
    assert (result.rows_accepted, result.events_accepted) == (1, 2)
    assert result.rejects_file is None


def test_event_says_what_the_row_said_and_what_is_missing(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    desk.run(csv_file(tmp_path, row()))
    event = event_at(desk, "100", 0)
    assert event["effective_at"] == day_start(date_to_day("2020-02-01"))
    assert event["effective_precision"] == "day"
    assert event["signed_at"] == desk.now()
    assert event["authority"] == DEPARTMENT
    assert event["matter"]["source_system"] == "register"
    assert event["matter"]["source_ref"] == "r1"
    assert event["flags"] == {
        "source_act": "new",
        "missing": {"strings": ["decision=not in source"]},
        "nonstandard": False,
    }
    assert event["decision"] is not None
    assert event["decision"]["reason_code"] == "stock_import"
    assert [(h["kind"], h["code"]) for h in event["holders"]] == [("099", "A-1")]
    fields = {field["name"]: field["value"] for field in event["fields"]}
    assert fields["trade"] == "tea"
    assert fields["valid_until"] == "2025-01-31"
    assert "phone" not in fields
    assert isinstance(fields["name"], bytes)
    assert desk.opened("100", "name") == "白玉兰茶馆"


def test_persons_code_stays_out_of_the_event(desk: MemoryDesk, tmp_path: Path) -> None:
    citizen = "210102190001010014"
    given = MAPPING.replace('kind = "099"', 'kind = "111"').replace(
        'holder_category = "organisation"', 'holder_category = "person"'
    )
    desk.run(csv_file(tmp_path, row(Account=citizen)), given=mapping(given))
    [holder] = event_at(desk, "100", 0)["holders"]
    assert (holder["kind"], holder["code"]) == ("111", "")
    assert not any(citizen.encode() in sent.data for sent in desk.world.records)


def test_first_known_act_that_is_no_issue_comes_in_as_baseline(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    desk.run(csv_file(tmp_path, row(**RENEWED), row(Id="r3", Number="200", Kind="new")))
    assert desk.acts() == [("BASELINE", "longer", "r2")]
    assert desk.acts("200") == [("ISSUE", "new", "r3")]


def test_first_known_act_that_ends_a_license_brings_it_in_ended(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    text = MAPPING.replace('longer = "RENEW"', 'longer = "RENEW"\nshut = "WITHDRAW"')
    text = text.replace('"REVOKE", "CANCEL"', '"REVOKE", "WITHDRAW", "CANCEL"')
    desk.run(csv_file(tmp_path, row(Kind="shut")), given=mapping(text))
    assert desk.acts() == [("BASELINE", "shut", "r1")]
    chain = desk.world.chains["license", license_id("100")]
    assert chain.license is not None
    assert chain.license.terminal == "WDRN"
    assert chain.license.face["trade"].value == "tea"


def test_acts_stand_by_day_then_own_before_status_then_line(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(
        tmp_path,
        row(
            Id="b",
            Kind="longer",
            Done="02.02.2020",
            Status="closed",
            Status_on="03.02.2020",
        ),
        row(Id="c", Kind="longer", Done="03.02.2020"),
        row(Id="a", Done="02.02.2020", Kind="moved"),
        row(Id="n", Done="01.02.2020"),
    )
    result = desk.run(path)
    assert desk.acts() == [
        ("ISSUE", "new", "n"),
        ("RENEW", "longer", "b"),
        ("CHANGE", "moved", "a"),
        ("RENEW", "longer", "c"),
        ("CANCEL", "closed", "b"),
    ]
    assert result.rows_accepted == 4


def test_act_without_face_takes_nothing_along_and_empty_cells_say_nothing(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    desk.run(csv_file(tmp_path, row(), row(**RENEWED, Trade="", Seats="7", **CLOSED)))
    chain = desk.world.chains["license", license_id("100")]
    assert chain.license is not None
    assert chain.license.face["trade"].value == "tea"
    assert chain.license.face["seats"].value == 7
    assert list(chain.acts[2].fields) == []


def test_same_act_on_the_same_day_from_two_rows_is_one_event(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, row(**CLOSED), row(**RENEWED, **CLOSED), row(Id="r3"))
    result = desk.run(path)
    assert desk.acts() == [
        ("ISSUE", "new", "r1"),
        ("RENEW", "longer", "r2"),
        ("CANCEL", "closed", "r1"),
    ]
    assert (result.rows_accepted, result.rows_unchanged) == (2, 1)
    again = desk.run(path)
    assert (again.rows_unchanged, again.events_accepted) == (3, 0)


def test_row_comes_in_with_all_its_acts_or_none(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    # r1 closes the license twice over: r2's closing is refused, so its renewal goes too.
    path = csv_file(
        tmp_path,
        row(**CLOSED),
        row(**RENEWED, Status="closed", Status_on="06.06.2024"),
    )
    result = desk.run(path)
    assert desk.acts() == [("ISSUE", "new", "r1"), ("CANCEL", "closed", "r1")]
    assert reasons(desk, result) == [("3", "illegal_transition")]
    assert (result.events_refused, result.rows_rejected) == (0, 1)


def test_first_known_that_cannot_be_holds_the_rows_behind_it(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    # The first act of all is a ban, which brings the license in ended. Its row's own act
    # cannot follow that, so the row goes; none behind it may open the license instead,
    # or the mended row could never come in.
    path = csv_file(
        tmp_path,
        row(Id="old", Kind="moved", Account="other", Done="01.01.2019", Number="7"),
        row(
            Id="twice",
            Kind="longer",
            Done="15.12.2018",
            Number="7",
            Account="other",
            Status="banned",
            Status_on="01.12.2018",
        ),
        row(Id="kept", Kind="longer", Done="01.02.2020", Number="7", Account="other"),
    )
    result = desk.run(path)
    assert desk.acts("7") == []
    assert reasons(desk, result) == [
        ("2", "waits_for_row"),
        ("3", "illegal_transition"),
        ("4", "waits_for_row"),
    ]


def test_second_run_of_the_same_file_changes_nothing(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(
        tmp_path,
        row(**CLOSED),
        row(**RENEWED),
        row(Id="bad", Until="01.01.2020"),
        row(Id="other", Number="200", Account="A-2"),
    )
    first = desk.run(path)
    second = desk.run(path)
    assert (first.rows_accepted, first.events_accepted) == (3, 4)
    assert second.document == {
        "rows": 4,
        "rows_accepted": 0,
        "rows_rejected": 1,
        "rows_unchanged": 3,
        "rows_legacy": 0,
        "events_accepted": 0,
        "events_refused": 0,
        "reasons": {"ends_before_start": 1},
        "rejects_file": str(second.rejects_file),
        "seconds": 1.0,
    }
    assert second.rejects_file == first.rejects_file
    assert json.loads(json.dumps(second.document)) == second.document


@pytest.mark.parametrize(
    "changes",
    [
        {"Name": "另一家茶馆"},
        {"Trade": "coffee"},
        {"Trade": ""},
        {"Seats": "4"},
        {"Until": ""},
        {"Done": "02.02.2020"},
        {"Account": "A-9"},
        {"Status_on": "06.06.2024"},
        {"Number": "101"},
    ],
)
def test_known_row_that_differs_now_is_row_changed(
    desk: MemoryDesk, tmp_path: Path, changes: dict[str, str]
) -> None:
    desk.run(csv_file(tmp_path, row(**CLOSED)))
    before = len(desk.world.records)
    result = desk.run(csv_file(tmp_path, row(**(CLOSED | changes)), name="new.csv"))
    assert reasons(desk, result) == [("2", "row_changed")]
    assert len(desk.world.records) == before
    assert result.rows_rejected == 1


def test_comparing_known_rows_draws_no_refs(desk: MemoryDesk, tmp_path: Path) -> None:
    desk.run(csv_file(tmp_path, row()))
    desk.run(csv_file(tmp_path, row(Account="A-9"), name="new.csv"))
    assert list(desk.keys.refs) == [("099", "A-1")]


def test_act_new_to_a_known_row_is_imported(desk: MemoryDesk, tmp_path: Path) -> None:
    desk.run(csv_file(tmp_path, row()))
    result = desk.run(csv_file(tmp_path, row(**CLOSED), name="new.csv"))
    assert desk.acts() == [("ISSUE", "new", "r1"), ("CANCEL", "closed", "r1")]
    assert (result.rows_accepted, result.events_accepted) == (1, 1)


def test_new_row_of_a_known_license_goes_on_behind_its_head(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    desk.run(csv_file(tmp_path, row()))
    result = desk.run(csv_file(tmp_path, row(**RENEWED), name="new.csv"))
    assert desk.acts() == [("ISSUE", "new", "r1"), ("RENEW", "longer", "r2")]
    assert result.rows_accepted == 1


def test_issue_found_after_the_license_came_in_as_baseline_is_refused(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    desk.run(csv_file(tmp_path, row(**RENEWED)))
    result = desk.run(csv_file(tmp_path, row(), name="older.csv"))
    assert reasons(desk, result) == [("2", "illegal_transition")]


def test_row_whose_key_was_destroyed_can_neither_be_compared_nor_go_on(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    desk.run(csv_file(tmp_path, row(), row(Id="r9", Number="900")))
    desk.keys.destroy(desk.keys.refs["099", "A-1"], license_id("100"))
    result = desk.run(
        csv_file(
            tmp_path,
            row(Name="另一家茶馆"),
            row(**RENEWED),
            row(Id="r9", Number="900", **CLOSED),
            name="new.csv",
        )
    )
    assert reasons(desk, result) == [("3", "key_destroyed")]
    assert (result.rows_unchanged, result.rows_accepted) == (1, 1)
    assert desk.acts("900")[-1][0] == "CANCEL"


def test_row_key_twice_in_a_file_must_say_the_same(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(
        tmp_path,
        row(),
        row(),
        row(Trade="coffee"),
        row(Number="200"),
        row(**CLOSED),
    )
    result = desk.run(path)
    assert reasons(desk, result) == [("4", "key_twice"), ("5", "key_twice")]
    assert (result.rows_accepted, result.rows_unchanged) == (2, 1)
    assert desk.acts() == [("ISSUE", "new", "r1"), ("CANCEL", "closed", "r1")]


def test_event_refused_after_the_try_costs_its_row_and_is_counted(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, row(**CLOSED), row(Id="r2", Number="200"))
    publish = desk.publish

    def somebody_is_faster(signed: object) -> None:
        desk.publish = publish  # type: ignore[method-assign]
        rival = tmp_path / "rival"
        rival.mkdir()
        desk.run(csv_file(rival, row(Id="x")))
        publish(signed)  # type: ignore[arg-type]

    desk.run(csv_file(tmp_path, row(Id="y", Number="300"), name="type.csv"))
    desk.publish = somebody_is_faster  # type: ignore[method-assign]
    result = desk.run(path)
    assert reasons(desk, result) == [("2", "stale")]
    assert (result.events_accepted, result.events_refused) == (1, 2)
    assert (result.rows_accepted, result.rows_rejected) == (1, 1)


def test_rows_are_accounted_for_and_rejects_named_by_the_files_digest(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(csv_text(row(Trade="=cmd()"), row(Id="b", Done="?")) + "a,b\n")
    result = desk.run(path)
    assert result.rows == 3 == result.rows_accepted + result.rows_rejected
    assert result.rejects_file is not None
    assert len(result.rejects_file.stem) == 64
    assert result.rejects_file.stat().st_mode & 0o777 == 0o600
    assert reasons(desk, result) == [("3", "not_a_date"), ("4", "wrong_column_count")]
    assert desk.opened("100", "trade") == "=cmd()"


def test_rejects_file_goes_when_the_same_file_is_taken_whole_later(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    moved = row(Id="r3", Kind="moved", Done="01.06.2025", Until="31.01.2026")
    path = csv_file(tmp_path, row(), moved)
    first = desk.run(path)
    assert reasons(desk, first) == [("3", "illegal_transition")]
    desk.run(csv_file(tmp_path, row(**RENEWED), name="renewal.csv"))
    again = desk.run(path)
    assert (again.rows_accepted, again.rejects_file) == (1, None)
    assert first.rejects_file is not None
    assert not first.rejects_file.exists()


def test_rejects_that_were_mended_go_in_with_the_same_mapping(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(
        tmp_path,
        row(),
        row(Id="0042", Number="200", Trade="=1+1", Done="?", Account="123456789012345"),
        row(Id="r3", Number="300", Until="01.01.2019", Name="𠮷野家\ue5f1"),
    )
    first = desk.run(path)
    assert first.rejects_file is not None
    text = first.rejects_file.read_text(encoding="utf-8")
    mended = tmp_path / "mended.csv"
    # As spreadsheets in China save it: GB18030, no byte order mark.
    mended.write_bytes(
        text.removeprefix("\ufeff")
        .replace(",?,", ",03.02.2020,")
        .replace("01.01.2019", "01.01.2029")
        .encode("gb18030")
    )
    second = desk.run(mended)
    assert (second.rows, second.rows_accepted) == (2, 2)
    assert desk.acts("200") == [("ISSUE", "new", "0042")]
    assert desk.opened("200", "trade") == "=1+1"
    assert ("099", "123456789012345") in desk.keys.refs
    assert desk.opened("300", "name") == "𠮷野家\ue5f1"
    third = desk.run(path)
    assert (third.rows_unchanged, third.rows_rejected) == (1, 2)


def test_list_without_a_column_of_acts_comes_in_as_it_stands(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    start, end = MAPPING.index("[[acts]]"), MAPPING.index('[[acts]]\ncolumn = "Status"')
    always = '[[acts]]\nalways = "BASELINE"\ndate = "Done"\nface = true\n\n'
    given = mapping(MAPPING[:start] + always + MAPPING[end:])
    path = csv_file(tmp_path, row(**CLOSED), row(Id="r2", Number="200"))
    result = desk.run(path, given=given)
    assert result.rows_accepted == 2
    assert desk.acts() == [
        ("BASELINE", "BASELINE", "r1"),
        ("CANCEL", "closed", "r1"),
    ]
    assert desk.run(path, given=given).rows_unchanged == 2


@pytest.mark.parametrize("dies_after", range(6))
def test_import_that_died_anywhere_goes_on_where_it_stopped(
    tmp_path: Path, dies_after: int
) -> None:
    path = csv_file(
        tmp_path,
        row(**CLOSED),
        row(**RENEWED),
        row(Id="o", Number="200", **CLOSED),
    )
    desk = MemoryDesk()
    desk.dies_after = dies_after
    with pytest.raises(Unavailable):
        desk.run(path)
    desk.dies_after = None
    result = desk.run(path)
    assert result.rows_rejected == 0
    assert desk.acts() == [
        ("ISSUE", "new", "r1"),
        ("RENEW", "longer", "r2"),
        ("CANCEL", "closed", "r1"),
    ]
    assert desk.acts("200") == [("ISSUE", "new", "o"), ("CANCEL", "closed", "o")]
    assert {sent.code for sent in desk.world.records} == {"accepted"}


def test_what_is_staged_is_gone_after_success_and_after_failure(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, row())
    desk.dies_after = 0
    with pytest.raises(Unavailable):
        desk.run(path)
    assert list((tmp_path / "ledger" / "staging").iterdir()) == []
    desk.dies_after = None
    desk.run(path)
    assert list((tmp_path / "ledger" / "staging").iterdir()) == []


def test_licenses_are_planned_and_published_some_at_a_time(
    desk: MemoryDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "ROWS_AT_ONCE", 10)
    rows = [row(Id=f"r{n}", Number=str(n), **CLOSED) for n in range(95)]
    told: list[str] = []
    result = desk.run(csv_file(tmp_path, *rows), told=told)
    assert (result.rows_accepted, result.events_accepted) == (95, 190)
    assert max(desk.asked) == 10
    assert desk.batches == [1, *[20] * 9, 10]
    assert told[0].startswith("reading ")
    assert told[-1] == "importing 95/95"


def test_type_is_brought_once_and_changed_when_the_mapping_changes(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    code = f"{DEPARTMENT}900"
    desk.run(csv_file(tmp_path, row()))
    desk.run(csv_file(tmp_path, row(Id="r5", Number="200"), name="b.csv"))
    assert len(desk.registry().chain(f"type:{code}")) == 1
    changed = mapping(MAPPING.replace('"登记许可"', '"登记许可(新)"'))
    result = desk.run(
        csv_file(tmp_path, row(), row(**RENEWED), name="c.csv"), given=changed
    )
    kind = desk.registry().license_type(code)
    assert kind is not None
    assert (kind.version, kind.name) == (2, "登记许可(新)")
    assert (result.rows_unchanged, result.rows_accepted) == (1, 1)


def test_type_that_the_ledger_has_is_used_by_its_code(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    desk.run(csv_file(tmp_path, row()))
    text = MAPPING[: MAPPING.index("[type]")].replace(
        'type_sequence = "900"', f'type_code = "{DEPARTMENT}900"'
    )
    result = desk.run(csv_file(tmp_path, row(), name="b.csv"), given=mapping(text))
    assert result.rows_unchanged == 1
    unknown = mapping(text.replace("900", "901"))
    with pytest.raises(Malformed, match="no such license type"):
        desk.run(csv_file(tmp_path, row(), name="c.csv"), given=unknown)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('trade = "Trade"', 'branch = "Trade"', "does not have"),
        ('name = "Name"\n', "", "mandatory fields without a column"),
        ('"Seats"', '["Seats", "Area"]', "for a field that is no list"),
        ('"Seats"', '{ column = "Seats", folder = "x" }', "a folder of pictures"),
        ('"Seats"', '{ always = "some" }', "not a value of this field"),
        ('"RENEW", "REVOKE"', '"REVOKE"', "acts that the type does not allow"),
        ('category = "organisation"', 'category = "person"', "kind of holder"),
        ('code_status = "foreign"', 'code_status = "?"', "contradicts itself"),
        ('name = "登记许可"', 'name = "登记许可"\ncode = "1"', "code and definer"),
    ],
)
def test_mapping_and_type_that_disagree_are_malformed_with_nothing_done(
    desk: MemoryDesk, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    before = len(desk.world.records)
    assert old in MAPPING
    with pytest.raises(Malformed, match=reason):
        desk.run(csv_file(tmp_path, row()), given=mapping(MAPPING.replace(old, new, 1)))
    assert len(desk.world.records) == before


def test_department_that_may_not_define_types_is_refused(tmp_path: Path) -> None:
    desk = MemoryDesk()
    world = desk.world
    event = world.registry_event(
        f"authority:{DEPARTMENT}", "CHANGE", {"roles": {"strings": ["publisher"]}}
    )
    world.accept(world.sign(event, "root"))
    with pytest.raises(Refused) as caught:
        desk.run(csv_file(tmp_path, row()))
    assert caught.value.code == "not_authorised"


def test_file_without_a_mapped_column_is_malformed_with_nothing_done(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    before = len(desk.world.records)
    path = tmp_path / "stock.csv"
    path.write_text(csv_text(row()).replace("Until", "To"))
    with pytest.raises(Malformed, match="lacks mapped columns") as caught:
        desk.run(path)
    assert caught.value.expected == "Until"
    assert len(desk.world.records) == before
    assert not (tmp_path / "ledger" / "rejects").exists()


def test_file_of_nothing_but_mistakes_brings_no_type(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    before = len(desk.world.records)
    result = desk.run(csv_file(tmp_path, row(Done="?")))
    assert (result.rows_rejected, len(desk.world.records)) == (1, before)


def test_no_value_of_a_row_stands_in_clear_in_the_log(
    desk: MemoryDesk, tmp_path: Path
) -> None:
    desk.run(csv_file(tmp_path, row(Phone="13800138000")))
    carried = b"".join(sent.data for sent in desk.world.records)
    assert "白玉兰茶馆".encode() not in carried
    assert b"13800138000" not in carried
    assert b"tea" in carried


def states(desk: MemoryDesk, day: str) -> Counter[str]:
    """Licenses by the state they show on a day."""
    return Counter(
        str(shown_state(chain.license, date_to_day(day)))
        for (name, _), chain in desk.world.chains.items()
        if name == "license" and chain.license is not None
    )


@pytest.fixture
def sample() -> Path:
    given = environ.get("LICENSE_LEDGER_SAMPLE")
    beside = Path(__file__).parents[3] / "shared" / "data"
    path = Path(given) if given else beside / "chicago_business_licenses_sample.csv"
    if not path.exists():
        pytest.skip("no LICENSE_LEDGER_SAMPLE: the city's record is not here")
    return path


@pytest.mark.slow
def test_real_record_comes_in_with_every_row_accounted_for(
    sample: Path, tmp_path: Path
) -> None:
    example = Path(__file__).parents[2] / "docs/examples/chicago_business_licenses.toml"
    desk = MemoryDesk()
    desk.world.now = day_start(date_to_day("2026-11-23"))
    (tmp_path / "link.csv").symlink_to(sample)
    result = desk.run(tmp_path / "link.csv", given=read_mapping(example))
    assert result.document | {"rejects_file": None, "seconds": None} == {
        "rows": 10_000,
        "rows_accepted": 9_970,
        "rows_rejected": 30,
        "rows_unchanged": 0,
        "rows_legacy": 0,
        "events_accepted": 10_682,
        "events_refused": 0,
        "reasons": {"ends_before_start": 28, "missing_value": 1, "waits_for_row": 1},
        "rejects_file": None,
        "seconds": None,
    }
    acts = Counter(v.act.act for v in desk.accepted() if v.act is not None)
    assert acts == {
        "ISSUE": 2_163,
        "BASELINE": 7_515,
        "CANCEL": 703,
        "RENEW": 291,
        "REVOKE": 9,
        "CHANGE": 1,
    }
    assert states(desk, "2026-11-23") == {
        "EXP": 8_967,
        "CANC": 703,
        "REVD": 8,
    }
    again = desk.run(tmp_path / "link.csv", given=read_mapping(example))
    assert (again.rows_accepted, again.events_accepted) == (0, 0)
    assert (again.rows_unchanged, again.rows_rejected) == (9_970, 30)
