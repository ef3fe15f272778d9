"""A pending act's file is changed as a whole or not at all, by one at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from console.pending_files import change, create, load
from ledger.errors import Malformed, Untrusted
from ledger.pending import PendingAct
from tests.ledger.test_pending import NAMES, proposed, sign


def test_a_new_file_is_the_owner_s_alone_and_never_replaces_one(tmp_path: Path) -> None:
    file = tmp_path / "act"
    create(file, proposed("1"))
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    with pytest.raises(Malformed, match="exists already"):
        create(file, proposed("2"))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "act"
    create(file, sign(proposed(), "city"))
    before = file.read_bytes()
    with pytest.raises(Malformed, match="signed already"):
        change(file, lambda pending: sign(pending, "city"))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_somebody_changed_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "act"
    create(file, sign(proposed(), "city"))
    edited = file.read_bytes().replace(b"2026-03-05T", b"2026-03-06T")
    file.write_bytes(edited)
    with pytest.raises(Untrusted, match="the proposal does not hold"):
        change(file, lambda pending: sign(pending, "province"))
    assert file.read_bytes() == edited


@pytest.mark.parametrize("trial", range(5))
def test_departments_that_sign_one_file_at_once_lose_nothing(
    tmp_path: Path, trial: int
) -> None:
    file = tmp_path / "act"
    create(file, proposed(str(trial)))

    def signed(name: str) -> PendingAct:
        return change(file, lambda pending: sign(pending, name))

    with ThreadPoolExecutor(len(NAMES)) as pool:
        list(pool.map(signed, NAMES))
    assert load(file).missing == ()


@pytest.mark.parametrize("call", [load, lambda path: change(path, lambda one: one)])
def test_a_file_that_is_not_there_is_bad_input(tmp_path: Path, call: object) -> None:
    assert callable(call)
    with pytest.raises(Malformed, match="cannot be read"):
        call(tmp_path / "nothing")
