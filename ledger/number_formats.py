"""What the numbers on licenses look like: certificates, plates, phones.

A format says what a number looks like, not that it was given out.
"""

from __future__ import annotations

from datetime import date

from ledger.check_digits import DIGITS, UPPER, UPPER_ALNUM, consists_of, mod_11_10_check
from ledger.divisions import division_ok
from ledger.license_identifiers import parse_certificate_identifier, parse_license_id
from ledger.subject_codes import citizen_id_ok, uscc_ok
from ledger.value_formats import date_ok, digits, reads, year_ok
from ledger.workdays import YEAR_MAX

PROVINCES = frozenset(
    f"{region}{number}"
    for region, numbers in (
        ("1", "12345"),
        ("2", "123"),
        ("3", "1234567"),
        ("4", "123456"),
        ("5", "01234"),
        ("6", "12345"),
        ("7", "1"),
        ("8", "12"),
    )
    for number in numbers
)
"""The first two digits of division codes, GB/T 2260."""

PROVINCE_SIGNS = tuple("京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新")

_LAST_BIRTH = date(YEAR_MAX, 12, 31)
_PLATE_ALPHABET = "".join(c for c in UPPER_ALNUM if c not in "IO")
_PLATE_LETTERS = tuple(c for c in UPPER if c not in "IO")
_VIN_ALPHABET = "".join(c for c in UPPER_ALNUM if c not in "IOQ")
_BRACKETS = (("(", ")"), ("（", "）"), ("[", "]"), ("〔", "〕"), ("【", "】"))


def citizen_number_ok(text: str) -> bool:
    """A citizen number with a birth date from 1900 on, GB 11643-1999.

    Formats know no "now": whoever does asks ``citizen_id_ok`` with its latest day.
    """
    return citizen_id_ok(text, latest=_LAST_BIRTH)


def license_id_ok(text: str) -> bool:
    """A license_id by shape, GB/T 36904-2018 without version and check."""
    return reads(parse_license_id, text)


def certificate_identifier_ok(text: str) -> bool:
    """A full identifier by shape, GB/T 36904-2018; its check may be a nonstandard one.

    A field may point to old stock; who makes an identifier is asked for ``standard``.
    """
    return reads(parse_certificate_identifier, text)


def marriage_number_ok(text: str) -> bool:
    """``J210102-2023-000123`` (婚姻证件字号): J 结婚, L 离婚, BJ and BL 补发."""
    letters, registry = text[:-18], text[-18:-12]
    return (
        letters in ("J", "L", "BJ", "BL")
        and division_ok(registry)
        and text[-12] == "-"
        and year_ok(text[-11:-7])
        and text[-7] == "-"
        and digits(text[-6:], 6)
    )


def birth_certificate_number_ok(text: str) -> bool:
    """A letter (edition) and 9 digits, the first two a province (出生医学证明编号)."""
    return (
        consists_of(text[:1], UPPER) and digits(text[1:], 9) and text[1:3] in PROVINCES
    )


def food_business_number_ok(text: str) -> bool:
    """``JY`` and 14 digits: 业态 1-3, place 6, sequence 6, check (食品经营许可证)."""
    return text[:2] == "JY" and text[2:3] in tuple("123") and _food_number(text)


def food_production_number_ok(text: str) -> bool:
    """``SC`` and 14 digits: category 3, place 6, sequence 4, check (食品生产许可证)."""
    return text[:2] == "SC" and _food_number(text)


def _food_number(text: str) -> bool:
    """The last digit is a MOD 11,10 check, GB/T 17710-2008."""
    return digits(text[2:], 14) and mod_11_10_check(text[2:-1]) == text[-1]


def discharge_permit_number_ok(text: str) -> bool:
    """A unified social credit code, 3 digits, a capital (排污许可证编号, mostly P)."""
    return (
        len(text) == 22
        and uscc_ok(text[:18])
        and digits(text[18:21], 3)
        and consists_of(text[21], UPPER)
    )


def disability_card_number_ok(text: str) -> bool:
    """A citizen number, 类别 1-7, 等级 1-4 (残疾人证号, 20 characters)."""
    return (
        len(text) == 20
        and citizen_number_ok(text[:18])
        and text[18] in "1234567"
        and text[19] in "1234"
    )


def construction_permit_number_ok(text: str) -> bool:
    """18 digits: division 6, date 8, project 2, kind 2 (建筑工程施工许可证编号).

    It may look just like a citizen number, hence a format of its own.
    """
    day = f"{text[6:10]}-{text[10:12]}-{text[12:14]}"
    return digits(text, 18) and date_ok(day)


def project_code_ok(text: str) -> bool:
    """``2023-210102-48-03-012345`` (投资项目统一代码): year, place, industry, kind."""
    parts = text.split("-")
    return (
        len(parts) == 5
        and year_ok(parts[0])
        and all(
            digits(part, n) for part, n in zip(parts[1:], (6, 2, 2, 6), strict=True)
        )
    )


def work_safety_number_ok(text: str) -> bool:
    """``(辽)JZ安许证字[2005]000123`` (安全生产许可证编号), round or square brackets."""
    sign, letters, year, sequence = text[:3], text[3:5], text[9:15], text[15:]
    return (
        _bracketed(sign) in PROVINCE_SIGNS
        and len(letters) == 2
        and consists_of(letters, UPPER)
        and text[5:9] == "安许证字"
        and year_ok(_bracketed(year))
        and digits(sequence, 4, 5, 6)
    )


def real_estate_number_ok(text: str) -> bool:
    """``辽(2023)沈阳市不动产权第0000123号`` (不动产权证号, 不动产登记证明号)."""
    place, mark, number = text[7:].partition("不动产")
    ending = number.removeprefix("权").removeprefix("证明")
    return (
        text[:1] in PROVINCE_SIGNS
        and year_ok(_bracketed(text[1:7]))
        and 2 <= len(place) <= 20
        and mark != ""
        and ending[:1] == "第"
        and digits(ending[1:-1], 7)
        and ending[-1] == "号"
    )


def _bracketed(text: str) -> str:
    """What stands between a pair of brackets, or nothing."""
    return text[1:-1] if (text[:1], text[-1:]) in _BRACKETS else ""


def real_estate_unit_ok(text: str) -> bool:
    """28 characters (不动产单元号): place 12, 2 letters, 5, a letter, 8; GB/T 37346."""
    return (
        len(text) == 28
        and digits(text[:12], 12)
        and consists_of(text[12:14], UPPER)
        and digits(text[14:19], 5)
        and consists_of(text[19], UPPER)
        and consists_of(text[20:], DIGITS)
    )


def phone_ok(text: str) -> bool:
    """A mobile number, or area code, dash and 7 or 8 digits; ``+86-`` may precede."""
    national = text.removeprefix("+86").removeprefix("-" if text[:1] == "+" else "")
    if digits(national, 11) and national[0] == "1":
        return national[1] in "3456789"
    area, dash, local = national.partition("-")
    return (
        dash == "-"
        and digits(area, 3, 4)
        and area[0] == "0"
        and digits(local, 7, 8)
        and local[0] not in "01"
    )


def plate_ok(text: str) -> bool:
    """A vehicle plate: 辽A12345, 辽A1234学, 辽AD12345 (new energy); GA 36-2018."""
    tail = text[2:]
    if len(tail) == 5 and tail[-1] in "学挂警港澳领":
        tail = tail[:-1] + "0"
    return (
        text[:1] in PROVINCE_SIGNS
        and text[1:2] in _PLATE_LETTERS
        and len(tail) in (5, 6)
        and consists_of(tail, _PLATE_ALPHABET)
    )


def vin_ok(text: str) -> bool:
    """17 letters and digits without I, O, Q (GB 16735); imported cars lack the check."""
    return len(text) == 17 and consists_of(text, _VIN_ALPHABET)


def graduation_number_ok(text: str) -> bool:
    """18 digits (学历证书电子注册号)."""
    return digits(text, 18)


def degree_number_ok(text: str) -> bool:
    """16 digits (older) or 18 (学位证书编号)."""
    return digits(text, 16, 18)


def teacher_number_ok(text: str) -> bool:
    """17 digits (教师资格证书号码)."""
    return digits(text, 17)


def accreditation_number_ok(text: str) -> bool:
    """12 digits (检验检测机构资质认定证书编号, CMA)."""
    return digits(text, 12)
