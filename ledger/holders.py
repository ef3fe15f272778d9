"""Who holds a license: the holder kinds of GB/T 36903-2018 annex A and their codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from ledger.check_digits import DIGITS, UPPER, UPPER_ALNUM, consists_of
from ledger.errors import Malformed
from ledger.subject_codes import citizen_id_ok, legacy_citizen_id_ok, uscc_ok

ORGANISATION_KINDS = frozenset({"001", "099"})
"""统一社会信用代码 and 其他法人或其他组织有效证件代码; every other kind is a person's."""

FREE_CODE_MAX = 64

_TO_UPPER = {ord(char.lower()): char for char in UPPER}


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderKind:
    """One holder code type (持证主体代码类型); ``category`` person or organisation.

    ``later``: not in the annex of 2018, used by newer systems.
    """

    code: str
    name: str
    category: str
    later: bool


def parse_holder_kinds(data: Mapping[str, Any]) -> Mapping[str, HolderKind]:
    """Reads ``holder_kinds.toml`` (parsed); raises Malformed on a wrong or unknown kind."""
    found: dict[str, HolderKind] = {}
    for row in data["kind"]:
        kind = HolderKind(
            code=row["code"],
            name=row["name"],
            category=row["category"],
            later=row.get("later", False),
        )
        expected = "person" if is_person_kind(kind.code) else "organisation"
        if kind.category != expected or kind.code in found:
            raise Malformed(
                "holder kind repeated or in the wrong category",
                expected=expected,
                found=kind.category,
                where=f"holder kind {kind.code}",
            )
        found[kind.code] = kind
    if found.keys() != _CODE_RULES.keys():
        raise Malformed(
            "holder kinds and code rules differ",
            expected=" ".join(sorted(_CODE_RULES)),
            found=" ".join(sorted(found)),
        )
    return MappingProxyType(found)


def person_code_wrong(kind: str, code: str, *, latest: date) -> bool:
    """Whether a person's code breaks the form of its kind, however it is spelt.

    Nobody looks into it after its publisher; an unknown kind is for admission to name.
    """
    return (
        is_person_kind(kind)
        and kind in _CODE_RULES
        and not holder_code_ok(kind, normalise_holder_code(kind, code), latest=latest)
    )


def is_person_kind(kind: str) -> bool:
    """Whether a holder of this kind is a natural person; Malformed unless 3 digits."""
    if len(kind) != 3 or not consists_of(kind, DIGITS):
        # Somebody's number may have been put here: it is not quoted.
        raise Malformed("not a holder kind", expected="three digits", where="kind")
    return kind not in ORGANISATION_KINDS


def sensitive_organisation(kind: str, code: str) -> bool:
    """Whether the organisation is one person's business (个体工商户, prefix 92).

    Its name, legal representative and address count as personal data.
    """
    return kind == "001" and code.startswith("92")


def holder_code_ok(kind: str, code: str, *, latest: date) -> bool:
    """Whether a normalised ``code`` has the form its ``kind`` demands.

    ``latest``: the last birth date that a citizen number may carry. An unknown kind is
    never right.
    """
    rule = _CODE_RULES.get(kind)
    return rule is not None and rule(code, latest)


def normalise_holder_code(kind: str, code: str) -> str:
    """The one spelling of a holder's code, by which the holder is found again.

    Outer spaces go. Numbers of a fixed alphabet get ASCII capitals (``x`` becomes ``X``);
    other documents keep their letters, for two codes that differ there may be two holders.
    A 15-digit citizen number is kept as it is: it is not one with 18 by arithmetic alone.
    """
    stripped = code.strip(" \t\r\n\u3000")
    return stripped if kind in FREE_KINDS else stripped.translate(_TO_UPPER)


def _citizen(code: str, latest: date) -> bool:
    return citizen_id_ok(code, latest=latest) or legacy_citizen_id_ok(code)


def _organisation(code: str, _latest: date) -> bool:
    return uscc_ok(code)


def _residence(*prefixes: str) -> Callable[[str, date], bool]:
    """港澳台居民居住证: a citizen number whose address part names the region."""
    return lambda code, latest: (
        code.startswith(prefixes) and citizen_id_ok(code, latest=latest)
    )


def _passport(code: str, _latest: date) -> bool:
    return 5 <= len(code) <= 20 and consists_of(code, UPPER_ALNUM)


def _taiwan_permit(code: str, _latest: date) -> bool:
    """台湾居民来往大陆通行证: 8 digits; older ones carry issue numbers and a letter."""
    return 8 <= len(code) <= 12 and consists_of(code, UPPER_ALNUM)


def _hong_kong_macao_permit(code: str, _latest: date) -> bool:
    """港澳居民来往内地通行证: H or M and 8 digits, older ones with 2 more."""
    return len(code) in (9, 11) and code[0] in "HM" and consists_of(code[1:], DIGITS)


def _free(code: str, _latest: date) -> bool:
    """Documents without a common form (军官证 even holds words): text of one line."""
    return (
        1 <= len(code) <= FREE_CODE_MAX
        and code == code.strip(" \u3000")
        and not any(char < " " or "\x7f" <= char <= "\x9f" for char in code)
    )


FREE_KINDS = frozenset({"099", "114", "115", "118", "119", "120", "122", "999"})
"""Kinds whose codes are free text: two spellings of one may be two holders."""

_CODE_RULES: Mapping[str, Callable[[str, date], bool]] = MappingProxyType(
    {
        **dict.fromkeys(FREE_KINDS, _free),
        **dict.fromkeys(("400", "411", "412", "413", "414"), _passport),
        "001": _organisation,
        "111": _citizen,
        "511": _taiwan_permit,
        "516": _hong_kong_macao_permit,
        "551": _residence("810000", "820000"),
        "552": _residence("830000"),
    }
)
