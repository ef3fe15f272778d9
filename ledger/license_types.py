"""What a license type (证照类型) is: data read from the registry, never a class per type.

The elements of GB/T 36902-2018 are all there, under our names, and what the lifecycle
asks besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.check_digits import DIGITS, consists_of
from ledger.formats import FORMATS
from ledger.lifecycle_table import ACTS
from ledger.reserved_fields import RESERVED

VALUE_KINDS = frozenset("stdmniplb")
LEVELS = ("nation", "province", "city", "county", "township", "other")
"""国家级, 省部级, 地市级, 区县级, 乡镇级, 其他."""
HOLDER_CATEGORIES = ("person", "organisation", "either", "household")
CODE_STATUSES = ("published", "placeholder", "foreign")
RETENTIONS = ("permanent", "long", "100", "30", "10")
"""永久, 长期, or so many years."""

TYPE_ACTS = frozenset(n for n, rule in ACTS.items() if not rule.always_allowed)
"""Acts that a type must list to allow them."""
ACTS_FOR_ALL = frozenset(ACTS) - TYPE_ACTS
CITIZEN_FORMATS = frozenset({"citizen_id", "disability_card_number"})
"""Formats that hold a citizen number: class 4, so that none stands in clear."""

DAYS_MAX = 36_600
FIELDS_MAX = 200

_NAME_FIRST = frozenset("abcdefghijklmnopqrstuvwxyz")
_NAME = _NAME_FIRST | frozenset(DIGITS + "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceField:
    """One type-specific field of the license face (照面信息).

    ``value``: s string, t code, d date, m instant, n decimal string, i long, p picture,
    l list of strings or of rows, b boolean. ``data_class``: 1 public, 2 internal,
    3 personal, 4 sensitive personal. ``format``: a name in ``identifiers.FORMATS``.
    ``correctable``: CORRECT may set it; ``changeable``: CHANGE may. ``register``: the
    base register that verifies it (population, legal_person, …).
    """

    name: str
    zh: str
    value: str
    mandatory: bool
    data_class: int
    format: str = ""
    correctable: bool = True
    changeable: bool = True
    register: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalWindow:
    """How long before expiry a renewal is applied for; ``unit`` calendar or working."""

    days: int
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One related matter of government service (关联事项): its code and name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseType:
    """One version of one license type, everything a verdict may ask of it.

    ``acts``: acts this type allows besides those allowed for all. ``signatures``: act ->
    sorted roles demanded, default (1,). ``while_restricted``: acts allowed under SUSP or
    PAUS (footnote 1 of the lifecycle). ``grace_days``: REPLACE after expiry, None = always.
    ``horizon_days``: how far effective_at may lie ahead of sealed_at.
    """

    code: str
    version: int
    name: str
    name_en: str
    code_status: str
    definer: str
    definer_level: str
    issuer_level: str
    holder_category: str  # person, organisation, either, household
    holders_max: int
    validity: tuple[str, ...]
    acts: frozenset[str]
    fields: Mapping[str, FaceField]
    signatures: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    while_restricted: frozenset[str] = frozenset()
    late_renewal: bool = False
    grace_days: int | None = 0
    renewal_window: RenewalWindow | None = None
    auto_extension: bool = False
    current_per_holder: str = "one"  # one, many
    resume_on_application: bool = False
    horizon_days: int = 30
    retention: str = "long"
    items: tuple[Item, ...] = ()
    definer_name: str = ""
    issuer_name: str = ""
    source_rows: int = 0  # number in the province's catalogue, 0 = foreign


def problems(kind: LicenseType) -> list[str]:
    """What is wrong with a definition, in words for its definer."""
    window = kind.renewal_window
    rules = {
        "code: 18 characters of the definer and 3 digits": (
            len(kind.code) == 21
            and consists_of(kind.code[18:], DIGITS)
            and kind.code.startswith(kind.definer)
            and len(kind.definer) == 18
        ),
        "name": kind.name != "" and kind.version >= 1,
        "code_status": kind.code_status in CODE_STATUSES,
        "level": kind.definer_level in LEVELS and kind.issuer_level in LEVELS,
        "holder_category": kind.holder_category in HOLDER_CATEGORIES,
        "holders_max: 1 to 255": 1 <= kind.holders_max <= 255,
        "validity": bool(kind.validity) and all(kind.validity),
        "validity or items: one stands twice": _unique(kind.validity)
        and _unique(kind.items),
        "acts": bool(kind.acts) and kind.acts <= TYPE_ACTS,
        "signatures": all(
            act in ACTS and _roles_ok(roles) for act, roles in kind.signatures.items()
        ),
        "while_restricted": kind.while_restricted <= {"CHANGE", "RENEW"},
        "grace_days": kind.grace_days is None or 0 <= kind.grace_days <= DAYS_MAX,
        "renewal_window": window is None
        or (0 < window.days <= DAYS_MAX and window.unit in ("calendar", "working")),
        "current_per_holder": kind.current_per_holder in ("one", "many"),
        "horizon_days": 0 <= kind.horizon_days <= DAYS_MAX,
        "retention": kind.retention in RETENTIONS,
        "source_rows": kind.source_rows >= 0,
        "fields: at most 200": len(kind.fields) <= FIELDS_MAX,
    }
    wrong = [name for name, right in rules.items() if not right]
    return wrong + [
        f"field {name}"
        for name, face in kind.fields.items()
        if face.name != name or not _face_ok(face)
    ]


def _unique(values: tuple[object, ...]) -> bool:
    return len(set(values)) == len(values)


def _roles_ok(roles: tuple[int, ...]) -> bool:
    """Sorted roles, exactly one of them main, at most eight signers."""
    return (
        1 <= len(roles) <= 8
        and list(roles) == sorted(roles)
        and roles.count(1) == 1
        and set(roles) <= {1, 2, 3}
    )


def _face_ok(face: FaceField) -> bool:
    return (
        field_name_ok(face.name)
        and face.name not in RESERVED
        and face.zh != ""
        and face.value in VALUE_KINDS
        and 1 <= face.data_class <= 4
        and (face.format == "" or (face.format in FORMATS and face.value in "stl"))
        and (face.format not in CITIZEN_FORMATS or face.data_class == 4)
    )


def field_name_ok(name: str) -> bool:
    """Whether ``name`` is a snake_case key of at most 64 characters."""
    return name[:1] in _NAME_FIRST and _NAME.issuperset(name) and len(name) <= 64
