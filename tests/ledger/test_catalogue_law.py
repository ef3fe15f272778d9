"""What single laws say of single types: terms, graces and pauses as an office meets them."""

from __future__ import annotations

from ledger.drafting import DecisionDraft
from ledger.events import Value
from ledger.license import State
from ledger.lifecycle import shown_state
from ledger.workdays import date_to_day, day_start
from tests.catalogue_office import Office, office_of
from tests.faces import face_of
from tests.sample_province import OTHER_CITY

RESIDENCE = "11210000999990010U004"
SOCIAL_CARD = "11210000999990010U005"
DRIVER = "11210000999990010U012"
FOOD = "11210000999990010U033"
CONSTRUCTOR = "11100000000013338W001"
REAL_ESTATE = "11100000MB03271699001"
QUALIFICATION = "11210000999990010U044"
BUSINESS = "11100000MB0143028R001"
MARRIAGE = "111000000000131433001"


def ended(office: Office, until: str) -> str:
    """A license whose term ended on a day of the past."""
    license_id = office.new_id()
    term: dict[str, Value] = {"valid_from": "2020-01-01", "valid_until": until}
    event = office.act_event("ISSUE", license_id, face_of(office.kind) | term)
    event["effective_at"] = day_start(date_to_day("2020-01-01"))
    office.accept(office.sign(event, *office.seals("ISSUE")))
    return license_id


def test_driver_licence_is_exchanged_within_a_year_of_its_end() -> None:
    office = office_of(DRIVER)
    term = {"valid_from": "2026-03-02", "valid_until": "2036-03-01"}
    office.do("REPLACE", ended(office, "2025-03-02"), **term)
    late = ended(office, "2025-03-01")
    assert office.refusal("REPLACE", late, **term)[0] == "out_of_grace"


def test_driver_licence_stays_suspended_to_the_end_of_its_term() -> None:
    office = office_of(DRIVER)
    license_id = office.issued()
    office.do("SUSPEND", license_id, term_until="2026-06-01")
    license_ = office.license(license_id)
    assert shown_state(license_, date_to_day("2026-06-01")) == State.SUSP
    assert shown_state(license_, date_to_day("2026-06-02")) == State.VALID


def test_residence_permit_is_endorsed_late_while_its_use_is_paused() -> None:
    office = office_of(RESIDENCE)
    license_id = ended(office, "2026-02-01")
    office.do("RENEW", license_id)
    assert office.license(license_id).valid_until == date_to_day("2031-03-01")
    paused = office.issued()
    office.do("PAUSE", paused)
    office.do("RENEW", paused, endorsed_until="2027-03-01")
    assert shown_state(office.license(paused), date_to_day("2027-01-01")) == State.PAUS


def test_reported_loss_pauses_a_social_card_until_it_is_taken_back() -> None:
    office = office_of(SOCIAL_CARD)
    license_id = office.issued()
    office.do("PAUSE", license_id, term_until="2026-03-09")
    assert (
        shown_state(office.license(license_id), date_to_day("2026-04-01")) == State.PAUS
    )
    office.do("RESUME", license_id)
    assert (
        shown_state(office.license(license_id), date_to_day("2026-04-01"))
        == State.VALID
    )


def test_expired_food_permit_is_not_renewed_any_more() -> None:
    office = office_of(FOOD)
    license_id = ended(office, "2026-03-01")
    assert office.refusal("RENEW", license_id)[0] == "illegal_transition"


def test_food_permit_with_a_renewal_pending_does_not_expire() -> None:
    office = office_of(FOOD)
    license_id = office.issued()
    office.do("MARK", license_id, mark="renewal_pending", mark_date="2030-11-01")
    day_after = date_to_day("2031-03-02")
    assert shown_state(office.license(license_id), day_after) == State.VALID


def test_business_licence_of_a_dormant_firm_stays_valid() -> None:
    """歇业 (市场主体登记管理条例 30) is a mark beside the state, not a pause."""
    office = office_of(BUSINESS)
    license_id = office.issued()
    office.do("MARK", license_id, mark="dormant", mark_on=True)
    license_ = office.license(license_id)
    assert shown_state(license_, date_to_day("2026-06-01")) == State.VALID
    assert office.refusal("PAUSE", license_id)[0] == "act_not_allowed"


def test_lower_grade_of_a_builder_is_a_penalty_and_no_change() -> None:
    office = office_of(QUALIFICATION)
    license_id = office.issued()
    lower: dict[str, Value] = {
        "qualifications": {"strings": ["建筑工程施工总承包三级"]}
    }
    assert (
        office.refusal("CORRECT", license_id, **lower)[1]
        == "qualifications cannot be corrected"
    )
    office.do("DOWNGRADE", license_id, **lower)
    assert office.license(license_id).version == 2


def test_real_estate_keeps_its_unit_and_a_transfer_opens_another_chain() -> None:
    office = office_of(REAL_ESTATE)
    license_id = office.issued()
    unit = {"unit_no": "210102001001GB00001F00010002"}
    assert (
        office.refusal("CHANGE", license_id, **unit)[1] == "unit_no cannot be changed"
    )
    office.do("CANCEL", license_id)
    new_owner = office.issued()
    assert office.license(new_owner).version == 1


def test_constructor_who_moved_out_goes_on_under_the_new_province() -> None:
    office = office_of(CONSTRUCTOR)
    license_id = office.issued()
    office.do("TRANSFER_OUT", license_id)
    assert office.license(license_id).after == "转出"
    assert office.refusal("RENEW", license_id)[0] == "illegal_transition"


def test_marriage_is_annulled_by_a_court_and_recorded_by_the_registry() -> None:
    office = office_of(MARRIAGE)
    license_id = office.issued()
    decision = DecisionDraft(
        number="(2026)辽0102民初1号", date="2026-03-01", reason_code="court_judgment"
    )
    event = office.act_event(
        "ANNUL",
        license_id,
        {"effect_from": "2026-03-02"},
        decision=decision,
        deciding_authority=OTHER_CITY,
    )
    office.accept(office.sign(event, "city"))
    assert office.license(license_id).terminal == State.ANND
