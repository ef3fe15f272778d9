"""What a license type says of the terms of its licenses (有效期限)."""

from __future__ import annotations

from ledger.catalogue import LicenseType


def terms_are_years(kind: LicenseType) -> bool:
    """Whether each term is so many years: then no license of the type is without end."""
    return all(term.endswith("年") and term[:-1].isdecimal() for term in kind.validity)
