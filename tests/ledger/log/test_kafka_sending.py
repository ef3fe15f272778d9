from __future__ import annotations

from ledger.log.kafka_sending import PART_SIZE, Sending, next_part
from ledger.log.kafka_settings import Partition


def sending(**records: list[bytes]) -> dict[str, Sending]:
    return {
        source: Sending(partition=Partition(source, 0), records=given)
        for source, given in records.items()
    }


def drained(given: dict[str, Sending]) -> list[list[tuple[str, bytes]]]:
    """The parts until nothing is left, each acknowledged before the next."""
    parts = []
    while any(not one.done for one in given.values()):
        part = list(next_part(given))
        parts.append([(one.partition.topic, record) for one, record in part])
        for one, _ in part:
            one.offsets.append(len(one.offsets))
    return parts


def test_small_call_is_one_part_in_order() -> None:
    given = sending(a=[b"1", b"2"], b=[b"3"])
    assert drained(given) == [[("a", b"1"), ("a", b"2"), ("b", b"3")]]


def test_large_call_goes_in_bounded_parts_and_keeps_its_order() -> None:
    large = [bytes([n]) * 1_000_000 for n in range(40)]
    small = [b"%d" % n for n in range(9)]
    parts = drained(sending(a=large, b=small))
    assert len(parts) > 1
    for part in parts:
        assert sum(len(record) for _, record in part) < PART_SIZE + 2_000_000
    sent = [one for part in parts for one in part]
    assert [record for source, record in sent if source == "a"] == large
    assert [record for source, record in sent if source == "b"] == small


def test_what_was_acknowledged_is_not_sent_again() -> None:
    given = sending(a=[b"1", b"2", b"3"])
    given["a"].offsets.append(17)
    assert [record for _, record in next_part(given)] == [b"2", b"3"]


def test_empty_records_do_not_make_a_part_without_end() -> None:
    parts = drained(sending(a=[b""] * 400_000))
    assert [len(part) < 200_000 for part in parts] == [True] * len(parts)
