"""Registry records: who may change the registry, and how; red team included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ledger.catalogue import parse_type, type_rows
from ledger.codec import EVENT_1, SCHEMAS
from ledger.envelope import origin_of
from ledger.errors import Unavailable, Unknown
from ledger.events import ZERO_ORIGIN, Rows, Value
from ledger.keyring import possession_message
from ledger.lifecycle_table import ACTS
from ledger.refusals import Refusal
from ledger.registry import Registry, replay
from ledger.registry_fields import (
    GrantDraft,
    registry_fields_authority,
    registry_fields_calendar,
    registry_fields_source,
    registry_fields_type,
)
from ledger.registry_rules import RULE_1
from ledger.signing import verify
from ledger.workdays import parse_calendar, parse_instant
from schemas import toml
from tests.builders_registry import (
    BUSINESS,
    DALIAN,
    HEPING,
    PROVINCE,
    ROOTS,
    SEALED_AT,
    SEALER,
    SHENYANG,
    Desk,
    event,
    founded,
    founding,
    key,
    key_subject,
    license_type,
    signer,
    with_types,
)

REGISTRAR = key(1)
CITY = key(2)
NEW = key(50)
CITIZEN = "210102190001010014"


@pytest.fixture
def desk() -> Desk:
    """A provincial registrar, and a city with one key."""
    made = founded()
    made.add_authority(PROVINCE, "210000", "registrar", keys=[REGISTRAR])
    made.add_authority(SHENYANG, "210100", "publisher", keys=[CITY])
    return made


def changed(made: Any, **values: Any) -> Any:
    """An event with some fields replaced or (None) left out."""
    fields = {f["name"]: f["value"] for f in made["fields"]} | values
    made["fields"] = [
        {"name": n, "value": v} for n, v in sorted(fields.items()) if v is not None
    ]
    return made


def authority(**given: Any) -> Any:
    """Fields of an authority, complete unless changed."""
    return registry_fields_authority(
        **{"name": "某局", "area": "210200", "level": "city", "roles": ["publisher"]}
        | given
    )


# --- Founding -------------------------------------------------------------------------


def test_founding_record_makes_the_ledger() -> None:
    desk = founded()
    registry = desk.registry
    assert registry.founded
    assert registry.origin == origin_of(desk.bodies[0][2])
    assert (registry.name, registry.partitions, registry.quorum) == (
        "test.example/ledger",
        4,
        2,
    )
    assert [k.key_id for k in registry.keys.active("root")] == [r.key_id for r in ROOTS]
    assert registry.sealer_key().public_key == SEALER.public_key
    assert registry.sources() == ("registry", *(f"events-{n}" for n in range(4)))
    assert registry.schema_on(EVENT_1.fingerprint) is EVENT_1


def test_registry_before_founding_knows_no_sealer_and_no_quorum() -> None:
    registry = Registry()
    assert not registry.founded
    assert not registry.root_quorum([signer(ROOTS[0])])
    with pytest.raises(Unknown):
        registry.sealer_key()


def test_only_the_founding_record_has_zeros_for_origin() -> None:
    registry = Registry()
    found = founding()
    assert registry.expected_origin(found) == ZERO_ORIGIN
    other = event("authority:" + PROVINCE, "ADD", authority(), by=[ROOTS[0]])
    assert registry.expected_origin(other) == b""
    license_event = event("x", "FOUND", chain="license", by=[ROOTS[0]])
    assert registry.expected_origin(license_event) == b""
    desk = founded()
    assert desk.registry.expected_origin(found) == desk.registry.origin


def test_founding_record_brings_the_keys_it_is_verified_with() -> None:
    registry = Registry()
    assert registry.key_for(SEALER.key_id, founding()) == SEALER.public_key
    assert registry.key_for(NEW.key_id, founding()) is None
    assert founded().registry.key_for(NEW.key_id, founding()) is None


@pytest.mark.parametrize(
    ("by", "code"),
    [
        ([*ROOTS, NEW], "unknown_key"),
        (ROOTS, "signatures_missing"),
        ([*ROOTS[:2], SEALER], "signatures_missing"),
        ([*(signer(r) for r in ROOTS), signer(SEALER, 2)], "signatures_missing"),
    ],
)
def test_every_key_of_the_founding_record_signs_it(by: Any, code: str) -> None:
    assert Desk().judge(founding(by=by)) == code


def test_founding_record_has_no_authority() -> None:
    assert Desk().judge(founding(authority=PROVINCE)) == "not_authorised"


@pytest.mark.parametrize(
    "values",
    [
        {"name": "two words"},
        {"name": "plus+sign"},
        {"name": ""},
        {"name": "名"},
        {"name": None},
        {"partitions": 0},
        {"partitions": 1025},
        {"partitions": True},
        {"quorum": 0},
        {"quorum": 4},
        {"schemas": {"rows": []}},
        {"extra": "x"},
    ],
)
def test_founding_record_out_of_form_is_invalid(values: dict[str, Any]) -> None:
    assert Desk().judge(changed(founding(), **values)) == "invalid_fields"


def test_founding_sealer_is_no_root_key() -> None:
    made = founding(roots=[ROOTS[0]], quorum=1, sealer=ROOTS[0], by=[ROOTS[0]])
    assert Desk().judge(made) == "invalid_fields"


def test_founding_without_readable_keys_is_an_unknown_key() -> None:
    made = changed(founding(), root_keys={"strings": ["zz" * 65]}, sealer_key="04")
    assert Desk().judge(made) == "unknown_key"


def test_a_ledger_is_founded_once() -> None:
    desk = founded()
    again = desk.record("ledger:", "FOUND", founding()["fields"])
    assert desk.judge(again) == "illegal_transition"
    alone = desk.record("ledger:", "FOUND", founding()["fields"], by=ROOTS[:1])
    assert desk.judge(alone) == "signatures_missing"


# --- Acts, switches ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "act"),
    [
        ("authority:" + PROVINCE, "FOUND"),
        ("authority:" + PROVINCE, "COMPROMISE"),
        ("ledger:", "ADD"),
        (key_subject(NEW), "CHANGE"),
        ("schema:event/2", "END"),
        ("rule:2", "CHANGE"),
        ("source:events-1.1", "END"),
        ("calendar:210000-2026", "END"),
        ("type:" + BUSINESS, "ISSUE"),
        ("type:" + BUSINESS, ""),
    ],
)
def test_act_that_the_subject_does_not_know_is_unknown(
    desk: Desk, subject: str, act: str
) -> None:
    assert desk.put(subject, act) == "unknown_act"


def test_registry_records_name_no_type_version(desk: Desk) -> None:
    record = desk.record("authority:" + DALIAN, "ADD", authority(), type_version=1)
    assert desk.judge(record) == "unknown_type"


def test_rule_1_is_the_lifecycle_destroy_and_no_dispute() -> None:
    registry = founded().registry
    assert RULE_1["license"] == frozenset(ACTS)
    assert registry.act_on("license", "REVOKE")
    assert not registry.act_on("license", "DESTROY")
    assert registry.act_on("holder", "DESTROY")
    assert registry.act_on("registry", "COMPROMISE")
    assert not registry.act_on("dispute", "DISPUTE_OPEN")


# --- Who may -----------------------------------------------------------------------------


def test_quorum_of_root_keys_may_do_everything(desk: Desk) -> None:
    assert desk.put("authority:" + DALIAN, "ADD", authority()) == "accepted"
    assert desk.add_key(NEW, purpose="root") == "accepted"
    with_types(desk, BUSINESS)


@pytest.mark.parametrize(
    ("by", "named", "code"),
    [
        (ROOTS[:1], {}, "signatures_missing"),
        ([signer(ROOTS[0]), signer(ROOTS[1], 2)], {}, "signatures_missing"),
        (ROOTS[:2], {"authority": PROVINCE}, "not_authorised"),
        ([*ROOTS[:2], REGISTRAR], {}, "not_authorised"),
        ([*ROOTS[:2], SEALER], {}, "not_authorised"),
        ([SEALER], {}, "not_authorised"),
        ([NEW], {}, "unknown_key"),
        ([REGISTRAR], {}, "not_authorised"),
        ([REGISTRAR], {"authority": SHENYANG}, "not_authorised"),
        ([CITY], {"authority": SHENYANG}, "not_authorised"),
        ([REGISTRAR, CITY], {"authority": PROVINCE}, "not_authorised"),
        (
            [signer(REGISTRAR), signer(CITY, 2)],
            {"authority": PROVINCE},
            "signatures_missing",
        ),
        ([signer(REGISTRAR, 2)], {"authority": PROVINCE}, "signatures_missing"),
    ],
)
def test_wrong_signers_of_an_authority_record(
    desk: Desk, by: Any, named: dict[str, Any], code: str
) -> None:
    assert desk.put("authority:" + DALIAN, "ADD", authority(), by=by, **named) == code


def test_registrar_keeps_authorities_and_act_keys_of_its_area(desk: Desk) -> None:
    as_registrar: dict[str, Any] = {"by": [REGISTRAR], "authority": PROVINCE}
    subject = "authority:" + DALIAN
    assert desk.put(subject, "ADD", authority(), **as_registrar) == "accepted"
    fields = desk.key_fields(NEW, DALIAN)
    assert desk.put(key_subject(NEW), "ADD", fields, **as_registrar) == "accepted"
    since = {"since": "2026-11-01T00:00:00+08:00"}
    for act, said in (("COMPROMISE", since), ("END", {})):
        assert desk.put(key_subject(NEW), act, said, **as_registrar) == "accepted"
    assert desk.put(subject, "END", **as_registrar) == "accepted"


@pytest.mark.parametrize("purpose", ["root", "seal", "witness"])
def test_registrar_adds_no_root_seal_or_witness_key(desk: Desk, purpose: str) -> None:
    found = desk.add_key(NEW, purpose=purpose, by=[REGISTRAR], signing=PROVINCE)
    assert found == "not_authorised"


@pytest.mark.parametrize("subject", ["schema:event/2", "rule:2", "source:registry.1"])
def test_registrar_switches_no_schema_rule_or_registry_source(
    desk: Desk, subject: str
) -> None:
    found = desk.put(subject, "ADD", by=[REGISTRAR], authority=PROVINCE)
    assert found == "not_authorised"


class TestRegistrarOutsideItsArea:
    """A city's registrar, and what lies beyond its city."""

    @pytest.fixture
    def city(self, desk: Desk) -> dict[str, Any]:
        roles = ["registrar", "publisher"]
        assert desk.change(SHENYANG, roles=roles) == "accepted"
        desk.add_authority(DALIAN, "210200", "publisher", keys=[key(3)])
        return {"by": [CITY], "authority": SHENYANG}

    def test_it_acts_inside(self, desk: Desk, city: dict[str, Any]) -> None:
        fields = authority(area="210102")
        assert desk.put("authority:" + HEPING, "ADD", fields, **city) == "accepted"

    @pytest.mark.parametrize("area", ["210202", "210000", "100000", "2101", "", None])
    def test_it_adds_nobody_outside(
        self, desk: Desk, city: dict[str, Any], area: str | None
    ) -> None:
        fields = authority(area=area)
        found = desk.put("authority:" + HEPING, "ADD", fields, **city)
        assert found == "not_authorised"

    def test_it_pulls_nobody_in(self, desk: Desk, city: dict[str, Any]) -> None:
        fields = registry_fields_authority(area="210100")
        found = desk.put("authority:" + DALIAN, "CHANGE", fields, **city)
        assert found == "not_authorised"

    def test_it_does_not_widen_its_own_area(
        self, desk: Desk, city: dict[str, Any]
    ) -> None:
        fields = registry_fields_authority(area="210000")
        found = desk.put("authority:" + SHENYANG, "CHANGE", fields, **city)
        assert found == "not_authorised"

    def test_it_makes_itself_successor_of_nobody_outside(
        self, desk: Desk, city: dict[str, Any]
    ) -> None:
        grant = GrantDraft(to=SHENYANG, from_date="2026-01-01", area="210200")
        fields = registry_fields_authority(successions=[grant])
        found = desk.put("authority:" + DALIAN, "CHANGE", fields, **city)
        assert found == "not_authorised"

    def test_it_touches_no_key_outside(self, desk: Desk, city: dict[str, Any]) -> None:
        fields = desk.key_fields(NEW, DALIAN)
        assert desk.put(key_subject(NEW), "ADD", fields, **city) == "not_authorised"
        assert desk.put(key_subject(key(3)), "END", **city) == "not_authorised"
        assert desk.put(key_subject(NEW), "END", **city) == "not_authorised"
        assert desk.put(key_subject(ROOTS[0]), "END", **city) == "not_authorised"

    def test_it_keeps_no_calendar_outside(
        self, desk: Desk, city: dict[str, Any]
    ) -> None:
        found = desk.put("calendar:210200-2026", "ADD", days(), **city)
        assert found == "not_authorised"
        assert desk.put("calendar:210100-2026", "ADD", days(), **city) == "accepted"

    def test_it_replaces_no_source_that_carries_other_areas(
        self, desk: Desk, city: dict[str, Any]
    ) -> None:
        fields = registry_fields_source("events-1")
        assert desk.put("source:events-1.1", "ADD", fields, **city) == "not_authorised"


def test_ended_registrar_may_nothing(desk: Desk) -> None:
    assert desk.put("authority:" + PROVINCE, "END") == "accepted"
    found = desk.put(
        "authority:" + DALIAN, "ADD", authority(), by=[REGISTRAR], authority=PROVINCE
    )
    assert found == "not_authorised"


def test_ended_key_signs_no_registry_record(desk: Desk) -> None:
    assert desk.put(key_subject(REGISTRAR), "END") == "accepted"
    found = desk.put(
        "authority:" + DALIAN, "ADD", authority(), by=[REGISTRAR], authority=PROVINCE
    )
    assert found == "key_inactive"


def test_definer_signs_its_own_types_only(desk: Desk) -> None:
    desk.add_authority(DALIAN, "210200", "definer", keys=[key(3)])
    fields = registry_fields_type(license_type(BUSINESS))
    by: dict[str, Any] = {"by": [key(3)], "authority": DALIAN}
    assert desk.put("type:" + BUSINESS, "ADD", fields, **by) == "not_authorised"
    own = toml(f"types/{BUSINESS}.toml") | {"code": DALIAN + "001", "definer": DALIAN}
    mine = registry_fields_type(parse_type(own))
    assert desk.put(f"type:{DALIAN}001", "ADD", mine, **by) == "accepted"
    assert desk.change(DALIAN, roles=["publisher"]) == "accepted"
    assert desk.put(f"type:{DALIAN}001", "CHANGE", mine, **by) == "not_authorised"


def test_registrar_defines_no_types(desk: Desk) -> None:
    fields = registry_fields_type(license_type(BUSINESS))
    found = desk.put(
        "type:" + BUSINESS, "ADD", fields, by=[REGISTRAR], authority=PROVINCE
    )
    assert found == "not_authorised"


# --- Authorities ---------------------------------------------------------------------------


def test_change_replaces_only_what_it_carries(desk: Desk) -> None:
    grant = GrantDraft(to=DALIAN, from_date="2026-01-01", acts=["SUSPEND", "REVOKE"])
    assert desk.change(SHENYANG, delegations=[grant]) == "accepted"
    assert desk.change(SHENYANG, level="province") == "accepted"
    organ = desk.registry.authority(SHENYANG)
    assert organ is not None
    assert (organ.level, organ.area, organ.roles) == (
        "province",
        "210100",
        frozenset({"publisher"}),
    )
    assert organ.delegations[0].acts == frozenset({"REVOKE", "SUSPEND"})
    assert desk.change(SHENYANG, delegations=[]) == "accepted"
    organ = desk.registry.authority(SHENYANG)
    assert organ is not None
    assert organ.delegations == ()


def test_ended_authority_comes_back_by_add_as_the_new_record_says(desk: Desk) -> None:
    grant = GrantDraft(to=DALIAN, from_date="2026-01-01")
    assert desk.change(SHENYANG, delegations=[grant]) == "accepted"
    assert desk.put("authority:" + SHENYANG, "END") == "accepted"
    organ = desk.registry.authority(SHENYANG)
    assert organ is not None
    assert not organ.active
    assert organ.ended == len(desk.bodies) - 1
    assert desk.change(SHENYANG, level="city") == "illegal_transition"
    assert desk.put("authority:" + SHENYANG, "END") == "illegal_transition"
    assert desk.put("authority:" + SHENYANG, "ADD", authority()) == "accepted"
    organ = desk.registry.authority(SHENYANG)
    assert organ is not None
    assert organ.active
    assert (organ.area, organ.delegations) == ("210200", ())


def test_authority_is_added_once_and_changed_only_when_there(desk: Desk) -> None:
    found = desk.put("authority:" + SHENYANG, "ADD", authority())
    assert found == "illegal_transition"
    assert desk.change(DALIAN, level="city") == "illegal_transition"
    assert desk.put("authority:" + DALIAN, "END") == "illegal_transition"


def grant_rows(**cells: Any) -> Value:
    row = {
        "to": DALIAN,
        "type": None,
        "acts": None,
        "until": None,
        "area": None,
        "basis": None,
        "shown_name": None,
    }
    row |= {"from": "2026-01-01"} | cells
    order = ("to", "type", "acts", "from", "until", "area", "basis", "shown_name")
    names = [name for name in order if name in row]
    names += [name for name in row if name not in order]
    return {"rows": [{"cells": [{"name": n, "value": row[n]} for n in names]}]}


@pytest.mark.parametrize(
    "values",
    [
        {"name": None},
        {"name": ""},
        {"area": "2102"},
        {"level": "district"},
        {"roles": {"strings": ["king"]}},
        {"roles": {"strings": ["publisher", "publisher"]}},
        {"roles": "publisher"},
        {"types": {"strings": ["营业执照"]}},
        {"successions": "x"},
        {"delegations": grant_rows(to=SHENYANG + "0")},
        {"delegations": grant_rows(acts="SUSPEND FLY")},
        {"delegations": grant_rows(acts="SUSPEND  REVOKE")},
        {"delegations": grant_rows(until="2025-12-31")},
        {"delegations": grant_rows(until=7)},
        {"delegations": grant_rows(type="001")},
        {"delegations": grant_rows(**{"from": "2026-02-30"})},
        {"delegations": grant_rows(**{"from": None})},
        {"delegations": grant_rows(extra="x")},
        {"colour": "red"},
        {"nonstandard_code": "yes"},
        {"name": b"\x01"},
    ],
)
def test_authority_out_of_form_is_invalid(desk: Desk, values: dict[str, Any]) -> None:
    record = changed(desk.record("authority:" + DALIAN, "ADD", authority()), **values)
    assert desk.judge(record) == "invalid_fields"


def test_authority_delegates_nothing_to_itself(desk: Desk) -> None:
    grant = GrantDraft(to=SHENYANG, from_date="2026-01-01")
    assert desk.change(SHENYANG, delegations=[grant]) == "invalid_fields"


def test_change_of_nothing_is_invalid(desk: Desk) -> None:
    assert desk.change(SHENYANG) == "invalid_fields"
    assert desk.change(SHENYANG, basis="某文件") == "invalid_fields"


def test_code_with_wrong_check_digits_needs_the_mark_of_old_stock(desk: Desk) -> None:
    wrong = SHENYANG[:-1] + "Y"
    subject = "authority:" + wrong
    assert desk.put(subject, "ADD", authority()) == "invalid_fields"
    fields = authority(nonstandard_code=True)
    assert desk.put(subject, "ADD", fields) == "accepted"


@pytest.mark.parametrize(
    "changes",
    [
        {"holders": [{"kind": "001", "ref": bytes(32), "code": PROVINCE}]},
        {"flags": {"source_act": "", "missing": {"strings": []}, "nonstandard": False}},
        {"file": {"digest": bytes(32), "seal_check": ""}},
        {
            "decision": {
                "number": "1",
                "date": "",
                "reason_code": "",
                "document": "",
                "reason": b"\x01",
            }
        },
    ],
)
def test_registry_record_carries_nothing_of_a_license(
    desk: Desk, changes: dict[str, Any]
) -> None:
    record = desk.record("authority:" + DALIAN, "ADD", authority(), **changes)
    assert desk.judge(record) == "invalid_fields"


@pytest.mark.parametrize(
    "changes",
    [
        {"fields": authority(name=f"张三({CITIZEN})")},
        {"fields": authority(basis=CITIZEN.lower())},
        {
            "fields": authority(
                delegations=[
                    GrantDraft(to=DALIAN, from_date="2026-01-01", shown_name=CITIZEN)
                ]
            )
        },
        {"channel": CITIZEN},
        {"paper_serial": CITIZEN},
    ],
)
def test_citizen_number_in_a_registry_record_is_refused(
    desk: Desk, changes: dict[str, Any]
) -> None:
    fields = changes.pop("fields", authority())
    record = desk.record("authority:" + HEPING, "ADD", fields, **changes)
    assert desk.judge(record) == "clear_personal_data"


def test_organisation_code_that_looks_like_a_citizen_number_passes(desk: Desk) -> None:
    lookalike = "122100004099990086"
    grant = GrantDraft(to=lookalike, from_date="2026-01-01")
    fields = authority(delegations=[grant])
    assert desk.put("authority:" + lookalike, "ADD", authority()) == "accepted"
    assert desk.put("authority:" + HEPING, "ADD", fields) == "accepted"
    assert desk.add_key(NEW, lookalike) == "accepted"


# --- Keys ------------------------------------------------------------------------------------


def test_key_is_registered_with_its_proof_of_possession(desk: Desk) -> None:
    assert desk.add_key(NEW, SHENYANG) == "accepted"
    found = desk.registry.key(NEW.key_id)
    assert found is not None
    assert (found.public_key, found.purpose, found.authority, found.active) == (
        NEW.public_key,
        "act",
        SHENYANG,
        True,
    )
    assert found.since == len(desk.bodies) - 1


def possession_of(origin: bytes, authority_: str, purpose: str) -> bytes:
    return NEW.sign(possession_message(origin, authority_, purpose))


def test_possession_message_has_the_published_layout() -> None:
    assert possession_message(bytes(16), "AB", "act") == (
        b"license-ledger/key/v1\0"
        + b"\0\0\0\x10"
        + bytes(16)
        + b"\0\0\0\x02AB"
        + b"\0\0\0\x03act"
    )


def test_key_registered_by_somebody_else_is_invalid(desk: Desk) -> None:
    """Proofs of another holder, ledger, authority or purpose prove nothing here."""
    origin = desk.registry.origin
    proofs = [
        CITY.sign(possession_message(origin, SHENYANG, "act")),
        possession_of(bytes(16), SHENYANG, "act"),
        possession_of(origin, PROVINCE, "act"),
        possession_of(origin, SHENYANG, "seal"),
        possession_of(origin, "", "act"),
        bytes(64),
    ]
    for proof in proofs:
        fields = desk.key_fields(NEW, SHENYANG, possession=proof)
        assert desk.put(key_subject(NEW), "ADD", fields) == "invalid_fields"
    good = possession_of(origin, SHENYANG, "act")
    fields = desk.key_fields(NEW, SHENYANG, possession=good)
    assert desk.put(key_subject(NEW), "ADD", fields) == "accepted"


@pytest.mark.parametrize(
    "values",
    [
        {"public_key": "04" + "11" * 64},
        {"public_key": NEW.public_key.hex().upper()},
        {"public_key": "02" + NEW.public_key.hex()[2:66]},
        {"public_key": CITY.public_key.hex()},
        {"algorithm": 2},
        {"purpose": "sign"},
        {"authority": DALIAN},
        {"authority": ""},
        {"possession": "00"},
        {"note": "x"},
    ],
)
def test_key_out_of_form_is_invalid(desk: Desk, values: dict[str, Any]) -> None:
    fields = desk.key_fields(NEW, SHENYANG)
    record = changed(desk.record(key_subject(NEW), "ADD", fields), **values)
    assert desk.judge(record) == "invalid_fields"


def test_key_of_an_ended_authority_is_invalid(desk: Desk) -> None:
    assert desk.put("authority:" + SHENYANG, "END") == "accepted"
    assert desk.add_key(NEW, SHENYANG) == "invalid_fields"


@pytest.mark.parametrize("purpose", ["root", "seal", "witness"])
def test_root_seal_and_witness_keys_have_no_authority(desk: Desk, purpose: str) -> None:
    assert desk.add_key(NEW, SHENYANG, purpose) == "invalid_fields"
    assert desk.add_key(NEW, "", purpose) == "accepted"


def test_key_is_registered_once_and_for_one_purpose(desk: Desk) -> None:
    assert desk.add_key(CITY, SHENYANG) == "illegal_transition"
    assert desk.add_key(CITY, PROVINCE) == "illegal_transition"
    assert desk.add_key(CITY, "", "seal") == "illegal_transition"
    assert desk.add_key(ROOTS[0], SHENYANG) == "illegal_transition"
    assert desk.add_key(SEALER, "", "root") == "illegal_transition"
    assert desk.put(key_subject(CITY), "END") == "accepted"
    assert desk.add_key(CITY, SHENYANG) == "illegal_transition"


def test_authority_ends_its_own_key_and_never_adds_one_alone(desk: Desk) -> None:
    by: dict[str, Any] = {"by": [CITY]}
    fields = desk.key_fields(NEW, SHENYANG)
    record = desk.record(key_subject(NEW), "ADD", fields, authority=SHENYANG, **by)
    assert desk.judge(record) == "not_authorised"
    other = desk.record(key_subject(REGISTRAR), "END", authority=SHENYANG, **by)
    assert desk.judge(other) == "not_authorised"
    own = desk.record(key_subject(CITY), "END", authority=SHENYANG, **by)
    assert desk.judge(own) == "accepted"
    found = desk.registry.key(CITY.key_id)
    assert found is not None
    assert found.ended == len(desk.bodies) - 1


def test_authority_does_not_mark_its_own_key_compromised(desk: Desk) -> None:
    since = {"since": "2026-01-01T00:00:00Z"}
    found = desk.put(
        key_subject(CITY), "COMPROMISE", since, by=[CITY], authority=SHENYANG
    )
    assert found == "not_authorised"


def test_not_even_a_registrar_adds_its_own_key_alone(desk: Desk) -> None:
    fields = desk.key_fields(NEW, PROVINCE)
    record = desk.record(
        key_subject(NEW), "ADD", fields, by=[REGISTRAR], authority=PROVINCE
    )
    assert desk.judge(record) == "not_authorised"


def test_compromise_marks_and_ends_nothing(desk: Desk) -> None:
    early, late = "2026-03-01T00:00:00+08:00", "2026-05-01T00:00:00+08:00"
    for since in (late, early, late):
        found = desk.put(key_subject(CITY), "COMPROMISE", {"since": since})
        assert found == "accepted"
    found_key = desk.registry.key(CITY.key_id)
    assert found_key is not None
    assert found_key.active
    assert found_key.compromised_since == parse_instant(early)
    assert desk.put(key_subject(NEW), "COMPROMISE", {"since": late}) == (
        "illegal_transition"
    )
    assert desk.put(key_subject(CITY), "COMPROMISE", {"since": "2026-03-01"}) == (
        "invalid_fields"
    )


def test_ended_key_is_not_ended_again_but_may_be_found_compromised(desk: Desk) -> None:
    assert desk.put(key_subject(CITY), "END") == "accepted"
    assert desk.put(key_subject(CITY), "END") == "illegal_transition"
    since = {"since": "2026-03-01T00:00:00Z"}
    assert desk.put(key_subject(CITY), "COMPROMISE", since) == "accepted"


def test_root_keys_cannot_fall_below_the_quorum() -> None:
    desk = founded()
    assert desk.put(key_subject(ROOTS[2]), "END") == "accepted"
    assert not desk.registry.root_quorum([signer(ROOTS[1]), signer(ROOTS[2])])
    assert desk.put(key_subject(ROOTS[1]), "END") == "illegal_transition"
    by = [ROOTS[0], ROOTS[2]]
    assert desk.add_key(NEW, "", "root", by=by) == "key_inactive"
    assert desk.add_key(NEW, "", "root") == "accepted"
    assert desk.registry.root_quorum([signer(ROOTS[0]), signer(NEW)])
    assert desk.put(key_subject(ROOTS[1]), "END") == "accepted"


def test_there_are_at_most_seven_root_keys() -> None:
    desk = founded()
    for number in range(4):
        assert desk.add_key(key(60 + number), "", "root") == "accepted"
    assert desk.add_key(key(64), "", "root") == "illegal_transition"
    assert desk.add_key(key(64), "", "witness") == "accepted"


def test_sealer_key_in_force_is_the_newest_that_has_not_ended() -> None:
    desk = founded()
    registry = desk.registry
    assert desk.put(key_subject(SEALER), "END") == "illegal_transition"
    assert desk.add_key(NEW, "", "seal") == "accepted"
    assert registry.sealer_key().key_id == NEW.key_id
    assert registry.ended_sealer_keys() == [SEALER.public_key]
    assert desk.put(key_subject(SEALER), "END") == "accepted"
    assert desk.put(key_subject(NEW), "END") == "illegal_transition"
    terms = registry.sealer_keys
    assert [(t.key.key_id, t.since, t.until) for t in terms] == [
        (SEALER.key_id, 0, 1),
        (NEW.key_id, 1, None),
    ]


def test_older_sealer_key_comes_back_when_the_newest_ends() -> None:
    desk = founded()
    assert desk.add_key(NEW, "", "seal") == "accepted"
    assert desk.put(key_subject(NEW), "END") == "accepted"
    assert desk.registry.sealer_key().key_id == SEALER.key_id
    assert desk.registry.ended_sealer_keys() == [NEW.public_key]
    assert [t.since for t in desk.registry.sealer_keys] == [0, 1, 2]


# --- Types, calendars, schemas, rules, sources -------------------------------------------------


def test_type_versions_follow_its_chain(desk: Desk) -> None:
    with_types(desk, BUSINESS)
    registry, kind = desk.registry, license_type(BUSINESS)
    subject, fields = "type:" + BUSINESS, registry_fields_type(kind)
    assert registry.license_type(BUSINESS) == kind
    assert desk.put(subject, "ADD", fields) == "illegal_transition"
    assert desk.put(subject, "CHANGE", fields) == "accepted"
    second = registry.license_type(BUSINESS)
    assert second is not None
    assert second.version == 2
    assert registry.license_type(BUSINESS, 1) == kind
    assert registry.license_type(BUSINESS, 3) is None
    assert registry.license_type(BUSINESS, 0) is None
    assert desk.put(subject, "END") == "accepted"
    assert registry.license_type(BUSINESS) is None
    assert registry.license_type(BUSINESS, 2) == second
    assert registry.type_codes() == []
    assert desk.put(subject, "CHANGE", fields) == "illegal_transition"
    assert desk.put(subject, "ADD", fields) == "accepted"
    third = registry.license_type(BUSINESS)
    assert third is not None
    assert third.version == 3


def test_type_that_does_not_parse_is_invalid(desk: Desk) -> None:
    rows: Rows = type_rows(license_type(BUSINESS))
    short: Rows = {"rows": rows["rows"][1:]}
    subject = "type:" + BUSINESS
    assert desk.put(subject, "ADD", {"definition": short}) == "invalid_fields"
    assert desk.put(subject, "ADD", {"definition": "x"}) == "invalid_fields"
    assert desk.put(subject, "ADD", {}) == "invalid_fields"
    other = "type:" + "11100000000013127D001"
    assert desk.put(other, "ADD", {"definition": rows}) == "invalid_fields"


def days(year: int = 2026) -> Any:
    calendar = parse_calendar(toml(f"calendars/{year}.toml"))
    return registry_fields_calendar(calendar, {})


def test_calendar_is_added_once_then_changed(desk: Desk) -> None:
    subject = "calendar:210000-2026"
    assert desk.put(subject, "CHANGE", days()) == "illegal_transition"
    assert desk.put(subject, "ADD", days()) == "accepted"
    expected = parse_calendar(toml("calendars/2026.toml"))
    assert desk.registry.calendars["210000-2026"] == expected
    assert desk.put(subject, "ADD", days()) == "illegal_transition"
    assert desk.put(subject, "CHANGE", days()) == "accepted"


@pytest.mark.parametrize(
    ("subject", "year"),
    [
        ("calendar:210000-2025", 2026),
        ("calendar:liaoning-2026", 2026),
        ("calendar:2026", 2026),
        ("calendar:210000-26", 2026),
        ("calendar:210000-abcd", 2026),
    ],
)
def test_calendar_of_another_region_or_year_is_invalid(
    desk: Desk, subject: str, year: int
) -> None:
    assert desk.put(subject, "ADD", days(year)) == "invalid_fields"


def test_calendar_rows_out_of_form_are_invalid(desk: Desk) -> None:
    def day(**cells: Value) -> Mapping[str, Value]:
        row = {"day": "2026-01-01", "kind": "holiday", "name": "元旦"} | cells
        rows: Any = [{"cells": [{"name": n, "value": v} for n, v in row.items()]}]
        return {"days": {"rows": rows}}

    subject = "calendar:210000-2026"
    for cells in ({"kind": "party"}, {"kind": "workday"}, {"day": "2026-13-01"}):
        assert desk.put(subject, "ADD", day(**cells)) == "invalid_fields"
    assert desk.put(subject, "ADD", day()) == "accepted"


def test_schema_that_the_code_lacks_halts_the_reader(desk: Desk) -> None:
    record = desk.record("schema:event/2", "ADD", {"crc64": "00" * 8, "sm3": "00" * 32})
    before = len(desk.registry.chain("schema:event/2"))
    with pytest.raises(Unavailable) as caught:
        desk.take(record)
    assert caught.value.expected == "schema event/2"
    assert len(desk.registry.chain("schema:event/2")) == before


def test_schema_of_version_1_is_on_already(desk: Desk) -> None:
    schema = SCHEMAS["event", 1]
    fields = {"crc64": schema.fingerprint.hex(), "sm3": schema.sm3.hex()}
    assert desk.put("schema:event/1", "ADD", fields) == "illegal_transition"


def test_schema_switch_by_the_quorum_alone(desk: Desk) -> None:
    fields = {"crc64": "00" * 8, "sm3": "00" * 32}
    found = desk.put("schema:event/2", "ADD", fields, by=ROOTS[:1])
    assert found == "signatures_missing"


def test_rule_that_the_code_lacks_halts_the_reader(desk: Desk) -> None:
    fields: dict[str, Any] = {
        "acts": {"strings": ["dispute/DISPUTE_OPEN"]},
        "sm3": "ab" * 32,
    }
    with pytest.raises(Unavailable) as caught:
        desk.take(desk.record("rule:2", "ADD", fields))
    assert caught.value.expected == "rule 2"
    assert desk.put("rule:1", "ADD", fields) == "illegal_transition"
    assert desk.put("rule:3", "ADD", fields) == "illegal_transition"
    wrong = fields | {"acts": {"strings": ["DISPUTE_OPEN"]}}
    assert desk.put("rule:2", "ADD", wrong) == "invalid_fields"


def test_damaged_source_is_succeeded_in_its_place(desk: Desk) -> None:
    fields = registry_fields_source("events-1")
    by: dict[str, Any] = {"by": [REGISTRAR], "authority": PROVINCE}
    assert desk.put("source:events-1.1", "ADD", fields, **by) == "accepted"
    assert desk.registry.sources()[2] == "events-1.1"
    assert desk.registry.source_successors == {"events-1.1": "events-1"}
    second = registry_fields_source("events-1.1")
    assert desk.put("source:events-1.2", "ADD", second) == "accepted"
    assert desk.registry.sources() == (
        "registry",
        "events-0",
        "events-1.2",
        "events-2",
        "events-3",
    )
    goes_on = registry_fields_source("registry")
    assert desk.put("source:registry.1", "ADD", goes_on) == "accepted"


@pytest.mark.parametrize(
    ("name", "succeeds"),
    [
        ("events-1.2", "events-1"),
        ("events-2.1", "events-1"),
        ("events-9.1", "events-9"),
        ("events-1", "events-1"),
        ("seals.1", "seals"),
    ],
)
def test_source_that_does_not_go_on_from_one_in_use(
    desk: Desk, name: str, succeeds: str
) -> None:
    fields = registry_fields_source(succeeds)
    assert desk.put(f"source:{name}", "ADD", fields) == "illegal_transition"


# --- The whole -------------------------------------------------------------------------------


def test_replay_of_the_bodies_makes_the_same_registry(desk: Desk) -> None:
    with_types(desk, BUSINESS)
    desk.put("calendar:210000-2026", "ADD", days())
    desk.put(key_subject(CITY), "COMPROMISE", {"since": "2026-03-01T00:00:00Z"})
    desk.put(key_subject(CITY), "END")
    desk.put("source:events-1.1", "ADD", registry_fields_source("events-1"))
    again = replay(desk.bodies)
    for name in vars(desk.registry):
        if name != "keys":
            assert getattr(again, name) == getattr(desk.registry, name), name
    assert list(again.keys) == list(desk.registry.keys)
    assert again.sealer_keys == desk.registry.sealer_keys


def test_chain_lists_the_accepted_acts_of_a_subject(desk: Desk) -> None:
    assert desk.change(SHENYANG, level="province") == "accepted"
    chain = desk.registry.chain("authority:" + SHENYANG)
    assert [(act.sequence, act.act) for act in chain] == [(1, "ADD"), (2, "CHANGE")]
    assert chain[1].recorded_at == SEALED_AT
    assert desk.registry.chain("authority:" + DALIAN) == ()


def test_refused_record_changes_nothing(desk: Desk) -> None:
    before = {n: repr(getattr(desk.registry, n)) for n in vars(desk.registry)}
    before["keys"] = repr(list(desk.registry.keys))
    assert desk.add_key(NEW, DALIAN) == "invalid_fields"
    assert desk.put("authority:" + SHENYANG, "ADD", authority()) == "illegal_transition"
    after = {n: repr(getattr(desk.registry, n)) for n in vars(desk.registry)}
    after["keys"] = repr(list(desk.registry.keys))
    assert after == before


def test_messages_name_fields_and_never_values(desk: Desk) -> None:
    record = desk.record("authority:" + DALIAN, "ADD", authority(level="秘密的词"))
    with pytest.raises(Refusal) as caught:
        desk.registry.check_fields(record, verify, sealed_at=SEALED_AT)
    assert caught.value.detail == "level: not in form"
