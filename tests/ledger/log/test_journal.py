from __future__ import annotations

from pathlib import Path

import pytest

from ledger.checkpoint import parse_checkpoint
from ledger.errors import Unavailable, Untrusted
from ledger.log import journal as journal_module
from ledger.log.journal import CheckpointJournal
from ledger.note import parse_note
from tests.ledger.seal_maker import SealMaker


def notes(count: int) -> list[bytes]:
    maker = SealMaker()
    for _ in range(count):
        maker.seal({"registry": 1})
    return [seal["checkpoint"].encode() for seal in maker.made]


NOTES = notes(6)
CHECKPOINTS = [parse_checkpoint(parse_note(note).text) for note in NOTES]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


def test_new_journal_is_empty(path: Path) -> None:
    journal = CheckpointJournal(path)
    assert journal.last() is None
    assert list(journal.all()) == []
    assert not path.exists()


def test_what_was_appended_is_there_after_a_restart(path: Path) -> None:
    for note in NOTES[:3]:
        CheckpointJournal(path).append(note)
    journal = CheckpointJournal(path)
    assert journal.last() == CHECKPOINTS[2]
    assert list(journal.all()) == list(zip(CHECKPOINTS, NOTES, strict=True))[:3]


def test_line_says_what_the_note_says(path: Path) -> None:
    CheckpointJournal(path).append(NOTES[0])
    words = path.read_text().split(" ")
    assert words[:2] == ["0", "1"]
    assert words[2] == CHECKPOINTS[0].root.hex()
    assert words[3] == CHECKPOINTS[0].seal_digest.hex()


def test_same_checkpoint_twice_is_one_line(path: Path) -> None:
    journal = CheckpointJournal(path)
    journal.append(NOTES[0])
    journal.append(NOTES[0])
    assert len(path.read_bytes().splitlines()) == 1


def test_older_or_other_checkpoint_is_untrusted(path: Path) -> None:
    journal = CheckpointJournal(path)
    journal.append(NOTES[1])
    other = SealMaker()
    other.seal({"registry": 2})
    other.seal({"registry": 2})
    for note in (NOTES[0], other.made[1]["checkpoint"].encode()):
        with pytest.raises(Untrusted, match="ahead"):
            journal.append(note)
    assert journal.last() == CHECKPOINTS[1]


def test_line_torn_anywhere_is_dropped(path: Path) -> None:
    journal = CheckpointJournal(path)
    journal.append(NOTES[0])
    one = path.read_bytes()
    journal.append(NOTES[1])
    both = path.read_bytes()
    for length in range(len(one), len(both), 13):
        path.write_bytes(both[:length])
        again = CheckpointJournal(path)
        assert again.last() == CHECKPOINTS[0]
        again.append(NOTES[1])
        assert path.read_bytes() == both


def test_damaged_line_is_untrusted(path: Path) -> None:
    journal = CheckpointJournal(path)
    journal.append(NOTES[0])
    journal.append(NOTES[1])
    data = path.read_bytes()
    printed = data.rindex(b" ")
    for place in (*range(data.index(b"\n") + 1, printed, 3), printed + 1):
        damaged = bytearray(data)
        damaged[place] ^= 2
        path.write_bytes(damaged)
        with pytest.raises(Untrusted, match="line 2"):
            CheckpointJournal(path).last()


def test_long_journal_keeps_its_latest_lines(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "KEPT_LINES", 2)
    journal = CheckpointJournal(path, size_max=1_500)
    for note in NOTES:
        journal.append(note)
    held = [checkpoint.seal_no for checkpoint, _ in journal.all()]
    assert held[-3:] == [3, 4, 5]
    assert len(held) < 6
    assert CheckpointJournal(path).last() == CHECKPOINTS[5]
    assert [entry.name for entry in path.parent.iterdir()] == ["checkpoints"]


def test_journal_without_its_folder_is_unavailable(tmp_path: Path) -> None:
    journal = CheckpointJournal(tmp_path / "missing" / "checkpoints")
    with pytest.raises(Unavailable, match="checkpoints"):
        journal.append(NOTES[0])


def test_unreadable_journal_is_unavailable(path: Path) -> None:
    path.mkdir()
    with pytest.raises(Unavailable):
        CheckpointJournal(path).last()
