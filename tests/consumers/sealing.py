"""What the sealer's tests share: a small world, keys that rotate, and a strict check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psycopg

from consumers.seal import Sealer
from ledger.checkpoint import open_checkpoint
from ledger.events import Seal, VerdictRange
from ledger.log.archive import Archive
from ledger.log.contract import EventLog
from ledger.log.head import HeadStore, offer_verdicts
from ledger.log.journal import CheckpointJournal
from ledger.log.memory import MemoryLog, MemoryStore
from ledger.merkle import leaf_hash, tree_root
from ledger.seal import SealedVerdict, placed_ranges, verdict_range
from ledger.seal_reader import SealReader
from ledger.signing import Signer, verify
from ledger.sources import SEALS
from ledger.tiles import Tile, extend_tiles
from tests.ledger.seal_maker import ORIGIN, SIGNERS, SOURCES

FOUND = b"the founding record"
ROTATE = b"the sealer key changes here"
SUCCEED = b"events-0 goes on as events-0.1"
ALL = 1_000_000_000


class RotatingKeys:
    """Key 0 until the registry says ROTATE, then key 1, and so on; see SUCCEED."""

    def __init__(self, signers: Sequence[Signer] = SIGNERS) -> None:
        self.signers = signers
        self.changes = 0
        self.succeeded = False
        self.followed: list[tuple[int, list[bytes]]] = []

    def sealer_key(self) -> bytes:
        return self.signer().public_key

    def ended_sealer_keys(self) -> Sequence[bytes]:
        return [signer.public_key for signer in self.signers[: self.changes]]

    def sources(self) -> Sequence[str]:
        if not self.succeeded:
            return SOURCES
        return [f"{s}.1" if s == "events-0" else s for s in SOURCES]

    def signer(self) -> Signer:
        return self.signers[self.changes]

    def follow(self, seal: Seal, records: Sequence[bytes]) -> None:
        self.followed.append((seal["seal_no"], list(records)))
        self.changes += records.count(ROTATE)
        self.succeeded |= SUCCEED in records


class World:
    """A log, a head, a journal and a clock, which sealers come and go over.

    The head's clock is PostgreSQL's, so the sealers get the same one.
    """

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.store = MemoryStore([*SOURCES, "events-0.1", SEALS])
        self.log: EventLog = MemoryLog(self.store)
        self.head = HeadStore(self.connection)
        self.head.create()
        self.journal_path = folder / "checkpoints"
        self.archive_path = folder / "archive"

    def sealer(
        self,
        *,
        log: EventLog | None = None,
        head: HeadStore | None = None,
        keys: RotatingKeys | None = None,
        journal: CheckpointJournal | None = None,
        archive: Archive | None = None,
        clock: Callable[[], int] | None = None,
        accept_clock: bool = False,
    ) -> Sealer:
        return Sealer(
            log or self.log,
            head or self.head,
            keys or RotatingKeys(),
            origin=ORIGIN,
            clock=clock or self.head.clock,
            verify=verify,
            journal=journal or CheckpointJournal(self.journal_path),
            archive=archive,
            accept_clock=accept_clock,
        )

    def wipe_head(self) -> None:
        """Puts the head back to before seal 0; log and journal stay."""
        self.connection.execute(
            "TRUNCATE head.head, head.seal, head.tile, head.verdict"
        )
        self.head.create()

    def older_head(self, seals: int) -> None:
        """Puts the head back to when there were only so many seals."""
        kept = MemoryStore(self.store.records)
        for source, held in self.store.records.items():
            kept.records[source] = list(held)
        del kept.records[SEALS][seals:]
        self.wipe_head()
        journal = CheckpointJournal(self.journal_path.with_name("older"))
        self.sealer(log=MemoryLog(kept), journal=journal).recover()

    def offer(self, verdicts: Iterable[VerdictRange]) -> None:
        with self.connection.transaction(), self.connection.cursor() as cursor:
            offer_verdicts(cursor, list(verdicts))

    def verdicts(self, seal_no: int) -> list[VerdictRange]:
        """The verdicts on a seal's records: those with "bad" in them are refused."""
        seal = self.seals()[seal_no]
        return [
            verdict_range(
                seal_no=seal_no,
                source=placed.source,
                entries=[
                    SealedVerdict(
                        position=position,
                        leaf=leaf_hash(record),
                        code="malformed" if b"bad" in record else "accepted",
                    )
                    for position, record in enumerate(
                        self.store.records[placed.source][placed.start : placed.end],
                        placed.position,
                    )
                ],
            )
            for placed in placed_ranges(seal)
        ]

    def seals(self) -> list[Seal]:
        """What a reader who trusts nobody takes from the log, from the start."""
        keys = RotatingKeys()
        taken: list[bytes] = []
        made: list[Seal] = []
        reader = SealReader(
            origin=ORIGIN, keys=keys, verify=verify, seen=taken.__getitem__
        )
        for data in self.log.read(SEALS, 0, limit=ALL, size_max=ALL):
            seal = reader.feed(data)
            if seal is None:
                continue
            taken.append(data)
            made.append(seal)
            for given in seal["ranges"]:
                if given["source"] == "registry":
                    records = self.store.records["registry"]
                    keys.follow(seal, records[given["from"] : given["to"]])
        self.skipped = reader.skipped
        return made

    def sealed(self) -> list[bytes]:
        """All sealed records by position."""
        return [
            record
            for seal in self.seals()
            for given in seal["ranges"]
            for record in self.store.records[given["source"]][
                given["from"] : given["to"]
            ]
        ]

    def check(self) -> list[Seal]:
        """Derives everything again from the log and demands that it is the same.

        Roots, tiles, head, journal; returns the seals.
        """
        seals = self.seals()
        leaves: list[bytes] = []
        tiles: dict[tuple[int, int], Tile] = {}
        size, tree = 0, None
        edge: dict[int, bytes] = {}
        for seal in seals:
            new: list[bytes] = []
            for given in seal["ranges"]:
                held = self.store.records[given["source"]]
                new += map(leaf_hash, held[given["from"] : given["to"]])
            update = extend_tiles(size=size, edge=edge, leaves=new, tree=tree)
            size, edge, tree = update.size, dict(update.edge), update.tree
            tiles |= {(tile.level, tile.index): tile for tile in update.tiles}
            leaves += new
            assert seal["root"] == tree_root(leaves)
        head = self.head.load()
        assert head.tip.seal_no == len(seals) - 1
        assert head.pending is None
        assert list(self.head.tiles()) == [tiles[key] for key in sorted(tiles)]
        assert [no for no, _ in self.head.seals()] == list(range(len(seals)))
        self._check_journal(seals)
        return seals

    def _check_journal(self, seals: Sequence[Seal]) -> None:
        entries = list(CheckpointJournal(self.journal_path).all())
        for checkpoint, note in entries:
            assert seals[checkpoint.seal_no]["checkpoint"].encode() == note
            key = next(
                signer.public_key
                for signer in SIGNERS
                if _signed(note, signer.public_key)
            )
            opened = open_checkpoint(note, origin=ORIGIN, public_key=key, verify=verify)
            assert opened == checkpoint
        if seals:
            assert entries[-1][0].seal_no == len(seals) - 1


def _signed(note: bytes, public_key: bytes) -> bool:
    try:
        open_checkpoint(note, origin=ORIGIN, public_key=public_key, verify=verify)
    except Exception:  # noqa: BLE001 - any failure means: not by this key
        return False
    return True
