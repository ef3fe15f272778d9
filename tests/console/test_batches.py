"""Incomplete batches are found whatever the order, the pages and the repeats."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from console.batches import REPEATS, incomplete
from ledger.log.memory import MemoryLog, MemoryStore
from ledger.publish import sign_together
from projections.consistency import RecordRow
from tests.builders import province

SOURCE = "events-0"
BATCHES = (3, 2)
CODES = ("accepted", "invalid_fields", "malformed", *sorted(REPEATS))


@cache
def members() -> tuple[tuple[int, int, bytes], ...]:
    """(batch, index, record) of each member of each batch."""
    world = province()
    signers = world.roles("city")
    found = []
    for number, count in enumerate(BATCHES):
        names = [f"{number}{index}" for index in range(count)]
        events = [world.draft("ISSUE", world.license_id(name)) for name in names]
        for event in events:
            event["signers"] = [one.entry for one in signers]
        batch_id = bytes((number,)) * 16
        signed = sign_together(events, signers, batch_ids=[batch_id], partitions=1)
        found += [(number, index, one.data) for index, one in enumerate(signed)]
    return tuple(found)


SENT = st.lists(
    st.tuples(st.integers(0, sum(BATCHES) - 1), st.sampled_from(CODES)), max_size=12
)


@given(sent=SENT, page=st.integers(1, 4))
def test_a_batch_is_incomplete_while_some_are_accepted_and_others_not(
    sent: list[tuple[int, str]], page: int
) -> None:
    log = MemoryLog(MemoryStore([SOURCE]))
    rows: list[RecordRow] = []
    accepted: set[tuple[int, int]] = set()
    for ordinal, (member, drawn) in enumerate(sent):
        batch, index, data = members()[member]
        # What is in already is a repeat: that much a ledger promises.
        code = "duplicate" if (batch, index) in accepted else drawn
        log.append(SOURCE, [data])
        rows.append(
            RecordRow(position=ordinal, source=SOURCE, ordinal=ordinal, verdict=code)
        )
        if code == "accepted":
            accepted.add((batch, index))
    pages = (rows[start : start + page] for start in range(0, len(rows), page))
    found = {one.batch_id[0]: one.accepted for one in incomplete(log, pages)}
    held = {
        number: {index for batch, index in accepted if batch == number}
        for number in range(len(BATCHES))
    }
    assert found == {
        number: sum(1 << index for index in indexes)
        for number, indexes in held.items()
        if 0 < len(indexes) < BATCHES[number]
    }
