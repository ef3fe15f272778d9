"""Plausible faces for any license type: a value of the right form for every field."""

from __future__ import annotations

from ledger.catalogue import FaceField, LicenseType
from ledger.events import Value
from tests.sample_province import CITIZEN, HOLDER

BY_FORMAT = {
    "citizen_id": CITIZEN,
    "uscc": HOLDER,
    "division": "210102",
    "marriage_number": "J210102-2023-000123",
    "food_business_number": "JY12101020001236",
    "food_production_number": "SC10121010200017",
    "discharge_permit_number": f"{HOLDER}001P",
    "disability_card_number": f"{CITIZEN}12",
    "project_code": "2025-210102-48-01-012345",
    "work_safety_number": "(辽)JZ安许证字[2025]000123",
    "real_estate_unit": "210102001001GB00001F00010001",
    "graduation_number": "101411202505001234",
    "degree_number": "1014142025001234",
    "accreditation_number": "250612050123",
    "phone": "13800138000",
    "plate": "辽A12345",
    "vin": "LSVAA4187E2123456",
}
BY_VALUE: dict[str, Value] = {
    "d": "2025-06-01",
    "m": "2025-06-01T08:30:00+08:00",
    "n": "120.5",
    "i": 3,
    "p": f"sm3:{'ab' * 32}:40960:image/jpeg",
    "b": True,
}
WRONG_BY_VALUE: dict[str, Value] = {
    "s": "",
    "t": 7,
    "d": "2025-06-31",
    "m": "2025-06-01 08:30",
    "n": "120.50",
    "i": "3",
    "p": "photo.jpg",
    "l": {"strings": []},
    "b": "yes",
}


def face_of(kind: LicenseType, *, optional: bool = True) -> dict[str, Value]:
    """The whole face of a type; without the optional fields if so asked."""
    return {
        name: value_of(face)
        for name, face in kind.fields.items()
        if optional or face.mandatory
    }


def value_of(face: FaceField, *, other: bool = False) -> Value:
    """A value in the form of one field; ``other``: another one where there are several."""
    if face.format:
        text = BY_FORMAT[face.format]
    elif face.value in BY_VALUE:
        return BY_VALUE[face.value]
    else:
        text = f"{face.zh[:8]}{'乙' if other else '甲'}"
    return {"strings": [text]} if face.value == "l" else text


def wrong_value_of(face: FaceField) -> Value:
    """A value that is not in the form of one field."""
    return "没有这个号码" if face.format else WRONG_BY_VALUE[face.value]
