"""A ledger in memory: what is judged, whose keys there are, and the registry.

Everything goes in as signed records through admission, as it would from a log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ledger.admission import Admission, Place, Verdict
from ledger.catalogue import LicenseType
from ledger.chain import ChainState
from ledger.drafting import (
    Position,
    bare_event,
)
from ledger.events import ZERO_DIGEST, ZERO_ORIGIN, Event, Field, Value
from ledger.keyring import possession_message
from ledger.publish import RoleSigner, Signed, sign
from ledger.registry import Registry
from ledger.registry_fields import (
    found_fields,
    registry_fields_authority,
    registry_fields_key,
    registry_fields_type,
)
from ledger.signing import SoftwareSigner
from tests import fixed
from tests.sample_province import (
    START,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A record that was judged, and what became of it."""

    data: bytes
    source: str
    verdict: Verdict

    @property
    def code(self) -> str:
        """accepted, or the refusal."""
        return self.verdict.code


class Ledger:
    """A ledger and its registry; ``now`` is the time of the next seal, UTC µs.

    ``signers``: makes the signer of a name. ``records`` keeps everything that was
    judged, in sealed order.
    """

    def __init__(
        self,
        *,
        name: str = "liaoning",
        partitions: int = 12,
        signers: Callable[[str], SoftwareSigner] = fixed.signer,
    ) -> None:
        self.name = name
        self.partitions = partitions
        self.registry = Registry()
        self.chains: dict[tuple[str, str], ChainState] = {}
        self.admission = Admission(self.registry, self.chains)
        self.now = START
        self.records: list[Sent] = []
        self.chance = fixed.Chance(f"ledger {name}")
        self._signers: dict[str, SoftwareSigner] = {}
        self._make = signers
        self._ordinals: dict[str, int] = {}

    # --- keys and records

    def signer(self, name: str) -> SoftwareSigner:
        """The key of this name."""
        if name not in self._signers:
            self._signers[name] = self._make(name)
        return self._signers[name]

    def signer_of(self, key_id: bytes) -> SoftwareSigner:
        """The signer whose key this is."""
        return next(one for one in self._signers.values() if one.key_id == key_id)

    def roles(self, *names: str | tuple[str, int]) -> list[RoleSigner]:
        """Signers by name (main), or by name and role."""
        pairs = [(n, 1) if isinstance(n, str) else n for n in names]
        return [RoleSigner(signer=self.signer(n), role=role) for n, role in pairs]

    def admit(self, data: bytes, source: str) -> Sent:
        """Judges a record as the next in sealed order."""
        ordinal = self._ordinals.get(source, 0)
        self._ordinals[source] = ordinal + 1
        place = Place(
            source=source,
            ordinal=ordinal,
            position=len(self.records),
            seal_no=len(self.records),
            sealed_at=self.now,
        )
        [opened] = self.admission.open([data])
        sent = Sent(
            data=data, source=source, verdict=self.admission.admit(data, opened, place)
        )
        self.records.append(sent)
        return sent

    def send(self, signed: Signed) -> Sent:
        """Judges a signed record on its own source."""
        return self.admit(signed.data, signed.source)

    def accept(self, signed: Signed) -> Sent:
        """The same; the test is wrong if the record is refused."""
        sent = self.send(signed)
        assert sent.code == "accepted", (sent.code, sent.verdict.detail)
        return sent

    def sign(self, event: Event, *names: str | tuple[str, int]) -> Signed:
        """Signs an event; its signers are set to these."""
        roles = self.roles(*names)
        event["signers"] = sorted(
            (one.entry for one in roles), key=lambda entry: entry["key_id"]
        )
        return sign(event, roles, partitions=self.partitions)

    def state(self) -> str:
        """Everything that a later verdict may rest on, as a digest."""
        registry = vars(self.registry) | {"keys": vars(self.registry.keys)}
        chains = {key: (c.acts, c.license) for key, c in self.chains.items()}
        return hashlib.new("sm3", repr((registry, chains)).encode()).hexdigest()

    # --- registry

    def registry_event(
        self, subject: str, act: str, fields: Mapping[str, Value], authority: str = ""
    ) -> Event:
        """The next event of a registry subject."""
        acts = self.registry.chain(subject)
        return bare_event(
            chain="registry",
            subject=subject,
            act=act,
            origin=self.registry.origin,
            event_id=self.chance(16),
            position=Position(
                sequence=len(acts) + 1,
                previous=acts[-1].digest if acts else ZERO_DIGEST,
            ),
            authority=authority,
            effective_at=self.now,
            signed_at=self.now,
            fields=fields,
            signers=[],
        )

    def founding_event(
        self, roots: Sequence[str] = ("root",), quorum: int = 1
    ) -> Event:
        """The founding record of this ledger."""
        fields = found_fields(
            name=self.name,
            partitions=self.partitions,
            quorum=quorum,
            root_keys=[self.signer(root).public_key for root in roots],
            sealer_key=self.signer("sealer").public_key,
        )
        event = self.registry_event("ledger:", "FOUND", values(fields))
        event["origin"] = ZERO_ORIGIN
        return event

    def found(self, roots: Sequence[str] = ("root",), quorum: int = 1) -> Sent:
        """Founds the ledger."""
        event = self.founding_event(roots, quorum)
        return self.accept(self.sign(event, *roots, "sealer"))

    def key_event(
        self, name: str, authority: str, purpose: str = "act", **changes: Value
    ) -> Event:
        """Registers the key of this name."""
        signer = self.signer(name)
        message = possession_message(self.registry.origin, authority, purpose)
        fields = registry_fields_key(
            public_key=signer.public_key,
            purpose=purpose,
            possession=signer.sign(message),
            authority=authority,
        )
        return self.registry_event(
            f"key:{signer.key_id.hex()}", "ADD", values(fields) | changes
        )

    def add_key(
        self, name: str, authority: str, purpose: str = "act", *, by: str = "root"
    ) -> Sent:
        """Registers a key; the quorum of one signs."""
        return self.accept(self.sign(self.key_event(name, authority, purpose), by))

    def end_key(self, name: str, *, by: str = "root") -> Sent:
        """Ends a key."""
        subject = f"key:{self.signer(name).key_id.hex()}"
        return self.accept(self.sign(self.registry_event(subject, "END", {}), by))

    def authority_event(
        self, uscc: str, *, area: str, roles: Sequence[str], **changes: Value
    ) -> Event:
        """Registers an authority."""
        fields = registry_fields_authority(
            name=f"机构 {uscc}", area=area, level="city", roles=roles
        )
        subject = f"authority:{uscc}"
        return self.registry_event(subject, "ADD", values(fields) | changes)

    def add_authority(
        self, uscc: str, *, area: str, roles: Sequence[str], **changes: Value
    ) -> Sent:
        """Registers an authority; the root signs."""
        event = self.authority_event(uscc, area=area, roles=roles, **changes)
        return self.accept(self.sign(event, "root"))

    def add_type(self, kind: LicenseType) -> Sent:
        """Publishes a type, or the next version of it; the root signs."""
        subject = f"type:{kind.code}"
        act = "CHANGE" if self.registry.chain(subject) else "ADD"
        event = self.registry_event(subject, act, values(registry_fields_type(kind)))
        return self.accept(self.sign(event, "root"))


def values(fields: Sequence[Field]) -> dict[str, Value]:
    """Fields by name."""
    return {field["name"]: field["value"] for field in fields}
