from __future__ import annotations

from pathlib import Path

import pytest

from console.importer import staging
from console.importer.rejects import Reject
from console.importer.source_row import SourceAct, SourceRow
from console.importer.staging import Staging
from ledger.errors import Unavailable
from tests.fixed import Chance

HIDDEN = "白玉兰茶馆"


def stage(folder: Path) -> Staging:
    return Staging(folder, Chance("staging"))


def staged_row(line: int, number: str, key: str = "") -> SourceRow:
    return SourceRow(
        line=line,
        key=key or f"key {line}",
        license_id=f"license {number}",
        holder_code=HIDDEN,
        values={"name": HIDDEN, "seats": 4, "phone": None},
        acts=(SourceAct(day=1, order=0, source_act="new", act="ISSUE", face=True),),
    )


def test_rows_come_back_by_license_and_line_as_they_went_in(tmp_path: Path) -> None:
    rows = [staged_row(n, str(n % 7)) for n in range(2, 100)]
    with stage(tmp_path) as one:
        for row in reversed(rows):
            one.add(row)
        one.sort()
        found = [license_ for bundle in one.groups(10) for license_ in bundle]
    assert len(found) == 7
    assert all(len({row.license_id for row in rows}) == 1 for rows in found)
    assert all([r.line for r in f] == sorted(r.line for r in f) for f in found)
    assert sorted((r for f in found for r in f), key=lambda r: r.line) == rows


def test_no_more_rows_are_held_than_asked_for_and_one_license(tmp_path: Path) -> None:
    with stage(tmp_path) as one:
        for line in range(2, 2_002):
            one.add(staged_row(line, str(line // 3)))
        one.sort()
        sizes = [sum(map(len, bundle)) for bundle in one.groups(50)]
    assert sum(sizes) == one.rows == 2_000
    assert max(sizes) <= 52
    assert len(sizes) >= 38


def test_order_does_not_depend_on_the_key_of_the_process(tmp_path: Path) -> None:
    orders = []
    for name in ("one", "other"):
        with Staging(tmp_path / name, Chance(name)) as one:
            for line in range(2, 50):
                one.add(staged_row(line, str(line)))
            one.sort()
            orders.append([g[0].line for bundle in one.groups(5) for g in bundle])
    assert orders[0] == orders[1]


def test_file_on_disk_holds_no_value_in_clear_and_only_its_owner_reads_it(
    tmp_path: Path,
) -> None:
    with stage(tmp_path / "staging") as one:
        for line in range(2, 3_000):
            one.add(staged_row(line, str(line)))
        one.sort()
        [file] = (tmp_path / "staging").iterdir()
        held = file.read_bytes()
        assert len(held) > 100_000
        assert HIDDEN.encode() not in held
        assert b"license 7" not in held
        assert b"key 7" not in held
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "staging").iterdir()) == []


def test_what_a_crash_left_is_removed_by_the_next_import(tmp_path: Path) -> None:
    (tmp_path / "0123456789abcdef.stage").write_bytes(b"noise")
    with stage(tmp_path):
        assert [file.name for file in tmp_path.iterdir()] != ["0123456789abcdef.stage"]
        assert len(list(tmp_path.iterdir())) == 1


def test_row_key_under_two_licenses_stays_with_the_first(tmp_path: Path) -> None:
    with stage(tmp_path) as one:
        one.add(staged_row(2, "1", key="k"))
        one.add(staged_row(3, "2", key="k"))
        one.add(staged_row(4, "1", key="k"))
        one.add(staged_row(5, "2", key="other"))
        one.sort()
        lines = sorted(
            row.line for bundle in one.groups(9) for rows in bundle for row in rows
        )
        rejects = list(one.rejects())
    assert lines == [2, 4, 5]
    assert one.rows == 3
    assert [(reject.line, reject.reason) for reject, _ in rejects] == [(3, "key_twice")]


def test_rows_above_what_a_chain_could_hold_are_rejected_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "CHAIN_ROWS_MAX", 5)
    with stage(tmp_path) as one:
        for line in range(2, 10):
            one.add(staged_row(line, "1"))
        one.sort()
        [[rows]] = one.groups(100)
        assert [row.line for row in rows] == [2, 3, 4, 5, 6]
        assert [(r.line, r.reason) for r, _ in one.rejects()] == [
            (7, "chain_full"),
            (8, "chain_full"),
            (9, "chain_full"),
        ]


def test_first_reason_of_a_row_is_kept_and_rejects_come_by_line(tmp_path: Path) -> None:
    with stage(tmp_path) as one:
        for line, reason in ((9, "late"), (3, "first"), (3, "second")):
            one.reject(Reject(line=line, column="c", reason=reason, expected="e"))
        assert [(r.line, r.reason) for r, _ in one.rejects()] == [
            (3, "first"),
            (9, "late"),
        ]


def test_cells_of_rejected_rows_come_back_as_they_were(tmp_path: Path) -> None:
    cells = {line: [f"{HIDDEN}{line}", "", "\ue5f1𠮷"] for line in range(2, 2_700, 2)}
    wide = [HIDDEN * 300_000]
    rejected = (2, 4, 1_000, 2_002, 2_004, 2_698, 3_000)
    with stage(tmp_path) as one:
        for line in reversed(rejected):
            one.reject(Reject(line=line, column="", reason="r", expected=""))
        for line, kept in cells.items():
            one.keep(line, kept)
        one.keep(3_000, wide)
        one.sort()
        found = {reject.line: list(kept) for reject, kept in one.rejects()}
        [file] = tmp_path.iterdir()
        assert HIDDEN.encode() not in file.read_bytes()
    assert list(found) == list(rejected)
    assert found == {n: cells.get(n, wide) for n in rejected}


def test_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be staged"):
        stage(tmp_path / "file" / "staging")
