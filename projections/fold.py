"""Follows the seals and judges the records they place: one fold for live and rebuild.

A seal may only be read when the registry stands where it stood before that seal, and a
record only when the registry stands at that record. So seals are taken one by one, and
the records of those that bring no registry record are judged together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ledger.admission import Admission, Place, Verdict
from ledger.chain import ChainState
from ledger.envelope import Opened
from ledger.errors import Untrusted
from ledger.events import Seal, VerdictRange
from ledger.log.contract import EventLog
from ledger.refusals import Refusal
from ledger.seal import Placed, SealedVerdict, placed_ranges
from ledger.seal_reader import SealReader
from ledger.sources import REGISTRY, SEALS, base_of
from projections.given import Given, given_at
from projections.own_verdicts import OwnVerdicts

JUDGED_AT_ONCE = 64
READ_LIMIT = 4_096
READ_SIZE_MAX = 4 * 1024 * 1024
SEALS_LIMIT = 256

Vouched = Callable[[Place], bool]
"""Whether a sealed verdict says that the signatures of the record at this place hold."""

CheckLeaves = Callable[[Placed, Sequence[bytes]], None]
"""Raises Untrusted unless these leaf hashes are those sealed there."""

LoadChains = Callable[[Collection[str]], dict[tuple[str, str], ChainState]]


@dataclass(slots=True, kw_only=True)
class Batch:
    """What was judged together and is written together.

    ``ranges``: the same verdicts by seal and source, for the sealer to carry.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    ranges: list[VerdictRange] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many records are in it."""
        return len(self.verdicts)


class Fold:
    """Judges what is sealed, in sealed order, for some of the sources.

    The registry is folded always, because every verdict asks it; its verdicts are given
    out only when ``registry`` is among ``sources``. ``nexts``: how many records of each
    own source are judged; ``seals_next``: the ordinal in ``seals`` behind the last seal
    that was taken.
    Signatures that are ``vouched`` for are not computed again; the seal that vouches is
    compared with the own verdict all the same. ``check`` is asked whether the records of a
    range are those that were sealed. ``to_the_end``: a batch asks the log for more seals
    until there are none; else one that ends at the end of what is sealed costs no second
    question, and the next batch asks. After any exception the fold is of no more use.
    """

    def __init__(
        self,
        *,
        log: EventLog,
        reader: SealReader,
        admission: Admission,
        sources: Iterable[str],
        own: OwnVerdicts,
        load: LoadChains,
        nexts: dict[str, int],
        seals_next: int,
        vouched: Vouched | None = None,
        check: CheckLeaves | None = None,
        to_the_end: bool = True,
    ) -> None:
        self.reader = reader
        self.admission = admission
        self.nexts = nexts
        self.seals_next = seals_next
        self._log = log
        self._sources = frozenset(sources)
        self._own = own
        self._load = load
        self._vouched = vouched
        self._check = check
        self._to_the_end = to_the_end
        self._more = True
        self._fed = seals_next
        self._seals_read = seals_next
        self._unread: list[bytes] = []

    def batch(self, *, records_max: int) -> Batch:
        """Judges whole seals until ``records_max`` records are reached, at least one.

        Empty at the end of ``seals``. Raises Untrusted when a sealed verdict differs from
        the own one, or when the log lacks records that a seal covers.
        """
        batch = Batch()
        waiting: list[Seal] = []
        planned = 0
        self._more = True
        while planned < records_max and (seal := self._next_seal()) is not None:
            count = sum(given["to"] - given["from"] for given in seal["ranges"])
            planned += count
            if any(base_of(given["source"]) == REGISTRY for given in seal["ranges"]):
                self._judge(waiting, batch)
                waiting = []
                self._judge_registry(seal, batch)
            waiting.append(seal)
        self._judge(waiting, batch)
        return batch

    def _next_seal(self) -> Seal | None:
        while True:
            if not self._unread and self._more:
                self._unread = self._log.read(
                    SEALS,
                    self._seals_read,
                    limit=SEALS_LIMIT,
                    size_max=READ_SIZE_MAX,
                )
                self._seals_read += len(self._unread)
                self._more = self._to_the_end or len(self._unread) == SEALS_LIMIT
                self._unread.reverse()
            if not self._unread:
                return None
            data = self._unread.pop()
            self._fed += 1
            if (seal := self.reader.feed(data)) is not None:
                self.seals_next = self._fed
                return seal
            self._more = True  # a page of repeats says nothing about the end

    def _judge_registry(self, seal: Seal, batch: Batch) -> None:
        """Judges registry records one by one: each may change how the next is read."""
        for placed in placed_ranges(seal):
            if base_of(placed.source) != REGISTRY:
                continue
            judged = []
            records = self._records(placed.source, placed.start, placed.end)
            for given in given_at(seal, placed, records):
                opened = self.admission.open([given.data])[0]
                judged.append(self.admission.admit(given.data, opened, given.place))
                self._check_registry(placed)
            self._compare(placed, judged)
            if self._is_own(placed.source) and self._is_next(placed):
                self._take(seal, placed, judged, batch)

    def _check_registry(self, placed: Placed) -> None:
        """Untrusted unless the source is the registry's, by its own first record."""
        if placed.source not in self.admission.registry.sources():
            raise Untrusted(
                "the registry goes on in a source that does not succeed it",
                code="not_founded_rightly",
                expected=f"{placed.source}, record 0, that it does",
                where=f"position {placed.position}",
            )

    def _judge(self, seals: Sequence[Seal], batch: Batch) -> None:
        """Judges the event records of seals between which the registry does not move."""
        parts = self._read(seals)
        verdicts = self._verdicts([one for _, _, ones in parts for one in ones])
        at = 0
        for seal in seals:
            self._confirm(seal)
            while at < len(parts) and parts[at][0] is seal:
                _, placed, ones = parts[at]
                judged = [next(verdicts) for _ in ones]
                self._compare(placed, judged)
                self._take(seal, placed, judged, batch)
                at += 1
        self.admission.forget_verified()

    def _verdicts(self, given: Sequence[Given]) -> Iterator[Verdict]:
        """The verdicts in order; a record is judged while it is warm in the cache."""
        for start in range(0, len(given), JUDGED_AT_ONCE):
            part = given[start : start + JUDGED_AT_ONCE]
            opened = self.admission.open([one.data for one in part])
            self._load_chains(opened)
            self._verify(part, opened)
            for one, record in zip(part, opened, strict=True):
                yield self.admission.admit(one.data, record, one.place)
            self.admission.forget_verified()

    def _verify(
        self, given: Sequence[Given], opened: Sequence[Opened | Refusal]
    ) -> None:
        left = opened
        if self._vouched is not None:
            vouched, left = [], []
            for one, record in zip(given, opened, strict=True):
                if isinstance(record, Opened) and self._vouched(one.place):
                    vouched.append(record)
                else:
                    left.append(record)
            self.admission.take_verified(vouched)
        self.admission.verify_ahead(left)

    def _read(self, seals: Sequence[Seal]) -> list[tuple[Seal, Placed, list[Given]]]:
        """The records of these seals' own event sources, each source read at once."""
        wanted = [
            (seal, placed)
            for seal in seals
            for placed in placed_ranges(seal)
            if base_of(placed.source) != REGISTRY and self._is_own(placed.source)
            if self._is_next(placed)
        ]
        spans: dict[str, tuple[int, int]] = {}
        for _, placed in wanted:
            start, _ = spans.get(placed.source, (placed.start, 0))
            spans[placed.source] = (start, placed.end)
        held = {
            source: (start, self._records(source, start, end))
            for source, (start, end) in spans.items()
        }
        parts = []
        for seal, placed in wanted:
            start, records = held[placed.source]
            own = records[placed.start - start : placed.end - start]
            parts.append((seal, placed, list(given_at(seal, placed, own))))
        return parts

    def _is_own(self, source: str) -> bool:
        return base_of(source) in self._sources

    def _is_next(self, placed: Placed) -> bool:
        """Whether the range was not judged before a restart."""
        return placed.end > self.nexts.get(placed.source, 0)

    def _records(self, source: str, start: int, end: int) -> list[bytes]:
        found: list[bytes] = []
        while start + len(found) < end:
            at = start + len(found)
            limit = min(READ_LIMIT, end - at)
            page = self._log.read(source, at, limit=limit, size_max=READ_SIZE_MAX)
            if not page:
                raise Untrusted(
                    "the log lacks records that a seal covers",
                    code="log_records_lost",
                    expected=f"{end} records",
                    found=str(at),
                    where=source,
                )
            found += page
        return found

    def _load_chains(self, opened: Iterable[Opened | Refusal]) -> None:
        chains = self.admission.chains
        missing = {
            one.event["subject"]
            for one in opened
            if isinstance(one, Opened)
            and (one.event["chain"], one.event["subject"]) not in chains
        }
        if missing:
            chains.update(self._load(missing))

    def _confirm(self, seal: Seal) -> None:
        for sealed in seal["verdicts"]:
            if self._is_own(sealed["source"]):
                self._own.confirm(sealed, seal_no=seal["seal_no"])

    def _compare(self, placed: Placed, verdicts: Sequence[Verdict]) -> None:
        """With the tree; the registry's records too, whoever writes their tables."""
        if self._check is not None:
            self._check(placed, [one.leaf for one in verdicts])

    def _take(
        self, seal: Seal, placed: Placed, verdicts: list[Verdict], batch: Batch
    ) -> None:
        source = placed.source
        entries = [
            SealedVerdict(position=one.position, leaf=one.leaf, code=one.code)
            for one in verdicts
        ]
        batch.ranges.append(self._own.add(seal["seal_no"], source, entries))
        batch.verdicts += verdicts
        self.nexts[source] = placed.end
