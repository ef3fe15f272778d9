"""An office of the city that has one packaged license type to issue, in memory."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import schemas
from ledger.catalogue import LicenseType, parse_type
from ledger.events import Event, Holder, Value
from ledger.license import License
from ledger.publish import Signed
from tests.builders import Sent, World
from tests.faces import face_of, value_of
from tests.fixed import Chance
from tests.sample_province import (
    DECISION,
    DEPARTMENTS,
    HOLDER_ENTRY,
    KEYS,
)

CODES = schemas.names("types")
PERSON: Holder = {"kind": "111", "ref": Chance("a person")(32), "code": ""}
TERM: dict[str, Value] = {"valid_from": "2026-03-02", "valid_until": "2031-03-01"}
MOVED_IN: dict[str, Value] = {
    "previous_identifier": "1.2.156.3005.2.11100000MB0143028R001"
    ".11210000999990010U.2022000000000001.001.3"
}
EXTRA: dict[str, dict[str, Value]] = {
    "RENEW": TERM,
    "REPLACE": TERM,
    "SUSPEND": {"term_until": "2026-06-01"},
    "ANNUL": {"effect_from": "2026-03-02"},
    "CANCEL": {"ground": "6"},
    "TRANSFER_IN": {**TERM, **MOVED_IN},
}
"""What an act carries besides the face."""
CAUSED = {"RESUME": ("SUSPEND", "PAUSE"), "CORRECT": ("ISSUE",)}
"""The act that another one names: the first of these that the chain has."""


def packaged(code: str) -> LicenseType:
    """A type of the catalogue."""
    return parse_type(schemas.toml(f"types/{code}.toml"))


@cache
def office_of(code: str) -> Office:
    """The office of a type, founded once: licenses of other tests are other chains."""
    return Office(packaged(code))


class Office(World):
    """A world with one type in it, whose licenses the city issues."""

    def __init__(self, kind: LicenseType) -> None:
        super().__init__()
        self.kind = kind
        self._serials = itertools.count(1)
        self.holder = HOLDER_ENTRY if kind.holder_category == "organisation" else PERSON
        self.found()
        for uscc, area, roles in DEPARTMENTS:
            self.add_authority(uscc, area=area, roles=roles)
        for name, uscc in KEYS.items():
            self.add_key(name, uscc)
        self.add_type(kind)

    def new_id(self) -> str:
        """The identifier of a license that is not there yet."""
        return self.license_id(f"{next(self._serials):08}", code=self.kind.code)

    def signed_act(
        self, act: str, license_id: str, fields: dict[str, Value], **changes: Any
    ) -> Signed:
        """An act with its decision, signed by all whose seals its type demands."""
        event = self.act_event(act, license_id, fields, **changes)
        return self.sign(event, *self.seals(act))

    def act_event(
        self, act: str, license_id: str, fields: dict[str, Value], **changes: Any
    ) -> Event:
        """The same, not signed."""
        given: dict[str, Any] = {
            "decision": DECISION,
            "fields": fields,
            "holders": (self.holder,),
            "causes": self.cause(act, license_id),
        }
        return self.draft(act, license_id, **(given | changes))

    def seals(self, act: str) -> list[tuple[str, int]]:
        """Who signs an act of this type, in which role."""
        roles = self.kind.signatures.get(act, (1,))
        return list(zip(("city", "province"), roles, strict=False))

    def cause(self, act: str, license_id: str) -> tuple[bytes, ...]:
        """The digest of the act that this one has to name."""
        acts = self.chain(license_id).acts
        found = [one.digest for one in acts if one.act in CAUSED.get(act, ())]
        return tuple(found[-1:])

    def do(self, act: str, license_id: str, **fields: Value) -> Sent:
        """Does an act with what it carries by nature and these fields; accepted."""
        carried = EXTRA.get(act, {}) | fields
        return self.accept(self.signed_act(act, license_id, dict(carried)))

    def issued(self) -> str:
        """A license that was just issued, with its whole face; its identifier."""
        license_id = self.new_id()
        self.do("ISSUE", license_id, **TERM, **face_of(self.kind))
        return license_id

    def license(self, license_id: str) -> License:
        """The license as its chain makes it."""
        found = self.chain(license_id).license
        assert found is not None
        return found

    def refusal(self, act: str, license_id: str, **fields: Value) -> tuple[str, str]:
        """The code and the words that an act is refused with."""
        sent = self.send(self.signed_act(act, license_id, dict(fields)))
        return sent.code, sent.verdict.detail

    def set_by(self, act: str) -> dict[str, Value]:
        """A new value for a field that CHANGE or CORRECT may set; nothing of others."""
        if act not in ("CHANGE", "CORRECT"):
            return {}
        may = "changeable" if act == "CHANGE" else "correctable"
        for name, face in self.kind.fields.items():
            if getattr(face, may) and face.value in "stl" and not face.format:
                return {name: value_of(face, other=True)}
        raise AssertionError(f"{self.kind.code} has nothing for {act} to set")


__all__ = [
    "CODES",
    "MOVED_IN",
    "PERSON",
    "TERM",
    "Office",
    "office_of",
    "packaged",
]
