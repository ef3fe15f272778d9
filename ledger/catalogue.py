"""What a license type (证照类型) is: data read from the registry, never a class per type.

A type's whole definition travels as Rows in its registry event, so a verdict depends on
the registry alone; the TOML files under ``schemas/types`` are only how definers write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceField:
    """One type-specific field of the license face (照面信息).

    ``value``: s string, t code, d date, m instant, n decimal string, i long, p picture,
    l list of strings or of rows, b boolean. ``data_class``: 1 public, 2 internal,
    3 personal, 4 sensitive personal. ``format``: a name in ``identifiers.FORMATS``.
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
    items: tuple[str, ...] = ()
    source_rows: int = 0  # number in the province's catalogue, 0 = foreign
