"""Sealed records that the log lost are read from the archive; the loss stays in sight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from ledger.errors import Unavailable, Unknown, Untrusted
from ledger.log.archive import Archive
from ledger.log.archive_reader import ArchiveReader
from ledger.log.archived import ArchivedLog
from ledger.log.head import HeadStore
from ledger.log.placing import leaves_of, position_of, range_of, seal_over
from ledger.log.postgres import PostgresLog
from ledger.seal import Placed
from ledger.sources import SEALS
from ledger.tiles import extend_tiles
from tests.ledger.log.archives import ALL
from tests.ledger.seal_maker import SealMaker

pytestmark = pytest.mark.postgres

COUNTS: tuple[dict[str, int], ...] = (
    {"registry": 1},
    {"registry": 2, "events-0": 300, "events-1": 40},
    {},
    {"events-1": 5},
    {"events-0": 300, "events-1": 1},
    {},
)
TOTALS = {"registry": 3, "events-0": 600, "events-1": 46}


class Sealed:
    """A PostgreSQL log with COUNTS sealed, their archive, and three records more."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.folder = folder
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.raw = PostgresLog(psycopg.connect(dsn, autocommit=True))
        self.raw.create([*TOTALS, SEALS])
        self.head = HeadStore(self.connection)
        self.head.create()
        self.maker = SealMaker()
        self.order: list[tuple[str, int]] = []
        archive = Archive(folder, segment_size=10_000)
        for counts in COUNTS:
            self._seal(counts, archive)
        archive.close()
        self.raw.append("events-0", [b"a", b"b", b"c"])
        self.archive = ArchiveReader(folder)
        self.log = ArchivedLog(self.raw, lambda: self.archive, self.head)

    def _seal(self, counts: dict[str, int], archive: Archive) -> None:
        before = self.head.load()
        records: list[bytes] = []
        for source, count in counts.items():
            start = before.tip.nexts.get(source, 0)
            added = [b"%s/%d" % (source.encode(), start + n) for n in range(count)]
            self.raw.append(source, added)
            self.order += [(source, start + n) for n in range(count)]
            records += added
        archive.write(archive.end, records)
        data = self.maker.seal(counts)
        update = extend_tiles(
            size=before.tip.tree_size,
            edge=before.edge,
            leaves=self.maker.leaves[before.tip.tree_size :],
        )
        self.head.commit(
            before.tip,
            self.maker.tip,
            seal=data,
            tiles=update.tiles,
            verdicts=[],
            registry="registry" in counts,
        )
        ordinal = self.raw.append(SEALS, [data])[0]
        self.head.mark_published(self.maker.tip.seal_no, seals_next=ordinal + 1)

    def lose(self, where: LiteralString) -> None:
        statement = sql.SQL("DELETE FROM log.record WHERE ") + sql.SQL(where)
        self.connection.execute(statement)

    def all(self, source: str) -> list[bytes]:
        """A source from 0 to its end, in pages of different size."""
        found: list[bytes] = []
        while page := self.log.read(
            source, len(found), limit=1 + len(found) % 90, size_max=ALL
        ):
            found += page
        return found

    def close(self) -> None:
        self.log.close()
        self.connection.close()


@pytest.fixture
def sealed(dsn: str, tmp_path: Path) -> Iterator[Sealed]:
    made = Sealed(dsn, tmp_path / "archive")
    yield made
    made.close()


def made(source: str, count: int) -> list[bytes]:
    return [b"%s/%d" % (source.encode(), n) for n in range(count)]


def test_every_sealed_record_has_its_position(sealed: Sealed) -> None:
    for position, (source, ordinal) in enumerate(sealed.order):
        if position % 7 == 0 or ordinal in (0, 299, 300, 599):
            assert position_of(sealed.head, source, ordinal) == position
    assert leaves_of(sealed.head, 0, len(sealed.order)) == sealed.maker.leaves
    assert leaves_of(sealed.head, 250, 260) == sealed.maker.leaves[250:260]
    assert leaves_of(sealed.head, 9, 9) == []


def test_what_is_not_sealed_has_no_position(sealed: Sealed) -> None:
    for source, ordinal in (
        ("events-0", 600),
        ("events-1", 46),
        ("events-9", 0),
        (SEALS, 0),
        ("events-0", -1),
    ):
        assert position_of(sealed.head, source, ordinal) is None
        assert range_of(sealed.head, source, ordinal) is None


def test_seal_over_a_position_is_the_first_whose_tree_is_larger(
    sealed: Sealed,
) -> None:
    expected = {0: 0, 1: 1, 342: 1, 343: 3, 347: 3, 348: 4, 648: 4, 649: None}
    assert {p: seal_over(sealed.head, p) for p in expected} == expected
    assert range_of(sealed.head, "events-1", 42) == Placed(
        source="events-1", start=40, end=45, position=343
    )


def test_leaf_that_the_head_lacks_is_named(sealed: Sealed) -> None:
    with pytest.raises(Untrusted, match="position 649"):
        leaves_of(sealed.head, 640, 650)
    sealed.connection.execute("DELETE FROM head.tile WHERE level = 0 AND index = 1")
    with pytest.raises(Untrusted, match="position 256"):
        leaves_of(sealed.head, 250, 260)


@pytest.mark.parametrize(
    "where",
    [
        "false",
        "source = 'events-0' AND ordinal < 450",
        "source = 'events-0' AND ordinal BETWEEN 250 AND 350",
        "source = 'events-0' AND ordinal IN (0, 17, 299, 300, 599)",
        "source = 'events-0' AND ordinal BETWEEN 290 AND 599",
        "source = 'events-1'",
        "source = 'registry' AND ordinal = 0",
        "source <> 'seals' AND ordinal < 600",
    ],
)
def test_lost_records_are_read_from_the_archive(
    sealed: Sealed, where: LiteralString
) -> None:
    before = dict(sealed.log.ends())
    starts = {source: sealed.raw.start(source) for source in TOTALS}
    sealed.lose(where)
    assert sealed.all("events-0") == [*made("events-0", 600), b"a", b"b", b"c"]
    assert sealed.all("events-1") == made("events-1", 46)
    assert sealed.all("registry") == made("registry", 3)
    assert sealed.log.read("events-0", 20, limit=1, size_max=1) == [b"events-0/20"]
    assert sealed.log.ends() == before
    for source in TOTALS:
        assert sealed.log.start(source) == sealed.raw.start(source)
        if f"'{source}' AND ordinal < " in where:
            assert sealed.log.start(source) > starts[source]


def test_source_that_ends_before_what_is_sealed_is_still_seen_to(
    sealed: Sealed,
) -> None:
    sealed.lose("source = 'events-0' AND ordinal >= 500")
    sealed.connection.execute(
        "UPDATE log.source SET next = 500 WHERE name = 'events-0'"
    )
    assert sealed.all("events-0") == made("events-0", 600)
    assert sealed.log.ends()["events-0"] == 500


def test_source_that_is_gone_is_read_from_the_archive(sealed: Sealed) -> None:
    sealed.connection.execute("DELETE FROM log.source WHERE name = 'events-1'")
    sealed.lose("source = 'events-1'")
    assert sealed.log.read("events-1", 45, limit=9, size_max=9) == [b"events-1/45"]
    with pytest.raises(Unknown, match="no such source"):
        sealed.log.read("events-1", 46, limit=1, size_max=1)
    with pytest.raises(Unknown):
        sealed.log.start("events-1")


def test_lost_records_that_are_not_sealed_are_lost(sealed: Sealed) -> None:
    sealed.lose("source = 'events-0' AND ordinal = 601")
    with pytest.raises(Untrusted, match="hole"):
        sealed.log.read("events-0", 601, limit=9, size_max=9)
    sealed.lose("source = 'seals' AND ordinal = 0")
    with pytest.raises(Untrusted, match="hole"):
        sealed.log.read(SEALS, 0, limit=9, size_max=ALL)


def test_lost_records_that_the_archive_lacks_are_lost(sealed: Sealed) -> None:
    writer = Archive(sealed.folder)
    writer.truncate(640)
    writer.close()
    sealed.lose("source = 'events-0' AND ordinal BETWEEN 580 AND 599")
    log = ArchivedLog(sealed.raw, lambda: ArchiveReader(sealed.folder), sealed.head)
    position = position_of(sealed.head, "events-0", 592)
    assert position == 640
    assert log.read("events-0", 591, limit=9, size_max=ALL) == [b"events-0/591"]
    with pytest.raises(Untrusted, match="hole"):
        log.read("events-0", 592, limit=9, size_max=ALL)


def test_archive_that_holds_another_record_is_not_believed(sealed: Sealed) -> None:
    writer = Archive(sealed.folder)
    writer.truncate(640)
    writer.write(640, [b"another"] * 9)
    writer.close()
    sealed.lose("source = 'events-0' AND ordinal BETWEEN 580 AND 599")
    log = ArchivedLog(sealed.raw, lambda: ArchiveReader(sealed.folder), sealed.head)
    assert log.read("events-0", 591, limit=1, size_max=ALL) == [b"events-0/591"]
    with pytest.raises(Untrusted, match=r"another record.* position 640"):
        log.read("events-0", 591, limit=9, size_max=ALL)


def test_log_that_does_not_answer_is_not_helped(sealed: Sealed) -> None:
    sealed.raw.close()
    with pytest.raises(Unavailable):
        sealed.log.read("events-0", 0, limit=1, size_max=1)
