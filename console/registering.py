"""Registry records made from an open ledger: authorities, keys, types, calendars.

Records are collected and published together, so that one seal takes them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.ledger import Ledger
from ledger.catalogue import LicenseType
from ledger.drafting import Position, bare_event
from ledger.envelope import encode_event, event_digest
from ledger.event_ids import draw_event_ids
from ledger.events import Field, Value
from ledger.key_file import KeyPair
from ledger.keyring import possession_message
from ledger.publish import RoleSigner, Signed, sign
from ledger.registry_fields import (
    GrantDraft,
    registry_fields_authority,
    registry_fields_key,
    registry_fields_type,
)
from ledger.signing import SoftwareSigner, key_id
from projections.audit_trail import AuditRow


class Registrar:
    """Collects registry records signed by some keys, and publishes them in order."""

    def __init__(
        self, ledger: Ledger, *, signers: Sequence[RoleSigner], authority: str
    ) -> None:
        self._ledger = ledger
        self._signers = list(signers)
        self._authority = authority
        self._registry = ledger.registry()
        self._heads: dict[str, Position] = {}
        self._made: list[Signed] = []

    def authority(
        self,
        uscc: str,
        *,
        name: str | None = None,
        area: str | None = None,
        level: str | None = None,
        roles: Iterable[str] | None = None,
        types: Iterable[str] | None = None,
        delegations: Iterable[GrantDraft] | None = None,
        successions: Iterable[GrantDraft] | None = None,
        basis: str = "",
    ) -> None:
        """ADD or CHANGE of an authority; None leaves a field as it is."""
        fields = registry_fields_authority(
            name=name,
            area=area,
            level=level,
            roles=roles,
            types=types,
            delegations=delegations,
            successions=successions,
            basis=basis,
        )
        known = self._registry.authority(uscc) is not None
        self.record(f"authority:{uscc}", "CHANGE" if known else "ADD", fields)

    def key(self, pair: KeyPair) -> None:
        """ADD of a key, with its proof of possession."""
        signer = SoftwareSigner(pair.private, pair.public)
        message = possession_message(self._ledger.origin, pair.authority, pair.purpose)
        fields = registry_fields_key(
            public_key=pair.public,
            purpose=pair.purpose,
            authority=pair.authority,
            possession=signer.sign(message),
        )
        self.record(f"key:{key_id(pair.public).hex()}", "ADD", fields)

    def license_type(self, kind: LicenseType) -> None:
        """ADD of a license type, or CHANGE of one that is there."""
        known = self._registry.license_type(kind.code) is not None
        fields = registry_fields_type(kind)
        self.record(f"type:{kind.code}", "CHANGE" if known else "ADD", fields)

    def record(
        self, subject: str, act: str, fields: Iterable[Field] | Mapping[str, Value]
    ) -> None:
        """Signs one record as the next of its subject's chain."""
        values = (
            dict(fields)
            if isinstance(fields, Mapping)
            else {field["name"]: field["value"] for field in fields}
        )
        now = self._ledger.clock()
        at = self._heads.get(subject) or self._head(subject)
        event = bare_event(
            chain="registry",
            subject=subject,
            act=act,
            origin=self._ledger.origin,
            event_id=draw_event_ids(
                1, now_us=now, random_bytes=self._ledger.random_bytes
            )[0],
            position=at,
            authority=self._authority,
            effective_at=now,
            signed_at=now,
            fields=values,
            signers=[one.entry for one in self._signers],
        )
        signed = sign(event, self._signers, partitions=self._ledger.partitions)
        digest = event_digest(encode_event(event))
        self._heads[subject] = Position(sequence=at.sequence + 1, previous=digest)
        self._made.append(signed)

    def publish(self) -> list[AuditRow]:
        """Appends what was collected and returns its verdicts, in order."""
        appended = self._ledger.publish(self.taken())
        return [self._ledger.await_verdict(one) for one in appended]

    def taken(self) -> list[Signed]:
        """What was collected, for somebody else to append."""
        made, self._made = self._made, []
        return made

    def _head(self, subject: str) -> Position:
        acts = self._registry.chain(subject)
        if not acts:
            return Position()
        return Position(sequence=len(acts) + 1, previous=acts[-1].digest)


def verdict_document(row: AuditRow) -> dict[str, Any]:
    """What registry commands print of one record."""
    accepted = row.verdict == "accepted"
    return {
        "subject": row.subject,
        "act": row.act,
        "verdict": "accepted" if accepted else "refused",
        "refusal": None if accepted else row.verdict,
        "position": row.position,
        "event_digest": row.digest.hex() if row.digest else None,
        "detail": row.detail,
    }
