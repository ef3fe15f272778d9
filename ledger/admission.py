"""Admission: the twelve numbered checks, in the order that is part of the audit.

``admit(state, record) -> accepted | refused(code)`` is a pure function of the registry,
the chain of the record's subject and ``sealed_at``. Everyone who folds the same log in
sealed order gets the same verdicts. A refused record changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ledger import field_checks, lifecycle
from ledger.catalogue import LicenseType
from ledger.chain import Chains, ChainState, check_order, check_repeats
from ledger.envelope import (
    Opened,
    open_record,
    partition_of,
    record_leaf,
    route_of,
)
from ledger.events import Event
from ledger.facts import Act, act_of
from ledger.license import License
from ledger.license_identifiers import LicenseId, parse_license_id
from ledger.refusals import ACCEPTED, Refusal
from ledger.registry import Registry
from ledger.registry_state import LEDGER
from ledger.signature_check import SignatureCheck
from ledger.signing import BatchVerifier, verify
from ledger.sources import REGISTRY
from ledger.workdays import DAY_US

SIGNED_BEFORE_US = 7 * DAY_US
SIGNED_AHEAD_US = DAY_US


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What became of one record (入账结论), with all that projections need of it.

    ``ordinal`` counts in its source, ``position`` in sealed order; ``digest`` is empty
    when the record did not open. ``detail`` is a message for the publisher.
    """

    position: int
    source: str
    ordinal: int
    seal_no: int
    recorded_at: int
    code: str
    leaf: bytes
    detail: str = ""
    digest: bytes = b""
    body: bytes = b""
    event: Event | None = None
    act: Act | None = None
    before: License | None = None
    after: License | None = None
    flags: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the record changed its chain."""
        return self.code == ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record stands: source and ordinal, position, and the seal's time."""

    source: str
    ordinal: int
    position: int
    seal_no: int
    sealed_at: int


class Admission:
    """Folds records in sealed order over a registry and the chains given to it.

    The caller loads the chains of the subjects that ``open`` shows before it calls
    ``admit``; a chain that is not there counts as empty.
    """

    def __init__(
        self,
        registry: Registry,
        chains: Chains,
        *,
        verifier: BatchVerifier | None = None,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        self.registry = registry
        self.chains = chains
        self._signatures = SignatureCheck(registry, verifier or BatchVerifier(), pool)

    def open(self, records: Sequence[bytes]) -> list[Opened | Refusal]:
        """Checks 1 to 3 of each record; a Refusal stands where one failed."""
        return [self._open(data) for data in records]

    def _open(self, data: bytes) -> Opened | Refusal:
        try:
            return open_record(data, self.registry)
        except Refusal as refusal:
            return refusal

    def verify_ahead(self, opened: Sequence[Opened | Refusal]) -> None:
        """Does the mathematics of many single signatures together (check 10).

        Only speed: ``admit`` asks for these answers in its own order, and computes
        those that are not there.
        """
        self._signatures.verify_ahead(opened)

    def take_verified(self, opened: Sequence[Opened]) -> None:
        """Takes all signatures of these records as holding: a sealed verdict says so."""
        self._signatures.take(opened)

    def forget_verified(self) -> None:
        """Drops what ``verify_ahead`` and ``take_verified`` told, between batches."""
        self._signatures.forget()

    def admit(self, data: bytes, opened: Opened | Refusal, place: Place) -> Verdict:
        """The verdict of one record at its place; changes state only on acceptance."""
        verdict = Verdict(
            position=place.position,
            source=place.source,
            ordinal=place.ordinal,
            seal_no=place.seal_no,
            recorded_at=place.sealed_at,
            code=ACCEPTED,
            leaf=b"",
        )
        if isinstance(opened, Refusal):
            verdict.code, verdict.detail = opened.code, opened.detail
            verdict.leaf = record_leaf(data)
            return verdict
        verdict.leaf, verdict.digest = opened.leaf, opened.digest
        verdict.event, verdict.body = opened.event, opened.record["body"]
        try:
            if opened.event["chain"] == "registry":
                self._admit_registry(opened, place, verdict)
            else:
                self._admit_chain(opened, place, verdict)
        except Refusal as refusal:
            verdict.code, verdict.detail = refusal.code, refusal.detail
            verdict.act = None
        return verdict

    def _admit_registry(self, opened: Opened, place: Place, verdict: Verdict) -> None:
        registry, event = self.registry, opened.event
        self._check_ledger(opened, place)  # 4
        acts = registry.chain(event["subject"])
        check_repeats(  # 5
            event, opened.digest, acts, lambda key: _first(acts, key)
        )
        check_order(event, acts)  # 6
        # Position 0 has its own rule: a ledger that is founded late is founded still.
        if registry.founded and not registry.root_quorum(event["signers"]):
            _check_signed_at(event, place)  # 7
        registry.check_act(event)  # 8
        registry.check_signers(event)  # 9
        self._signatures.check(opened)  # 10
        registry.check_fields(event, verify, sealed_at=place.sealed_at)  # 11
        registry.check_transition(event)  # 12
        registry.apply(
            event,
            digest=opened.digest,
            position=place.position,
            recorded_at=place.sealed_at,
            body=opened.record["body"],
        )
        verdict.act = registry.chain(event["subject"])[-1]

    def _admit_chain(self, opened: Opened, place: Place, verdict: Verdict) -> None:
        event = opened.event
        key = (event["chain"], event["subject"])
        chain = self.chains.get(key) or ChainState()
        self._check_ledger(opened, place)  # 4
        check_repeats(event, opened.digest, chain.acts, chain.first_from)  # 5
        check_order(event, chain.acts)  # 6
        _check_signed_at(event, place)  # 7
        license_id, kind = self._check_type(event)  # 8
        self.registry.authorise(  # 9
            event,
            license_id=license_id,
            license_type=kind,
            opening=not chain.acts,
            sealed_at=place.sealed_at,
        )
        self._signatures.check(opened)  # 10
        act = act_of(
            event,
            position=place.position,
            digest=opened.digest,
            recorded_at=place.sealed_at,
        )
        if license_id is None or kind is None:
            field_checks.check_destroy(event, sealed_at=place.sealed_at)  # 11
            after = None
        else:
            field_checks.check_fields(  # 11
                event,
                kind,
                reserved=lifecycle.ACTS[event["act"]].reserved,
                license_id=license_id,
                sealed_at=place.sealed_at,
            )
            judged = lifecycle.judge(  # 12
                chain.acts,
                act,
                license_id=event["subject"],
                types=self._types(license_id.type_code),
                sealed_at=place.sealed_at,
                before=chain.license,
            )
            after, verdict.flags = judged.license, judged.flags
        verdict.act, verdict.before, verdict.after = act, chain.license, after
        chain.append(act, after)
        self.chains[key] = chain

    def _types(self, code: str) -> lifecycle.TypeOfVersion:
        registry = self.registry

        def of_version(version: int) -> LicenseType:
            found = registry.license_type(code, version)
            if found is None:
                raise AssertionError(f"type {code} has no version {version}")
            return found

        return of_version

    def _check_ledger(self, opened: Opened, place: Place) -> None:
        """Check 4: this ledger, and the source that carries this subject."""
        event = opened.event
        if not self.registry.founded and place.position != 0:
            raise Refusal("wrong_ledger", "a ledger is founded at position 0")
        if event["origin"] != self.registry.expected_origin(event):
            founding = self.registry.chain(LEDGER)
            # It has zeros there when it is sent again, too.
            if not founding or founding[0].digest != opened.digest:
                raise Refusal("wrong_ledger", "origin is not this ledger's")
        # A succeeding source (events-3.1) stands in its predecessor's place.
        base = place.source.split(".", 1)[0]
        if event["chain"] == "registry":
            expected = REGISTRY
        else:
            route = route_of(event["chain"], event["subject"])
            expected = f"events-{partition_of(route, self.registry.partitions)}"
        if base != expected:
            raise Refusal("misrouted", f"expected {expected}, found {place.source}")

    def _check_type(self, event: Event) -> tuple[LicenseId | None, LicenseType | None]:
        """Check 8: the act is switched on, the type version is the one in force."""
        if not self.registry.act_on(event["chain"], event["act"]):
            raise Refusal("unknown_act", f"{event['chain']} act is not switched on")
        if event["chain"] != "license":
            if event["type_version"] != 0:
                raise Refusal("unknown_type", "expected type_version 0")
            return None, None
        license_id = parse_license_id(event["subject"])
        kind = self.registry.license_type(license_id.type_code)
        if kind is None or kind.version != event["type_version"]:
            found = "no such type" if kind is None else f"version {kind.version}"
            raise Refusal("unknown_type", f"in force: {found}")
        return license_id, kind


def _check_signed_at(event: Event, place: Place) -> None:
    """Check 7 (rule 1): a refused act does not come alive years later."""
    signed, sealed = event["signed_at"], place.sealed_at
    if not sealed - SIGNED_BEFORE_US <= signed <= sealed + SIGNED_AHEAD_US:
        raise Refusal("expired", "signed_at lies outside 7 days before, 1 day after")


def _first(acts: Sequence[Act], key: bytes) -> int | None:
    return next((act.position for act in acts if act.source_key == key), None)
