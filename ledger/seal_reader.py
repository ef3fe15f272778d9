"""Knows which seal may follow which, and reads the source ``seals`` by that rule.

Anybody with append rights can write to ``seals``; only the sealer's signature counts.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.errors import Malformed, Untrusted
from ledger.events import ZERO_DIGEST, Seal, VerdictRange
from ledger.merkle import empty_root
from ledger.note import Verify
from ledger.refusals import ACCEPTED
from ledger.seal import (
    SEAL_RECORDS_MAX,
    Placed,
    checkpoint_of,
    decode_seal,
    placed_ranges,
    seal_digest,
)
from ledger.sources import REGISTRY, base_of, successor_of

EVIDENCE_MAX = 100
_REMEMBERED_SEALS = 1_024

SealBytes = Callable[[int], bytes | None]
"""seal number -> the bytes of the seal that was accepted, None if it is not at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """Where sealed order stands after a seal; as it is before seal 0 by default.

    ``nexts``: per source, how many of its records are sealed; ``verdict_nexts``: on how
    many of them the verdict is sealed. A source that is not there has none.
    """

    seal_no: int = -1
    digest: bytes = ZERO_DIGEST
    sealed_at: int = 0
    tree_size: int = 0
    root: bytes = field(default_factory=empty_root)
    nexts: Mapping[str, int] = field(default_factory=dict)
    verdict_nexts: Mapping[str, int] = field(default_factory=dict)


class Fork(Untrusted):
    """Two different seals of one number, both rightly signed: the sealer lied.

    ``first`` and ``second`` are the bytes of both, which prove it to anybody.
    """

    default_code = "fork"

    def __init__(self, seal_no: int, first: bytes, second: bytes) -> None:
        super().__init__(
            "two different seals of one number are signed",
            expected="one seal",
            found="two",
            where=f"seal {seal_no}",
        )
        self.first = first
        self.second = second


class KeysInForce(Protocol):
    """What the registry says at the reader's place: asked anew for every seal.

    Whoever reads applies the registry records of each seal before the next one.
    """

    def sealer_key(self) -> bytes:
        """The public key that signs the next seal (04‖X‖Y)."""
        ...

    def ended_sealer_keys(self) -> Sequence[bytes]:
        """Public keys that signed seals once and may do so no more."""
        ...

    def sources(self) -> Sequence[str]:
        """The sources in sealed order, a succeeding one in its predecessor's place."""
        ...


def next_tip(
    tip: Tip, seal: Seal, *, sources: Sequence[str], placed_of: PlacedOf
) -> Tip:
    """Returns the tip after ``seal``; raises Untrusted if it does not follow ``tip``.

    (1) number, predecessor, time; (2) ranges: not empty, in the order of ``sources``,
    each from where its source's last one ended, registry first of all; (3) size and
    root; (4) verdicts: on records of earlier seals, per source each once in order.
    ``placed_of`` gives the ranges of an earlier seal, None if there is no such seal.
    """
    # Step 1.
    number = tip.seal_no + 1
    _same(number, seal["seal_no"], "the seal's number does not follow", number)
    if seal["previous"] != tip.digest:
        raise _broken(number, "the seal names another predecessor")
    if seal["sealed_at"] < tip.sealed_at:
        raise _broken(number, "ledger time goes back")
    # Step 2.
    nexts = _nexts(tip, seal, sources)
    # Step 3.
    count = sum(given["to"] - given["from"] for given in seal["ranges"])
    if count > SEAL_RECORDS_MAX:
        raise _broken(number, "the seal covers too many records")
    _same(tip.tree_size + count, seal["tree_size"], "sizes do not add up", number)
    if not count and seal["root"] != tip.root:
        raise _broken(number, "the root changes without new records")
    # Step 4.
    return Tip(
        seal_no=number,
        digest=seal_digest(seal),
        sealed_at=seal["sealed_at"],
        tree_size=seal["tree_size"],
        root=seal["root"],
        nexts=nexts,
        verdict_nexts=_verdict_nexts(tip, seal, placed_of),
    )


PlacedOf = Callable[[int], Sequence[Placed] | None]


class SealReader:
    """Follows ``seals``: takes the next rightly signed seal, skips everything else.

    ``origin`` is the checkpoints' origin line. ``seen`` finds an accepted seal by its
    number; the reader itself remembers only the latest. ``skipped`` counts what was
    passed over; ``evidence`` keeps, of that, the latest seals signed by an ended key.
    """

    def __init__(
        self,
        *,
        origin: str,
        keys: KeysInForce,
        verify: Verify,
        seen: SealBytes,
        tip: Tip | None = None,
    ) -> None:
        self.tip = tip or Tip()
        self.skipped = 0
        self.evidence: deque[bytes] = deque(maxlen=EVIDENCE_MAX)
        self._origin = origin
        self._keys = keys
        self._verify = verify
        self._seen = seen
        self._latest: OrderedDict[int, bytes] = OrderedDict()

    def feed(self, data: bytes) -> Seal | None:
        """Returns the seal if these bytes are the next one, None if they are skipped.

        Raises Fork for another rightly signed seal of a number that was seen, Untrusted
        for the next rightly signed seal when it breaks the rules of ``next_tip``.
        """
        seal = self._judge(data)
        if seal is None:
            self.skipped += 1
        return seal

    def placed_of(self, seal_no: int) -> Sequence[Placed] | None:
        """Returns the ranges of an accepted seal, None if there is none."""
        data = self._accepted(seal_no)
        return None if data is None else placed_ranges(decode_seal(data))

    def _accepted(self, seal_no: int) -> bytes | None:
        if not 0 <= seal_no <= self.tip.seal_no:
            return None
        return self._latest.get(seal_no) or self._seen(seal_no)

    def _judge(self, data: bytes) -> Seal | None:
        try:
            seal = decode_seal(data)
            digest = seal_digest(seal)
        except Malformed:
            return None
        number = seal["seal_no"]
        if not 0 <= number <= self.tip.seal_no + 1:
            return None
        if number <= self.tip.seal_no:
            self._compare(data, seal, digest)
            return None
        checkpoint = self._signed(seal, digest, (self._keys.sealer_key(),))
        if checkpoint is None:
            self._keep(data, seal, digest)
            return None
        tip = next_tip(
            self.tip, seal, sources=self._keys.sources(), placed_of=self.placed_of
        )
        if checkpoint != checkpoint_of(seal, self._origin):
            raise _broken(number, "the checkpoint says other things than its seal")
        self.tip = tip
        self._latest[number] = data
        if len(self._latest) > _REMEMBERED_SEALS:
            self._latest.popitem(last=False)
        return seal

    def _compare(self, data: bytes, seal: Seal, digest: bytes) -> None:
        """Judges a seal of a number that was seen: a repeat, a fork, or not signed."""
        first = self._accepted(seal["seal_no"])
        if first is None or seal_digest(decode_seal(first)) == digest:
            return
        if self._signed(seal, digest, (self._keys.sealer_key(),)):
            raise Fork(seal["seal_no"], first, data)
        self._keep(data, seal, digest)

    def _keep(self, data: bytes, seal: Seal, digest: bytes) -> None:
        if self._signed(seal, digest, self._keys.ended_sealer_keys()):
            self.evidence.append(data)

    def _signed(
        self, seal: Seal, digest: bytes, keys: Sequence[bytes]
    ) -> Checkpoint | None:
        """The seal's checkpoint if one of the keys signed it over this digest."""
        note = seal["checkpoint"].encode()
        for key in keys:
            try:
                checkpoint = open_checkpoint(
                    note, origin=self._origin, public_key=key, verify=self._verify
                )
            except (Malformed, Untrusted):
                continue
            if checkpoint.seal_digest == digest:
                return checkpoint
        return None


def _nexts(tip: Tip, seal: Seal, sources: Sequence[str]) -> dict[str, int]:
    number = seal["seal_no"]
    nexts = dict(tip.nexts)
    places = {source: place for place, source in enumerate(sources)}
    for source in sources[:1]:
        opened = successor_of(source)
        if base_of(source) == REGISTRY and not nexts.get(opened):
            # The registry's successor begins with the record that makes it one, so no
            # reader can know of it before. Whoever folds that record judges it.
            places[opened] = 0
    last = -1
    for given in seal["ranges"]:
        source = given["source"]
        place = places.get(source, -1)
        if place <= last:
            raise _broken(number, "a range's source is unknown or out of order", source)
        last = place
        if given["from"] != nexts.get(source, 0) or given["to"] <= given["from"]:
            raise _broken(number, "a range does not start where the last ended", source)
        nexts[source] = given["to"]
    if not nexts.get(REGISTRY):
        raise _broken(number, "nothing comes before the founding record", REGISTRY)
    return nexts


def _verdict_nexts(tip: Tip, seal: Seal, placed_of: PlacedOf) -> dict[str, int]:
    nexts = dict(tip.verdict_nexts)
    for verdict in seal["verdicts"]:
        source, number = verdict["source"], seal["seal_no"]
        placed = _placed(verdict, placed_of) if verdict["seal_no"] < number else None
        if placed is None:
            raise _broken(number, "a verdict on records that no seal covers", source)
        ordinal = placed.start + verdict["first"] - placed.position
        end = ordinal + verdict["count"]
        if ordinal != nexts.get(source, 0) or not ordinal < end <= placed.end:
            raise _broken(number, "verdicts do not follow one another", source)
        _check_refused(verdict, number)
        nexts[source] = end
    return nexts


def _placed(verdict: VerdictRange, placed_of: PlacedOf) -> Placed | None:
    for placed in placed_of(verdict["seal_no"]) or ():
        if placed.source == verdict["source"] and placed.position <= verdict["first"]:
            return placed
    return None


def _check_refused(verdict: VerdictRange, number: int) -> None:
    last, end = verdict["first"] - 1, verdict["first"] + verdict["count"]
    for refusal in verdict["refused"]:
        if not last < refusal["position"] < end or refusal["code"] in ("", ACCEPTED):
            raise _broken(number, "a list of refusals is wrong", verdict["source"])
        last = refusal["position"]


def _same(expected: int, found: int, reason: str, number: int) -> None:
    if expected != found:
        raise Untrusted(
            reason,
            code="seal_invalid",
            expected=str(expected),
            found=str(found),
            where=f"seal {number}",
        )


def _broken(number: int, reason: str, source: str = "") -> Untrusted:
    return Untrusted(
        reason,
        code="seal_invalid",
        where=f"seal {number}" + (f", {source}" if source else ""),
    )
