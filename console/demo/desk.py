"""What the demonstration needs of the ledger it runs on: one object, given from outside.

The command gives the real thing (PostgreSQL, sealer, projector); tests give the pure
core in memory. Both are asked the same questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ledger.catalogue import LicenseType
from ledger.chain import ChainState
from ledger.drafting import HolderDraft
from ledger.events import Chain
from ledger.log.key_store import IssuedKeys, KeyRequest
from ledger.publish import Signed
from ledger.signing import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the ledger said of one published record."""

    position: int
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeLine:
    """One accepted act; ``changed``: field -> old and new, personal ones only named.

    ``overtaken``: an act reported later took its ground (被后到行为覆盖).
    """

    position: int
    act: str
    authority: str
    decision: str
    effective_at: int
    recorded_at: int
    flags: tuple[str, ...]
    changed: Mapping[str, Sequence[str]]
    overtaken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLicense:
    """One license that somebody held: its state and version on the day asked about."""

    license_id: str
    type_name: str
    state: str
    version: int
    valid_until: str | None


class Keys(Protocol):
    """The key store as ``ledger.log.key_store.KeyStore`` offers it."""

    def holder_refs(self, holders: Sequence[tuple[str, str]]) -> list[bytes]:
        """The refs of (kind, code), 32 bytes each, drawn where there is none yet."""
        ...

    def issue(self, requests: Sequence[KeyRequest]) -> list[IssuedKeys]:
        """An event id and a key per holder; Refused once a key was destroyed."""
        ...


class DemoDesk(Protocol):
    """A freshly founded ledger with the catalogue in its registry."""

    @property
    def line(self) -> str:
        """The checkpoints' origin line, name and hex origin."""
        ...

    @property
    def origin(self) -> bytes:
        """The 16 bytes that every event carries."""
        ...

    @property
    def partitions(self) -> int:
        """How many event partitions there are."""
        ...

    @property
    def root(self) -> Signer:
        """The root key (quorum 1 of 1)."""
        ...

    @property
    def department(self) -> Signer:
        """The act key of the department that founding the ledger made."""
        ...

    @property
    def keys(self) -> Keys:
        """The key store; it destroys what the log says is destroyed by itself."""
        ...

    def now(self) -> int:
        """UTC µs."""
        ...

    def draw_keys(self, named: Sequence[tuple[str, str]]) -> list[Signer]:
        """New act key pairs for (name, authority), kept where the ledger keeps its keys."""
        ...

    def license_type(self, code: str) -> LicenseType:
        """The version in force of a license type."""
        ...

    def chains(self, chain: Chain, subjects: Sequence[str]) -> Mapping[str, ChainState]:
        """The accepted acts of chains by subject, as of the last ``publish``."""
        ...

    @property
    def seals(self) -> int:
        """How many seals there are."""
        ...

    def publish(self, signed: Sequence[Signed]) -> list[Told]:
        """Appends records, waits for their verdicts, gives them in the same order."""
        ...

    def status(self) -> Mapping[str, Any]:
        """What ``status --json`` prints."""
        ...

    def history(self, license_id: str) -> Mapping[str, Any]:
        """What ``history ID --json`` prints."""
        ...

    def show(self, license_id: str) -> Mapping[str, Any]:
        """What ``show ID --json`` prints: personal values masked, or said to be erased."""
        ...

    def timeline(self, license_id: str) -> Sequence[LifeLine]:
        """Every accepted act of a license, in recorded order."""
        ...

    def known(self, license_id: str, *, effective: int, known_at: int) -> str:
        """The state of a license on one day as known at another; UTC µs."""
        ...

    def held(self, holder: HolderDraft, *, as_of: int) -> Sequence[HeldLicense]:
        """What somebody held on a day, as known now; what came later is left out."""
        ...

    def receipt(self, license_id: str, sequence: int) -> bytes:
        """What ``receipt ID --sequence N`` writes; its verdict is sealed already."""
        ...
