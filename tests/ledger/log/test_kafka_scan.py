"""A source read in order, without any broker."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Untrusted
from ledger.log.kafka_page import Page
from ledger.log.kafka_scan import Scan, Window
from ledger.log.offset_gaps import Gap, MemoryGaps
from tests.ledger.log.sealed_gaps import SealedGaps

SOURCE = "events-0"
ROOMY = 1_000_000


@dataclass
class Record:
    offset: int
    value: bytes | None


def sealed_gaps(known: int, *gaps: Gap) -> SealedGaps:
    """All these gaps, and none but these below the record ``known``."""
    sealed = SealedGaps({SOURCE: known})
    for gap in gaps:
        sealed.note(SOURCE, gap)
    return sealed


def records_of(layout: list[bool], start: int = 0) -> list[Record]:
    return [
        Record(offset, b"%d" % offset)
        for offset, is_record in enumerate(layout)
        if is_record and offset >= start
    ]


def scan_of(gaps: MemoryGaps | None = None, window_max: int = ROOMY) -> Scan:
    return Scan(SOURCE, gaps or MemoryGaps(), window_max=window_max)


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 5))
def test_scan_counts_records_and_finds_every_gap(layout: list[bool], step: int) -> None:
    gaps = MemoryGaps()
    scan, records = scan_of(gaps), records_of(layout)
    for at in range(0, len(records), step):
        part = records[at : at + step]
        scan.take(part, part[-1].offset + 1)
    scan.take((), len(layout))
    assert scan.next == len(records)
    assert scan.position == len(layout)
    assert scan.window.records(0, 99) == [record.value for record in records]
    assert [scan.offset_of(n) for n in range(len(records))] == [
        record.offset for record in records
    ]
    assert [scan.ordinal_of(record.offset) for record in records] == [
        *range(len(records))
    ]
    assert scan.ordinal_of(len(layout)) == len(records)


@given(st.lists(st.booleans(), max_size=40), st.data())
def test_scan_goes_on_from_what_is_known(
    layout: list[bool], data: st.DataObject
) -> None:
    records, all_gaps = records_of(layout), MemoryGaps()
    scan_of(all_gaps).take(records, len(layout))
    known = data.draw(st.integers(0, len(records)))
    scan = scan_of(sealed_gaps(known, *all_gaps.known(SOURCE)[1]))
    assert scan.position == (records[known - 1].offset + 1 if known else 0)
    scan.take(records[known:], len(layout))
    assert scan.next == len(records)
    assert [scan.offset_of(n) for n in range(len(records))] == [
        record.offset for record in records
    ]


@given(st.lists(st.booleans(), max_size=40), st.data())
def test_partition_that_ends_early_holds_what_lies_before(
    layout: list[bool], data: st.DataObject
) -> None:
    records, all_gaps = records_of(layout), MemoryGaps()
    scan_of(all_gaps).take(records, len(layout))
    end = data.draw(st.integers(0, len(layout)))
    scan = scan_of(sealed_gaps(len(records), *all_gaps.known(SOURCE)[1]))
    if end < scan.position:
        scan.cut(end)
        assert scan.next == sum(layout[:end])
        assert scan.position == end
        # The same records again are where they were.
        scan.take([one for one in records if one.offset >= end], len(layout))
    assert scan.next == len(records)


def test_record_that_was_elsewhere_before_is_untrusted() -> None:
    scan = scan_of(sealed_gaps(1, Gap(3, 4)))
    scan.take([Record(1, b"1"), Record(2, b"2")], 3)
    with pytest.raises(Untrusted, match=r"offset 4.*offset 3"):
        scan.take([Record(3, b"3")], 4)


def test_record_that_comes_again_is_untrusted() -> None:
    scan = scan_of()
    scan.take([Record(0, b"0"), Record(1, b"1")], 2)
    with pytest.raises(Untrusted, match=r"offset 2.*offset 1"):
        scan.take([Record(1, b"1")], 2)


def test_no_value_is_empty_bytes() -> None:
    scan = scan_of()
    scan.take([Record(0, None), Record(1, b"")], 2)
    assert scan.window.records(0, 9) == [b"", b""]


@given(st.lists(st.binary(max_size=9), max_size=300), st.integers(0, 30))
def test_window_keeps_the_latest_records_within_its_size(
    records: list[bytes], size_max: int
) -> None:
    window = Window(7, size_max=size_max)
    for record in records:
        window.add(record)
        kept = window.records(window.first, 999)
        assert sum(map(len, kept)) <= size_max + 9
    assert window.end == 7 + len(records)
    kept = window.records(window.first, 999)
    assert [*kept] == records[len(records) - len(kept) :]
    window.forget(window.end - 2)
    assert window.first >= window.end - 2
    assert [*window.records(window.first, 999)] == kept[len(kept) - 2 :][-2:]
    assert len(window._records) <= 2 * len(kept) + 130


def test_page_takes_at_least_one_record() -> None:
    page = Page(5, limit=3, size_max=4)
    assert page.take(b"large one")
    assert not page.take(b"x")
    assert (page.records, page.next, page.full) == ([b"large one"], 6, True)
    page = Page(0, limit=2, size_max=4)
    assert page.take(b"ab")
    assert page.take(b"cd")
    assert page.full
    assert not page.take(b"")
