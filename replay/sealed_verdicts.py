"""What the seals say of signatures: which of them need not be computed again."""

from __future__ import annotations

from ledger.admission import Place
from ledger.log.head import HeadStore
from ledger.seal import decode_seal

BAD_SIGNATURE = "bad_signature"


class SealedVerdicts:
    """Answers whether a sealed verdict vouches for the signatures of a record.

    It does unless it says ``bad_signature``, for signatures are check 10: a record that
    was refused before is refused before again, and whatever comes later rests on them.
    Holds one number per bad signature.
    """

    def __init__(self, head: HeadStore) -> None:
        self._nexts = head.load().tip.verdict_nexts
        self._bad = {
            refused["position"]
            for _, data in head.seals()
            for verdicts in decode_seal(data)["verdicts"]
            for refused in verdicts["refused"]
            if refused["code"] == BAD_SIGNATURE
        }

    def vouch(self, place: Place) -> bool:
        """Whether the verdict on the record at this place says that they hold."""
        known = place.ordinal < self._nexts.get(place.source, 0)
        return known and place.position not in self._bad
