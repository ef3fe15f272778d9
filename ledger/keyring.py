"""The registered keys: what each is for, whose it is, and since when it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ledger.events import Signer

ROOT_KEYS_MAX = 7
PURPOSES = ("root", "act", "seal", "witness")
_POSSESSION = b"license-ledger/key/v1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One registered key; positions are those of its registry records.

    ``key_id`` = SM3(public_key), ``public_key`` = 04‖X‖Y, ``authority`` empty for root,
    seal and witness keys. ``compromised_since``: UTC µs.
    """

    key_id: bytes
    public_key: bytes
    purpose: str
    authority: str
    since: int
    algorithm: int = 1
    ended: int | None = None
    compromised_since: int | None = None

    @property
    def active(self) -> bool:
        """Whether it may sign here; a compromised key may until it is ended."""
        return self.ended is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealerTerm:
    """A sealer key and the positions of the records that put it in force and out."""

    key: Key
    since: int
    until: int | None


def possession_message(origin: bytes, authority: str, purpose: str) -> bytes:
    """What a new key signs to show that its registrant holds it, in this ledger only."""
    parts = (origin, authority.encode(), purpose.encode())
    return _POSSESSION + b"".join(len(p).to_bytes(4, "big") + p for p in parts)


class Keyring:
    """Keys by key_id. A key is registered once and for one purpose, and never again."""

    def __init__(self) -> None:
        self.quorum = 0
        self._keys: dict[bytes, Key] = {}
        self._sealers: list[tuple[bytes, int]] = []

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def get(self, key_id: bytes) -> Key | None:
        """The key of this id, ended ones too."""
        return self._keys.get(key_id)

    def active(self, purpose: str) -> list[Key]:
        """Keys of a purpose that have not ended, in the order of registration."""
        return [key for key in self if key.purpose == purpose and key.active]

    def root_quorum(self, signers: Sequence[Signer]) -> bool:
        """Whether the signers name at least k active root keys; never before FOUND."""
        named = {
            signer["key_id"]
            for signer in signers
            if (key := self._keys.get(signer["key_id"])) is not None
            and key.purpose == "root"
            and key.active
        }
        return 0 < self.quorum <= len(named)

    def add(self, key: Key) -> None:
        """Takes a new key."""
        self._keys[key.key_id] = key
        self._note_sealer(key.since)

    def end(self, key_id: bytes, position: int) -> None:
        """The key stops at this position."""
        self._keys[key_id] = replace(self._keys[key_id], ended=position)
        self._note_sealer(position)

    def compromise(self, key_id: bytes, since: int) -> None:
        """Marks the key from the earliest time that was ever reported."""
        key = self._keys[key_id]
        known = key.compromised_since
        earliest = since if known is None else min(since, known)
        self._keys[key_id] = replace(key, compromised_since=earliest)

    def sealer(self) -> Key | None:
        """The sealer key in force: the newest one that has not ended."""
        return self._keys[self._sealers[-1][0]] if self._sealers else None

    def sealer_terms(self) -> tuple[SealerTerm, ...]:
        """Every sealer key that was in force, in order."""
        ends = [since for _, since in self._sealers[1:]]
        return tuple(
            SealerTerm(key=self._keys[key_id], since=since, until=until)
            for (key_id, since), until in zip(self._sealers, [*ends, None], strict=True)
        )

    def _note_sealer(self, position: int) -> None:
        newest = self.active("seal")[-1:]
        if newest and (not self._sealers or self._sealers[-1][0] != newest[0].key_id):
            self._sealers.append((newest[0].key_id, position))
