"""Each packaged type refuses what it does not allow, through the real admission."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.catalogue import TYPE_ACTS, FaceField
from ledger.clear_values import check_clear
from ledger.errors import Malformed
from ledger.events import Event, Value
from ledger.lifecycle_table import ACTS
from ledger.workdays import DAY_US, date_to_day, day_to_date
from tests.catalogue_office import CODES, MOVED_IN, PERSON, TERM, Office, office_of
from tests.faces import face_of, value_of, wrong_value_of
from tests.sample_province import CITIZEN, HOLDER_ENTRY

TODAY = day_to_date(date_to_day("2026-03-02"))


@pytest.fixture(params=CODES)
def office(request: pytest.FixtureRequest) -> Office:
    return office_of(request.param)


def set_field(event: Event, name: str, value: Value) -> Event:
    fields = {field["name"]: field["value"] for field in event["fields"]} | {
        name: value
    }
    event["fields"] = [{"name": n, "value": v} for n, v in sorted(fields.items())]
    return event


def issue_event(office: Office, **fields: Value) -> Event:
    face = face_of(office.kind) | fields
    return office.act_event("ISSUE", office.new_id(), {**TERM, **face})


def send(office: Office, event: Event) -> tuple[str, str]:
    sent = office.send(office.sign(event, *office.seals(event["act"])))
    return sent.code, sent.verdict.detail


def test_an_act_that_it_does_not_list_is_refused(office: Office) -> None:
    issued = office.issued()
    for act in sorted(TYPE_ACTS - office.kind.acts):
        fields = MOVED_IN | face_of(office.kind) if ACTS[act].opens else {}
        license_id = office.new_id() if ACTS[act].opens else issued
        code, detail = office.refusal(act, license_id, **fields)
        assert (code, detail) == (
            "act_not_allowed",
            f"type {office.kind.code} has no {act}",
        )


def test_a_face_without_a_mandatory_field_is_refused_by_name(office: Office) -> None:
    for name, face in office.kind.fields.items():
        if not face.mandatory:
            continue
        whole = face_of(office.kind)
        del whole[name]
        code, detail = office.refusal("ISSUE", office.new_id(), **TERM, **whole)
        assert (code, detail) == ("invalid_fields", f"{name} is missing")


def test_a_field_outside_the_type_is_refused(office: Office) -> None:
    code, detail = send(office, issue_event(office, shoe_size="43"))
    assert (code, detail) == ("invalid_fields", "shoe_size: outside the type")


def test_a_wrongly_formatted_field_is_refused_wherever_it_is_read(
    office: Office,
) -> None:
    """In clear by admission, encrypted by the publisher before anybody else can."""
    for name, face in office.kind.fields.items():
        wrong = wrong_value_of(face)
        if face.data_class >= 3:
            with pytest.raises(Malformed) as caught:
                check_clear({name: wrong}, office.kind, today=TODAY)
            assert caught.value.found.startswith(f"{name}: not")
        else:
            code, detail = send(office, issue_event(office, **{name: wrong}))
            assert (code, detail.partition(":")[0]) == ("invalid_fields", name)
    code, detail = send(office, issue_event(office, valid_from="2026-02-30"))
    assert (code, detail) == ("invalid_fields", "valid_from: not in form")


def test_a_personal_field_in_clear_is_refused(office: Office) -> None:
    for name, face in office.kind.fields.items():
        if face.data_class >= 3:
            event = set_field(issue_event(office), name, value_of(face))
            assert send(office, event) == ("invalid_fields", f"{name}: not encrypted")


def test_a_citizen_number_in_a_public_text_is_refused(office: Office) -> None:
    for name, face in public_texts(office):
        number: Value = (
            {"strings": [CITIZEN]} if face.value == "l" else f"身份证{CITIZEN}"
        )
        code, _ = send(office, issue_event(office, **{name: number}))
        assert code == "clear_personal_data"


def public_texts(office: Office) -> Iterator[tuple[str, FaceField]]:
    for name, face in office.kind.fields.items():
        if not face.data_class >= 3 and face.value in "stl" and not face.format:
            yield name, face


def test_other_seals_than_the_type_demands_are_refused(office: Office) -> None:
    for act in sorted(office.kind.acts & {"ISSUE", "CORRECT"}):
        license_id = office.new_id() if act == "ISSUE" else office.issued()
        face = face_of(office.kind) if act == "ISSUE" else office.set_by(act)
        event = office.act_event(act, license_id, face)
        wrong: list[tuple[str, int]] = [("city", 1), ("province", 2)]
        if office.seals(act) == wrong:
            wrong = [("city", 1)]
        sent = office.send(office.sign(event, *wrong))
        assert sent.code == "signatures_missing"


def test_a_holder_of_another_kind_is_refused(office: Office) -> None:
    """Only where both kinds may hold it, neither is another one."""
    category = office.kind.holder_category
    other = PERSON if category == "organisation" else HOLDER_ENTRY
    event = issue_event(office)
    event["holders"] = [other]
    refused = ("invalid_fields", f"holders[0]: expected {category}")
    assert send(office, event) == (
        ("accepted", "") if category == "either" else refused
    )


def test_more_holders_than_it_can_have_are_refused(office: Office) -> None:
    most = office.kind.holders_max
    event = issue_event(office)
    event["holders"] = [
        {**office.holder, "ref": bytes([number // 256, number % 256]) * 16}
        for number in range(most + 1)
    ]
    if most == 255:
        assert send(office, event)[0] == "malformed"  # no event names so many
    else:
        assert send(office, event) == (
            "invalid_fields",
            f"holders: expected 1 to {most}, found {most + 1}",
        )


def test_what_needs_a_decision_cannot_be_corrected_nor_identity_changed(
    office: Office,
) -> None:
    license_id = office.issued()
    for name, face in office.kind.fields.items():
        if not face.correctable:
            found = office.refusal("CORRECT", license_id, **{name: value_of(face)})
            assert found == ("invalid_fields", f"{name} cannot be corrected")
        if not face.changeable and "CHANGE" in office.kind.acts:
            found = office.refusal("CHANGE", license_id, **{name: value_of(face)})
            assert found == ("invalid_fields", f"{name} cannot be changed")


def test_it_does_not_lie_further_ahead_than_its_horizon(office: Office) -> None:
    event = issue_event(office)
    event["effective_at"] += (office.kind.horizon_days + 2) * DAY_US
    assert send(office, event)[0] == "too_far_ahead"
