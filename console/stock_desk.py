"""What an import is given of an open ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from typing_extensions import override

from console.acting import authority_of, signers_of
from console.importer.desk import ImportKeys
from console.ledger import Ledger
from ledger.chain import ChainState
from ledger.log.key_store import IssuedKeys, KeyRequest, KeyStore
from ledger.publish import Appended, RoleSigner, Signed
from ledger.registry import Registry
from projections import audit_trail, store


class StockDesk:
    """Imports by the department of a key file (``console.importer.desk``).

    Without one: by the department that ``init`` made. Published records are sealed and judged as soon as somebody asks for a verdict.
    """

    def __init__(self, ledger: Ledger, key: Path | None = None) -> None:
        keys = () if key is None else (key,)
        self._ledger = ledger
        self._appended: dict[bytes, Appended] = {}
        self.department = authority_of(ledger, keys)
        self.signers: Sequence[RoleSigner] = signers_of(ledger, keys)

    @property
    def keys(self) -> ImportKeys:
        """The key store."""
        return self._ledger.key_store

    def now(self) -> int:
        """UTC µs."""
        return self._ledger.clock()

    def random_bytes(self, size: int, /) -> bytes:
        """So many random bytes."""
        return self._ledger.random_bytes(size)

    def registry(self) -> Registry:
        """The registry as it is projected now."""
        return self._ledger.registry()

    def catch_up(self) -> None:
        """Returns when all that is in the log now is judged and can be read."""
        self._ledger.catch_up()

    def chains(self, license_ids: Sequence[str]) -> Mapping[str, ChainState]:
        """Acts and fold of each license that has any."""
        found = store.load_chains(self._ledger.views, license_ids)
        return {
            subject: state
            for (kind, subject), state in found.items()
            if kind == "license"
        }

    def licenses_of_rows(
        self, system: str, row_keys: Sequence[str]
    ) -> Mapping[str, AbstractSet[str]]:
        """Row key -> licenses with an accepted act from that row of that system."""
        return audit_trail.licenses_of_rows(self._ledger.views, system, row_keys)

    def publish(self, signed: Sequence[Signed]) -> None:
        """Appends records; when it returns they survive a crash."""
        for one in self._ledger.publish(signed):
            self._appended[one.digest] = one

    def settle(self, digests: Sequence[bytes]) -> Mapping[bytes, str]:
        """Waits until these events are judged; event digest -> verdict code."""
        places = {digest: self._appended.pop(digest) for digest in digests}
        self._ledger.await_all(list(places.values()))
        return audit_trail.codes_of(self._ledger.views, list(places.values()))


class CheckingDesk(StockDesk):
    """The same for a check: it looks at what is judged already and writes nothing."""

    def __init__(self, ledger: Ledger, key: Path | None = None) -> None:
        super().__init__(ledger, key)
        store, destroyed = ledger.key_store_to_look()
        self._looking = _KeysToLook(store, destroyed)

    @property
    @override
    def keys(self) -> ImportKeys:
        """The key store, to look into."""
        return self._looking

    @override
    def catch_up(self) -> None:
        """Nothing: sealing and projecting would write."""

    @override
    def publish(self, signed: Sequence[Signed]) -> None:
        """Raises AssertionError: a check publishes nothing."""
        raise AssertionError("a check publishes nothing")


class _KeysToLook:
    """Keys that exist; draws none, and opens nothing that the log has destroyed."""

    def __init__(
        self, store: KeyStore, destroyed: AbstractSet[tuple[bytes, str]]
    ) -> None:
        self._store = store
        self._destroyed = destroyed

    def holder_refs(self, holders: Sequence[tuple[str, str]]) -> list[bytes]:
        raise AssertionError(f"a check draws nothing, asked for {len(holders)} refs")

    def find_refs(self, holders: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return self._store.find_refs(holders)

    def issue(self, requests: Sequence[KeyRequest]) -> list[IssuedKeys]:
        raise AssertionError(f"a check draws nothing, asked for {len(requests)} keys")

    def event_keys(
        self, asked: Sequence[tuple[bytes, str, bytes]]
    ) -> list[bytes | None]:
        found = self._store.event_keys(asked)
        return [
            None if (ref, license_id) in self._destroyed else key
            for (ref, license_id, _), key in zip(asked, found, strict=True)
        ]
