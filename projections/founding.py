"""The founding record, read ahead: it names the ledger and the key that signs seal 0."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.admission import Admission, Place
from ledger.checkpoint import origin_line
from ledger.envelope import Opened
from ledger.errors import Unknown, Untrusted
from ledger.log.contract import EventLog
from ledger.registry import Registry
from ledger.sources import REGISTRY


def found(log: EventLog) -> Registry:
    """The registry as the founding record alone makes it.

    Raises Unknown when the log is empty, Untrusted when its first record founds nothing.
    """
    records = log.read(REGISTRY, 0, limit=1, size_max=1)
    if not records:
        raise Unknown(
            "this log holds no ledger",
            code="log_without_ledger",
            expected="a founding record",
        )
    registry = Registry()
    admission = Admission(registry, {})
    opened = admission.open(records)[0]
    if not isinstance(opened, Opened):
        raise Untrusted(
            "the first record founds no ledger",
            code="not_founded_rightly",
            found=opened.code,
        )
    place = Place(
        source=REGISTRY,
        ordinal=0,
        position=0,
        seal_no=0,
        # The real time comes with seal 0; the keys do not depend on it.
        sealed_at=opened.event["signed_at"],
    )
    verdict = admission.admit(records[0], opened, place)
    if not verdict.accepted:
        raise Untrusted(
            "the first record founds no ledger",
            code="not_founded_rightly",
            found=verdict.code,
        )
    return registry


class SealerKeys:
    """What a reader of seals asks: of the registry, and before seal 0 of the founding."""

    def __init__(self, registry: Registry, founding: Registry) -> None:
        self._registry = registry
        self._founding = founding

    @property
    def origin_line(self) -> str:
        """The line that the ledger's checkpoints carry."""
        return origin_line(self._founding.name, self._founding.origin)

    def sealer_key(self) -> bytes:
        """The public key that signs the next seal (04‖X‖Y)."""
        return self._current.sealer_key().public_key

    def ended_sealer_keys(self) -> Sequence[bytes]:
        """Public keys that signed seals once and may do so no more."""
        return self._current.ended_sealer_keys()

    def sources(self) -> Sequence[str]:
        """The sources in sealed order."""
        return self._current.sources()

    @property
    def _current(self) -> Registry:
        return self._registry if self._registry.founded else self._founding
