"""The closed list of value formats that a license type may name for a field.

Each is our own pure function of the text: no regular expression, locale or library rule
decides a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ledger import number_formats as number
from ledger import value_formats as value
from ledger.divisions import division_ok
from ledger.subject_codes import uscc_ok

FORMATS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "date": value.date_ok,
        "month": value.month_ok,
        "year": value.year_ok,
        "instant": value.instant_ok,
        "decimal": value.decimal_ok,
        "picture": value.picture_ok,
        "uscc": uscc_ok,
        "citizen_id": number.citizen_number_ok,
        "license_id": number.license_id_ok,
        "certificate_identifier": number.certificate_identifier_ok,
        "division": division_ok,
        "marriage_number": number.marriage_number_ok,
        "birth_certificate_number": number.birth_certificate_number_ok,
        "food_business_number": number.food_business_number_ok,
        "food_production_number": number.food_production_number_ok,
        "discharge_permit_number": number.discharge_permit_number_ok,
        "disability_card_number": number.disability_card_number_ok,
        "construction_permit_number": number.construction_permit_number_ok,
        "project_code": number.project_code_ok,
        "work_safety_number": number.work_safety_number_ok,
        "real_estate_number": number.real_estate_number_ok,
        "real_estate_unit": number.real_estate_unit_ok,
        "graduation_number": number.graduation_number_ok,
        "degree_number": number.degree_number_ok,
        "teacher_number": number.teacher_number_ok,
        "accreditation_number": number.accreditation_number_ok,
        "phone": number.phone_ok,
        "plate": number.plate_ok,
        "vin": number.vin_ok,
    }
)
"""Name -> predicate. A published name keeps its meaning for ever: verdicts rest on it."""
