"""A small province that can be continued without asking anybody: signed events of
several types, chain after chain, each knowing its predecessor.

The key store is not asked, so that events can be made while PostgreSQL is down; nobody
ever opens their encrypted fields.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import schemas
from ledger.catalogue import LicenseType, parse_type
from ledger.drafting import DecisionDraft, Draft, DraftKeys, Position, draft_event
from ledger.envelope import encode_event, event_digest
from ledger.event_ids import draw_event_ids
from ledger.events import Event, Holder, Value
from ledger.lifecycle import ACTS
from ledger.publish import RoleSigner, Signed, sign, sign_together
from ledger.workdays import day_start, day_to_date, legal_day

BUSINESS: Final = "11100000MB0143028R001"
WORK_SAFETY: Final = "11210000999990010U042"
ID_CARD: Final = "11100000000013127D001"
_USCC: Final = "91210100MA0TE5T168"
_PHOTO: Final = f"sm3:{'5a' * 32}:20480:image/jpeg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The life of a license of one type: its acts in order, and what they carry."""

    acts: tuple[str, ...]
    face: dict[str, Value]
    changed: str
    person: bool = False


PLANS: Final = {
    BUSINESS: Plan(
        acts=("ISSUE", "CHANGE", "MARK", "CHANGE", "REVOKE"),
        face={
            "address": "沈阳市和平区示范路1号",
            "founded_on": "2025-01-02",
            "legal_rep": "示例",
            "name": "沈阳示例有限公司",
            "registration_status": "存续",
            "scope": "软件开发",
            "type": "有限责任公司",
            "uscc": _USCC,
        },
        changed="address",
    ),
    WORK_SAFETY: Plan(
        acts=("ISSUE", "MARK", "CHANGE", "SUSPEND"),
        face={
            "name": "沈阳示例有限公司",
            "uscc": _USCC,
            "responsible_person": "示例",
            "scope": "建筑施工",
            "number": "(辽)JZ安许证字[2005]000123",
        },
        changed="scope",
    ),
    ID_CARD: Plan(
        acts=("ISSUE", "MARK"),
        face={
            "name": "示例",
            "sex": "1",
            "ethnicity": "01",
            "birth_date": "1990-01-02",
            "address": "沈阳市和平区示范路1号",
            "id_no": "11010519491231002X",
            "photo": _PHOTO,
        },
        changed="",
        person=True,
    ),
}


@dataclass(slots=True)
class _Chain:
    """One license on its way through its plan."""

    license_id: str
    kind: LicenseType
    plan: Plan
    holder: Holder
    position: Position = field(default_factory=Position)
    version: int = 0

    @property
    def ended(self) -> bool:
        return self.position.sequence > len(self.plan.acts)


def _types() -> dict[str, LicenseType]:
    return {code: parse_type(schemas.toml(f"types/{code}.toml")) for code in PLANS}


@dataclass(slots=True, kw_only=True)
class Province:
    """Makes signed events for ever; ``name`` keeps its serials apart from others'.

    ``open`` licenses are continued at random; at most ``open_max`` at a time.
    """

    origin: bytes
    partitions: int
    authority: str
    signers: Sequence[RoleSigner]
    rng: random.Random
    name: str
    types: dict[str, LicenseType] = field(default_factory=_types)
    open: list[_Chain] = field(default_factory=list)
    made: int = 0

    open_max: int = 24

    def single(self) -> list[Signed]:
        """One event under a signature of its own."""
        return [sign(self.event(), self.signers, partitions=self.partitions)]

    def batch(self, count: int) -> list[Signed]:
        """Events under one signature; several may be of one license, in order."""
        return sign_together(
            [self.event() for _ in range(count)],
            self.signers,
            batch_ids=[self.rng.randbytes(16)],
            partitions=self.partitions,
        )

    def event(self) -> Event:
        """The next event of some license."""
        if (
            len(self.open) < self.open_max and self.rng.random() < 0.4
        ) or not self.open:
            self.open.append(self._chain())
        chain = self.rng.choice(self.open)
        event = self._next(chain)
        if chain.ended:
            self.open.remove(chain)
        return event

    def _chain(self) -> _Chain:
        code = self.rng.choice(sorted(PLANS))
        self.made += 1
        # A name may hold anything; a serial is of upper-case letters and digits.
        series = hashlib.sha256(self.name.encode()).hexdigest()[:16].upper()
        serial = f"{series}{self.made:08}"
        plan = PLANS[code]
        return _Chain(
            license_id=f"1.2.156.3005.2.{code}.{self.authority}.{serial}",
            kind=self.types[code],
            plan=plan,
            holder={
                "kind": "111" if plan.person else "001",
                "ref": self.rng.randbytes(32),
                "code": "" if plan.person else _USCC,
            },
        )

    def _next(self, chain: _Chain) -> Event:
        act = chain.plan.acts[chain.position.sequence - 1]
        makes = ACTS[act].makes_version == "always"
        now = time.time_ns() // 1_000
        [event_id] = draw_event_ids(1, now_us=now, random_bytes=self.rng.randbytes)
        event = draft_event(
            self._draft(chain, act, now),
            origin=self.origin,
            kind=chain.kind,
            position=replace(chain.position, version=chain.version + 1 if makes else 0),
            keys=DraftKeys(
                event_id=event_id,
                holders=(chain.holder,),
                event_keys=(self.rng.randbytes(32),),
            ),
            signed_at=now,
            signers=[one.entry for one in self.signers],
            random_bytes=self.rng.randbytes,
        )
        chain.version += makes
        chain.position = Position(
            sequence=chain.position.sequence + 1,
            previous=event_digest(encode_event(event)),
        )
        return event

    def _draft(self, chain: _Chain, act: str, now: int) -> Draft:
        today = day_to_date(legal_day(now)).isoformat()
        fields: dict[str, Value] = {}
        match act:
            case "ISSUE":
                fields = {
                    **chain.plan.face,
                    "valid_from": today,
                    "valid_until": None,
                }
            case "CHANGE":
                fields = {chain.plan.changed: f"示范{self.rng.randrange(1000)}"}
            case "MARK":
                fields = {"mark": "lost", "mark_on": True, "mark_date": today}
            case _:
                pass  # it sets no field
        given: dict[str, Any] = {}
        if ACTS[act].decision_required:
            given["decision"] = DecisionDraft(
                number="示〔2026〕1号",
                date=today,
                reason_code="on_application",
                reason="事由",
            )
        return Draft(
            act=act,
            license_id=chain.license_id,
            effective_at=day_start(legal_day(now)),
            authority=self.authority,
            fields=fields,
            **given,
        )
