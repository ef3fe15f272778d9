"""A small province in memory: a founded ledger, departments, keys and licenses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.chain import ChainState
from ledger.drafting import Draft, DraftKeys, Position, bare_event, draft_event
from ledger.encryption import event_key
from ledger.events import ZERO_DIGEST, Event, Holder
from ledger.next_position import next_position
from ledger.publish import Signed
from tests.ledger_in_memory import Ledger, Sent
from tests.sample_province import (
    CITY,
    DECISION,
    DEPARTMENTS,
    FIELDS,
    HOLDER_ENTRY,
    JOINT_CODE,
    KEYS,
    TODAY,
    TYPE_CODE,
    permit,
)

__all__ = ["Sent", "World", "province"]


class World(Ledger):
    """A ledger whose departments issue licenses of the test types."""

    def license_id(self, serial: str, issuer: str = CITY, code: str = TYPE_CODE) -> str:
        """A license of the test type."""
        return f"1.2.156.3005.2.{code}.{issuer}.{serial}"

    def chain(self, license_id: str) -> ChainState:
        """The chain of a license, empty if there is none."""
        return self.chains.get(("license", license_id)) or ChainState()

    def draft(
        self,
        act: str,
        license_id: str,
        *,
        signed_at: int | None = None,
        position: Position | None = None,
        holders: Sequence[Holder] = (HOLDER_ENTRY,),
        **changes: Any,
    ) -> Event:
        """An event of a license as its department would make it, at the chain's head.

        ``changes`` are parts of the Draft; fields in clear.
        """
        given: dict[str, Any] = {
            "act": act,
            "license_id": license_id,
            "effective_at": TODAY,
            "authority": license_id.split(".")[6],
        }
        draft = Draft(**(given | changes))
        kind = self.registry.license_type(license_id.split(".")[5])
        assert kind is not None
        event_id = self.chance(16)
        return draft_event(
            draft,
            origin=self.registry.origin,
            kind=kind,
            position=position or next_position(draft, self.chain(license_id)),
            keys=DraftKeys(
                event_id=event_id,
                holders=tuple(holders),
                event_keys=(event_key(bytes(32), event_id),) * len(holders),
            ),
            signed_at=self.now if signed_at is None else signed_at,
            signers=[],
            random_bytes=self.chance,
        )

    def destroy_event(
        self, ref: str, license_ids: Sequence[str], authority: str
    ) -> Event:
        """Destroys the keys of a holder's licenses; ``ref`` in hex."""
        acts = (self.chains.get(("holder", ref)) or ChainState()).acts
        return bare_event(
            chain="holder",
            subject=ref,
            act="DESTROY",
            origin=self.registry.origin,
            event_id=self.chance(16),
            position=Position(
                sequence=len(acts) + 1,
                previous=acts[-1].digest if acts else ZERO_DIGEST,
            ),
            authority=authority,
            effective_at=self.now,
            signed_at=self.now,
            fields={"license_ids": {"strings": list(license_ids)}},
            signers=[],
        )

    def issue(self, serial: str, **changes: Any) -> Sent:
        """Issues a license; accepted."""
        event = self.draft(
            "ISSUE", self.license_id(serial), **({"fields": FIELDS} | changes)
        )
        return self.accept(self.sign(event, "city"))

    def act(self, act: str, license_id: str, **changes: Any) -> Sent:
        """A further act with a decision, by the issuing city; accepted."""
        return self.accept(self.signed(act, license_id, **changes))

    def signed(self, act: str, license_id: str, **changes: Any) -> Signed:
        """The same act, signed and not sent."""
        event = self.draft(act, license_id, **({"decision": DECISION} | changes))
        return self.sign(event, "city")


def province(**given: Any) -> World:
    """A founded ledger with departments, their keys, and two types."""
    world = World(**given)
    world.found()
    for uscc, area, roles in DEPARTMENTS:
        world.add_authority(uscc, area=area, roles=roles)
    for name, uscc in KEYS.items():
        world.add_key(name, uscc)
    world.add_key("former", CITY)
    world.end_key("former")
    world.add_type(permit())
    world.add_type(permit(code=JOINT_CODE, signatures={"ISSUE": [1, 2]}))
    return world
