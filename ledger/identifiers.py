"""The identifiers, codes and formats of the field, in one place to import from.

Each noun has its own file; this one only gathers the names that others use.
"""

from __future__ import annotations

from ledger.check_digits import (
    mod_11_2_check,
    mod_11_10_check,
    mod_37_36_check,
    org_code_check,
    uscc_check,
)
from ledger.divisions import Division, area_covers, parse_divisions, within
from ledger.formats import FORMATS
from ledger.holders import (
    HolderKind,
    holder_code_ok,
    is_person_kind,
    normalise_holder_code,
    parse_holder_kinds,
    sensitive_organisation,
)
from ledger.license_identifiers import (
    ROOT,
    CertificateIdentifier,
    LicenseId,
    certificate_identifier,
    license_check,
    parse_certificate_identifier,
    parse_license_id,
)
from ledger.masking import mask
from ledger.subject_codes import (
    citizen_id_check,
    citizen_id_ok,
    clear_citizen_number,
    uscc_ok,
)

__all__ = [
    "FORMATS",
    "ROOT",
    "CertificateIdentifier",
    "Division",
    "HolderKind",
    "LicenseId",
    "area_covers",
    "certificate_identifier",
    "citizen_id_check",
    "citizen_id_ok",
    "clear_citizen_number",
    "holder_code_ok",
    "is_person_kind",
    "license_check",
    "mask",
    "mod_11_2_check",
    "mod_11_10_check",
    "mod_37_36_check",
    "normalise_holder_code",
    "org_code_check",
    "parse_certificate_identifier",
    "parse_divisions",
    "parse_holder_kinds",
    "parse_license_id",
    "sensitive_organisation",
    "uscc_check",
    "uscc_ok",
    "within",
]
