"""Key files: whole, private and on disk before anything rests on them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from console.key_ring import write_private
from ledger.errors import Malformed


def test_a_key_file_and_its_folder_are_on_disk_when_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    path = tmp_path / "root.json"
    write_private(path, b"secret")
    assert synced == [path.stat().st_ino, tmp_path.stat().st_ino]
    assert path.read_bytes() == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "root.json"
    write_private(path, b"first")
    with pytest.raises(Malformed, match="exists already"):
        write_private(path, b"second")
    assert path.read_bytes() == b"first"
