"""Builders for lifecycle tests: given some acts, when one more, then what comes of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from msgspec.structs import replace as act_replace

from ledger.catalogue import FaceField, LicenseType
from ledger.facts import Act
from ledger.fold import version_of
from ledger.license import License
from ledger.lifecycle import ACTS, Judgement, judge, shown_state, state_at
from ledger.refusals import Refusal
from ledger.workdays import date_to_day, day_start, day_to_date

LICENSE_ID = "1.2.156.3005.2.11100000MB0143028R001.11210000999990010U.2022000000000001"
HOLDER = ("099", bytes(32), "11210000999990010U")
OTHER_HOLDER = ("099", bytes([1]) * 32, "11210100999990029X")
DAY0 = date_to_day("2024-01-01")
"""Tests count days from here: day 0 is 2024-01-01."""

ALL_ACTS = frozenset(name for name, rule in ACTS.items() if not rule.always_allowed)


def _face_field(name: str, **given: Any) -> FaceField:
    values = {"zh": name, "value": "s", "mandatory": False, "data_class": 1, **given}
    return FaceField(name=name, **values)


FIELDS = {
    "name": _face_field("name", mandatory=True),
    "address": _face_field("address"),
    "born": _face_field("born", value="d", changeable=False),
    "scope": _face_field("scope", correctable=False),
}

PERMISSIVE = LicenseType(
    code="11100000MB0143028R001",
    version=1,
    name="试验证",
    name_en="test license",
    code_status="published",
    definer="11100000MB0143028R",
    definer_level="nation",
    issuer_level="city",
    holder_category="organisation",
    holders_max=1,
    validity=("long",),
    acts=ALL_ACTS,
    fields=FIELDS,
    while_restricted=frozenset({"CHANGE", "RENEW"}),
    late_renewal=True,
    grace_days=None,
    horizon_days=30,
)
STRICT = replace(
    PERMISSIVE, while_restricted=frozenset(), late_renewal=False, grace_days=0
)


def us(day: float) -> int:
    """The instant of a test day, 00:00 UTC+8."""
    return day_start(DAY0) + round(day * 86_400_000_000)


def date(day: int) -> str:
    """A test day as a date field carries it."""
    return day_to_date(DAY0 + day).isoformat()


def identifier(version: int) -> str:
    """The identifier of a version; its check character is not this check's matter."""
    return f"{LICENSE_ID}.{version:03d}.0"


@dataclass(slots=True)
class Chain:
    """A license chain under test: acts are tried one by one, refused ones change nothing.

    ``recorded`` days follow the acts' own days unless told otherwise, so that chains in
    order have nothing late.
    """

    kind: LicenseType = PERMISSIVE
    acts: list[Act] = field(default_factory=list)
    license: License | None = None
    judged: list[Judgement] = field(default_factory=list)
    clock: int = 0
    tried: int = 0

    def types(self, version: int) -> LicenseType:
        """The type's only version."""
        assert version == self.kind.version
        return self.kind

    def draft(
        self,
        act: str,
        day: float = 0,
        *,
        names: int | Act | None = None,
        makes: int | None = None,
        holders: tuple[tuple[str, bytes, str], ...] | None = None,
        **fields: Any,
    ) -> Act:
        """An act with everything that it needs; ``names`` an index or an act.

        ``makes`` is the version in the identifier, 0 leaves it out; ``_decision=False`` the decision.
        """
        extra = {
            name[1:]: fields.pop(name) for name in list(fields) if name.startswith("_")
        }
        if makes is None:
            makes = self._next_version(act, names, fields)
        carried = dict(fields)
        if makes:
            carried["certificate_identifier"] = identifier(makes)
        if ACTS[act].face == "whole":
            carried.setdefault("name", "甲")
        if act == "TRANSFER_IN":
            carried.setdefault("previous_identifier", "old")
        named = self.acts[names] if isinstance(names, int) else names
        self.tried += 1
        decided = extra.get("decision", True)
        return Act(
            position=100 + self.tried,
            sequence=len(self.acts) + 1,
            digest=hashlib.sha256(self.tried.to_bytes(4, "big")).digest(),
            event_id=self.tried.to_bytes(16, "big"),
            act=act,
            type_version=self.kind.version,
            effective_at=us(day),
            precision="day",
            signed_at=us(day),
            recorded_at=0,
            authority="A",
            deciding_authority="A",
            reason_code="r" if decided or extra.get("reason", False) else "",
            decision_number="n" if decided else "",
            holders=holders or (self.license.holders if self.license else (HOLDER,)),
            fields=carried,
            causes=(named.digest,) if named is not None else (),
            backfill=bool(extra.get("backfill", False)),
            source_act="",
            nonstandard=bool(extra.get("nonstandard", False)),
            source_key=b"",
            decision_excused=bool(extra.get("excused", False)),
            decision_date="2026-01-01" if decided and extra.get("dated", True) else "",
        )

    def _next_version(self, act: str, names: Any, fields: dict[str, Any]) -> int:
        rule = ACTS[act]
        now = self.license.version if self.license else 0
        makes = rule.makes_version == "always"
        if rule.makes_version == "as_named" and names is not None:
            named = self.acts[names] if isinstance(names, int) else names
            makes = version_of(named) is not None
        if rule.makes_version == "replacement":
            makes = fields.get("version") == now and bool(set(fields) - {"version"})
        if rule.opens:
            return 1
        return now + 1 if makes else 0

    def attempt(self, act: Act, *, recorded: float | None = None) -> Judgement:
        """Judges an act and takes it; raises Refusal and leaves the chain alone else."""
        own = round((act.effective_at - us(0)) / 86_400_000_000)
        day = max(self.clock, own) if recorded is None else recorded
        act = act_replace(act, recorded_at=us(day))
        done = judge(
            self.acts,
            act,
            license_id=LICENSE_ID,
            types=self.types,
            sealed_at=us(day),
            before=self.license,
        )
        self.clock = max(self.clock, int(day))
        self.acts.append(act)
        self.license = done.license
        self.judged.append(done)
        return done

    def given(self, act: str, day: float = 0, **given: Any) -> Chain:
        """An act that must be accepted."""
        recorded = given.pop("recorded", None)
        self.attempt(self.draft(act, day, **given), recorded=recorded)
        return self

    when = given

    def outcome(self, act: str, day: float = 0, **given: Any) -> str:
        """``accepted``, or the code of the refusal, which changes nothing."""
        before = (list(self.acts), self.license)
        try:
            self.given(act, day, **given)
        except Refusal as refusal:
            assert (self.acts, self.license) == before
            return refusal.code
        return "accepted"

    def refuses(self, code: str, act: str, day: float = 0, **given: Any) -> str:
        """An act that must be refused with ``code``; returns the detail."""
        recorded = given.pop("recorded", None)
        before = (list(self.acts), self.license)
        with pytest.raises(Refusal) as refusal:
            self.attempt(self.draft(act, day, **given), recorded=recorded)
        assert refusal.value.code == code
        assert (self.acts, self.license) == before
        return refusal.value.detail

    @property
    def now(self) -> License:
        """The folded license."""
        assert self.license is not None
        return self.license

    @property
    def last(self) -> Judgement:
        """The judgement of the last accepted act."""
        return self.judged[-1]

    def shown(self, day: int) -> str:
        """The state shown on a test day by the current fold."""
        return shown_state(self.now, DAY0 + day)

    def face(self) -> dict[str, Any]:
        """The face, values only."""
        return {name: one.value for name, one in self.now.face.items()}

    def at(self, day: float, known: float = 10_000) -> License | None:
        """What was known on test day ``known`` about test day ``day``."""
        return state_at(
            self.acts, effective=us(day), known_at=us(known), types=self.types
        )

    def state_at(self, day: int, known: float = 10_000) -> str:
        """The state shown on ``day`` as known on ``known``."""
        then = self.at(day, known)
        return "NONE" if then is None else shown_state(then, DAY0 + day)


def issued(kind: LicenseType = PERMISSIVE, **fields: Any) -> Chain:
    """A chain with an ISSUE on day 0."""
    return Chain(kind).given("ISSUE", 0, **fields)
