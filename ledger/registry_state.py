"""What the registry (基础名录) says at one position: folded from its accepted records.

Every record is applied only after its checks; ``apply`` needs nothing but the record and
its place, so the same bodies in the same order always make the same registry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ledger.authorities import Authority, authority_of
from ledger.catalogue import LicenseType, type_of_rows
from ledger.codec import BY_FINGERPRINT, SCHEMAS, Schema
from ledger.envelope import origin_of
from ledger.errors import Unavailable, Unknown
from ledger.events import ZERO_ORIGIN, Event, Rows, Signer, Value
from ledger.facts import Act, act_of
from ledger.keyring import Key, Keyring, SealerTerm
from ledger.registry_rules import RULE_1, RULES
from ledger.registry_subjects import parse_subject
from ledger.registry_values import (
    FIRST_SCHEMAS,
    calendar_of,
    founding_keys,
    values_of,
)
from ledger.signing import key_id as key_id_of
from ledger.sources import REGISTRY, events_source
from ledger.workdays import Calendar, parse_instant

LEDGER = "ledger:"


class RegistryState:
    """The registry's facts. Empty until the founding record is applied."""

    def __init__(self) -> None:
        self.origin = ZERO_ORIGIN
        self.name = ""
        self.partitions = 0
        self.keys = Keyring()
        self.authorities: dict[str, Authority] = {}
        self.calendars: dict[str, Calendar] = {}
        self.source_successors: dict[str, str] = {}
        self.rule = 1
        self._sources: list[str] = []
        self._types: dict[str, list[LicenseType]] = {}
        self._ended_types: set[str] = set()
        self._acts = dict(RULE_1)
        self._chains: dict[str, list[Act]] = {}
        # Schemas of version 1 hold from position 0, the founding record's among them.
        self._schemas = {
            schema.fingerprint: schema
            for schema in (SCHEMAS[record, 1] for record in FIRST_SCHEMAS)
        }

    @property
    def founded(self) -> bool:
        """Whether the founding record was applied."""
        return self.origin != ZERO_ORIGIN

    @property
    def quorum(self) -> int:
        """How many root keys must sign a root record (k)."""
        return self.keys.quorum

    def expected_origin(self, event: Event) -> bytes:
        """The origin this event must carry: zeros for the founding record alone."""
        if self.founded:
            return self.origin
        founding = event["subject"] == LEDGER and event["act"] == "FOUND"
        return ZERO_ORIGIN if event["chain"] == "registry" and founding else b""

    def schema_on(self, fingerprint: bytes) -> Schema | None:
        """The schema of this 8-byte fingerprint if it is switched on here."""
        return self._schemas.get(fingerprint)

    def act_on(self, chain: str, act: str) -> bool:
        """Whether an act of a chain is switched on here."""
        return act in self._acts[chain]

    def chain(self, subject: str) -> Sequence[Act]:
        """The accepted acts of one registry subject, in order."""
        return self._chains.get(subject, ())

    def key(self, key_id: bytes) -> Key | None:
        """The registered key of this id, ended ones too."""
        return self.keys.get(key_id)

    def key_for(self, key_id: bytes, event: Event) -> bytes | None:
        """The public key to verify a signer with; the founding record brings its own."""
        if not self.founded:
            return founding_keys(event).get(key_id)
        key = self.keys.get(key_id)
        return None if key is None else key.public_key

    def root_quorum(self, signers: Sequence[Signer]) -> bool:
        """Whether the signers name at least k root keys active here."""
        return self.keys.root_quorum(signers)

    def sealer_key(self) -> Key:
        """The sealer key in force; raises Unknown before the founding record."""
        key = self.keys.sealer()
        if key is None:
            raise Unknown(
                "no sealer key", code="log_without_ledger", expected="a founded ledger"
            )
        return key

    @property
    def sealer_keys(self) -> tuple[SealerTerm, ...]:
        """Every sealer key with the positions between which it was in force."""
        return self.keys.sealer_terms()

    def ended_sealer_keys(self) -> Sequence[bytes]:
        """Public keys that signed seals once and may do so no more."""
        current = self.keys.sealer()
        terms = {term.key.public_key for term in self.keys.sealer_terms()}
        return sorted(terms - ({current.public_key} if current else set()))

    def sources(self) -> Sequence[str]:
        """The sources in sealed order, a succeeding one in its predecessor's place."""
        return tuple(self._sources)

    def authority(self, uscc: str) -> Authority | None:
        """The registered authority of this code, ended ones too."""
        return self.authorities.get(uscc)

    def license_type(self, code: str, version: int | None = None) -> LicenseType | None:
        """The version in force (None when there is none), or that very version."""
        versions = self._types.get(code, [])
        if version is not None:
            return versions[version - 1] if 1 <= version <= len(versions) else None
        return versions[-1] if versions and code not in self._ended_types else None

    def type_codes(self) -> Sequence[str]:
        """Codes of the types in force, sorted."""
        return sorted(self._types.keys() - self._ended_types)

    def next_type_version(self, code: str) -> int:
        """The version that the next ADD or CHANGE of a type makes."""
        return len(self._types.get(code, ())) + 1

    def apply(
        self,
        event: Event,
        *,
        digest: bytes,
        position: int,
        recorded_at: int,
        body: bytes,
    ) -> None:
        """Takes an accepted record; nothing is changed when it raises.

        Raises Unavailable when the record switches on a schema or rule that this code
        lacks: a reader halts here, for it could not judge what follows.
        """
        values = values_of(event)
        kind, name = parse_subject(event["subject"])
        match kind:
            case "ledger":
                self._found(values, position, body)
            case "authority":
                self._authority(name, event["act"], values, position)
            case "key":
                self._key(bytes.fromhex(name), event["act"], values, position)
            case "type":
                self._type(name, event["act"], values)
            case "calendar":
                self.calendars[name] = calendar_of(name, values["days"])
            case "schema":
                self._schema(name, values, position)
            case "rule":
                self._rule(int(name), position)
            case _:
                self._source(name, cast(str, values["succeeds"]))
        act = act_of(event, position=position, digest=digest, recorded_at=recorded_at)
        self._chains.setdefault(event["subject"], []).append(act)

    def _found(self, values: Mapping[str, Any], position: int, body: bytes) -> None:
        self.origin = origin_of(body)
        self.name = values["name"]
        self.partitions = values["partitions"]
        self.keys.quorum = values["quorum"]
        self._sources = [REGISTRY, *map(events_source, range(self.partitions))]
        named = [(key, "root") for key in values["root_keys"]["strings"]]
        for text, purpose in [*named, (values["sealer_key"], "seal")]:
            public_key = bytes.fromhex(text)
            self.keys.add(
                Key(
                    key_id=key_id_of(public_key),
                    public_key=public_key,
                    purpose=purpose,
                    authority="",
                    since=position,
                )
            )

    def _authority(
        self, uscc: str, act: str, values: Mapping[str, Value], position: int
    ) -> None:
        before = self.authorities.get(uscc)
        if act == "END" and before is not None:
            self.authorities[uscc] = replace(before, ended=position)
            return
        self.authorities[uscc] = authority_of(
            uscc,
            values,
            since=position if before is None or act == "ADD" else before.since,
            before=before if act == "CHANGE" else None,
        )

    def _key(
        self, key_id: bytes, act: str, values: Mapping[str, Any], position: int
    ) -> None:
        if act == "END":
            self.keys.end(key_id, position)
        elif act == "COMPROMISE":
            self.keys.compromise(key_id, parse_instant(values["since"]))
        else:
            self.keys.add(
                Key(
                    key_id=key_id,
                    public_key=bytes.fromhex(values["public_key"]),
                    purpose=values["purpose"],
                    authority=values["authority"],
                    algorithm=values["algorithm"],
                    since=position,
                )
            )

    def _type(self, code: str, act: str, values: Mapping[str, Value]) -> None:
        if act == "END":
            self._ended_types.add(code)
            return
        rows, version = cast("Rows", values["definition"]), self.next_type_version(code)
        kind = type_of_rows(rows, code=code, version=version)
        self._types.setdefault(code, []).append(kind)
        self._ended_types.discard(code)

    def _schema(self, name: str, values: Mapping[str, Any], position: int) -> None:
        schema = BY_FINGERPRINT.get(bytes.fromhex(values["crc64"]))
        if (
            schema is None
            or f"{schema.record}/{schema.version}" != name
            or schema.sm3.hex() != values["sm3"]
        ):
            raise _lacking(f"schema {name}", position)
        self._schemas[schema.fingerprint] = schema

    def _rule(self, number: int, position: int) -> None:
        acts = RULES.get(number)
        if acts is None:
            raise _lacking(f"rule {number}", position)
        self.rule = number
        self._acts = {
            chain: on | acts.get(chain, frozenset()) for chain, on in self._acts.items()
        }

    def _source(self, name: str, predecessor: str) -> None:
        self.source_successors[name] = predecessor
        self._sources[self._sources.index(predecessor)] = name


def _lacking(what: str, position: int) -> Unavailable:
    return Unavailable(
        "this version of the code lacks what the registry switches on",
        code="code_too_old",
        expected=what,
        where=f"position {position}",
    )
