"""What an import needs around it: one object, so that it knows no wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from ledger.chain import ChainState
from ledger.log.key_store import IssuedKeys, KeyRequest
from ledger.publish import RoleSigner, Signed
from ledger.registry import Registry


class ImportKeys(Protocol):
    """The key store as an import uses it; ``ledger.log.key_store.KeyStore`` is one."""

    def holder_refs(self, holders: Sequence[tuple[str, str]]) -> list[bytes]:
        """The refs of (kind, code), drawn for those who have none yet."""
        ...

    def find_refs(self, holders: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """The refs of those who have one; draws nothing."""
        ...

    def issue(self, requests: Sequence[KeyRequest]) -> list[IssuedKeys]:
        """Event ids and keys, all or nothing; Refused when a pair was destroyed."""
        ...

    def event_keys(
        self, asked: Sequence[tuple[bytes, str, bytes]]
    ) -> list[bytes | None]:
        """The keys of (holder_ref, license_id, event_id), None where there is none."""
        ...


class ImportDesk(Protocol):
    """One open ledger, and the department that imports into it."""

    @property
    def department(self) -> str:
        """USCC of the importing department: issuer, custodian and definer."""
        ...

    @property
    def signers(self) -> Sequence[RoleSigner]:
        """The department's keys, in the roles in which they sign."""
        ...

    @property
    def keys(self) -> ImportKeys:
        """The key store."""
        ...

    def now(self) -> int:
        """UTC µs."""
        ...

    def random_bytes(self, size: int, /) -> bytes:
        """So many random bytes."""
        ...

    def registry(self) -> Registry:
        """The registry as it is now known here; asked for rarely."""
        ...

    def catch_up(self) -> None:
        """Returns when all that is in the log now is judged and can be read."""
        ...

    def chains(self, license_ids: Sequence[str]) -> Mapping[str, ChainState]:
        """Acts and fold of each license that has any."""
        ...

    def licenses_of_rows(
        self, system: str, row_keys: Sequence[str]
    ) -> Mapping[str, AbstractSet[str]]:
        """Row key -> licenses with an accepted act from that row of that system."""
        ...

    def publish(self, signed: Sequence[Signed]) -> None:
        """Appends records, in order; when it returns they survive a crash."""
        ...

    def settle(self, digests: Sequence[bytes]) -> Mapping[bytes, str]:
        """Waits until these events are judged; event digest -> verdict code."""
        ...
