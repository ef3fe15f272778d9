"""Knows which seal may follow which, and reads the source ``seals`` by that rule.

Anybody with append rights can write to ``seals``; only the sealer's signature counts.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Protocol

from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.errors import Malformed, Untrusted
from ledger.events import Seal
from ledger.note import Verify
from ledger.seal import (
    Placed,
    checkpoint_of,
    decode_seal,
    placed_ranges,
    seal_digest,
)
from ledger.tip import Tip, broken, next_tip

EVIDENCE_MAX = 100
_REMEMBERED_SEALS = 1_024

SealBytes = Callable[[int], bytes | None]
"""seal number -> the bytes of the seal that was accepted, None if it is not at hand."""


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
            raise broken(number, "the checkpoint says other things than its seal")
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
