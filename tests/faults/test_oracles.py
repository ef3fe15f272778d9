"""The oracles themselves: each can tell that something is wrong."""

from __future__ import annotations

import pytest

from console.founding import DEPARTMENT_USCC
from console.wiring import open_ledger
from ledger.log.journal import CheckpointJournal
from tests.faults.checkpoints import assert_one_history
from tests.faults.oracles import assert_whole
from tests.faults.province import Province
from tests.faults.seed import chance
from tests.faults.world import PARTITIONS, World

pytestmark = [pytest.mark.postgres, pytest.mark.kafka]


def test_an_acknowledged_event_that_is_nowhere_is_missed(broken: World) -> None:
    with broken.load("missed") as load:
        load.more(5)
    assert_whole(broken)
    with open_ledger(broken.settings) as ledger:
        province = Province(
            origin=ledger.origin,
            partitions=PARTITIONS,
            authority=DEPARTMENT_USCC,
            signers=ledger.signers(),
            rng=chance("missed"),
            name="never sent",
        )
        signed = province.single()
    diary = load.diary("missed0")
    assert list(diary.open_attempts()) == []
    number = diary.attempt(signed)
    diary.write({"acked": number})
    with pytest.raises(AssertionError, match="1 acknowledged events are lost"):
        assert_whole(broken)
    broken.loads.clear()


def test_a_second_checkpoint_of_one_number_is_seen(broken: World) -> None:
    assert_one_history(broken)
    _, note = list(CheckpointJournal(broken.settings.journal).all())[1]
    # As if another machine had told of seal 1 under the number of seal 0.
    away = broken.folder / "forged"
    away.mkdir()
    forged = note.replace(b"seal 1 ", b"seal 0 ")
    assert forged != note
    CheckpointJournal(away / broken.settings.journal.name).append(forged)
    with pytest.raises(AssertionError, match="two of seal 0"):
        assert_one_history(broken)
    (away / broken.settings.journal.name).unlink()
    assert_one_history(broken)
