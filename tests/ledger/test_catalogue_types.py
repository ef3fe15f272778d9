"""Each packaged type lives as it allows, through the real admission."""

from __future__ import annotations

import pytest

from ledger.catalogue import LicenseType
from ledger.license import State
from ledger.lifecycle import TERMINALS, shown_state
from ledger.lifecycle_table import ACTS
from ledger.workdays import date_to_day
from tests.catalogue_office import CODES, TERM, Office, office_of, packaged
from tests.faces import face_of

EARLIER = {"RESUME": ("SUSPEND", "PAUSE")}
"""What has to happen before an act can: the first of these that the type allows."""
ISSUED_ON = date_to_day(str(TERM["valid_from"]))
NEVER_ENDED = {"11210000999990010U015", "11210000999990010U029"}
"""A divorce is a fact; a health certificate only expires."""


def moves(kind: LicenseType) -> bool:
    return "TRANSFER_IN" in kind.acts


@pytest.fixture(params=CODES)
def office(request: pytest.FixtureRequest) -> Office:
    return office_of(request.param)


def test_it_is_issued_and_valid_with_its_whole_face(office: Office) -> None:
    license_id = office.issued()
    license_ = office.license(license_id)
    assert shown_state(license_, ISSUED_ON) == State.VALID
    assert set(office.kind.fields) <= set(license_.face)
    assert license_.version == 1


def test_optional_fields_may_be_left_out(office: Office) -> None:
    license_id = office.new_id()
    office.do("ISSUE", license_id, **TERM, **face_of(office.kind, optional=False))
    mandatory = {n for n, face in office.kind.fields.items() if face.mandatory}
    assert set(office.license(license_id).face) >= mandatory


def test_every_act_that_it_allows_is_accepted_on_a_valid_license(
    office: Office,
) -> None:
    for act in sorted(office.kind.acts - {"ISSUE", "TRANSFER_IN"}):
        license_id = office.issued()
        earlier = next((a for a in EARLIER.get(act, ()) if a in office.kind.acts), None)
        if earlier is not None:
            office.do(earlier, license_id)
        before = office.license(license_id)
        office.do(act, license_id, **office.set_by(act))
        after = office.license(license_id)
        made = ACTS[act].makes_version == "always"
        assert after.version == before.version + made
        ends = ACTS[act].ends
        assert after.terminal == (str(ends) if ends else "")


def test_it_ends_in_each_way_that_it_allows(office: Office) -> None:
    ends = [act for act in office.kind.acts if ACTS[act].ends in TERMINALS]
    assert (ends == []) == (office.kind.code in NEVER_ENDED)
    for act in ends:
        license_id = office.issued()
        office.do(act, license_id)
        assert office.license(license_id).terminal == str(ACTS[act].ends)
        if "REISSUE" in office.kind.acts:
            assert office.refusal("REISSUE", license_id)[0] == "illegal_transition"


def test_it_expires_on_the_day_after_its_term_and_not_before(office: Office) -> None:
    license_ = office.license(office.issued())
    last = date_to_day(str(TERM["valid_until"]))
    assert shown_state(license_, last) == State.VALID
    assert shown_state(license_, last + 1) == State.EXP


@pytest.mark.parametrize("code", [c for c in CODES if moves(packaged(c))])
def test_one_that_moved_in_names_the_identifier_it_had(code: str) -> None:
    office = office_of(code)
    license_id = office.new_id()
    office.do("TRANSFER_IN", license_id, **face_of(office.kind))
    office.do("TRANSFER_OUT", license_id)
    assert office.license(license_id).terminal == State.CANC
