"""The identifier of an electronic license (电子证照标识), GB/T 36904-2018.

``1.2.156.3005.2.<type>.<issuer>.<serial>.<version>.<check>``; without the last two parts
it is the ``license_id`` that names a license chain. It looks like an OID and is none: it
holds letters.

The grammar asks for shape alone: stock in the field holds issuers and definers whose own
check digits are wrong, and an identifier is never rewritten. Whoever wants the check
digits of the codes inside asks ``uscc_ok``; whether the identifier's own check character
is right is told by ``CertificateIdentifier.standard``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from typing_extensions import override

from ledger.check_digits import DIGITS, UPPER_ALNUM, consists_of, mod_37_36_check
from ledger.errors import Malformed

ROOT = "1.2.156.3005.2"
"""The fixed root code (根代码) of electronic licenses."""

SERIAL_MAX = 32
VERSION_MAX = 9999

_PREFIX = ROOT + "."
_PREFIX_LENGTH = len(_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseId:
    """Names one license chain.

    ``type_code``: 18 characters of the definer and 3 digits; ``issuer``: 18 characters;
    ``serial``: 1 to 32; all 0-9 and A-Z. Raises Malformed on any other shape.
    """

    type_code: str
    issuer: str
    serial: str

    def __post_init__(self) -> None:
        if (
            len(self.type_code) != 21
            or len(self.issuer) != 18
            or not 1 <= len(self.serial) <= SERIAL_MAX
            or (self.type_code + self.issuer + self.serial).strip(UPPER_ALNUM)
            or self.type_code[18:].strip(DIGITS)
        ):
            raise _misshapen("license_id", "<type 21>.<issuer 18>.<serial 1-32>")

    @override
    def __str__(self) -> str:
        return f"{_PREFIX}{self.type_code}.{self.issuer}.{self.serial}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateIdentifier:
    """The full identifier of one version of a license; ``version`` counts from 1.

    ``standard`` says whether ``check`` is the right character: some programs in use
    compute another one, and what they printed stays as it is.
    """

    license: LicenseId
    version: int
    check: str
    standard: bool

    @override
    def __str__(self) -> str:
        return f"{self.license}.{self.version:03d}.{self.check}"


@lru_cache(maxsize=16_384)  # one record asks five times, the last when its batch ends
def parse_license_id(text: str) -> LicenseId:
    """Reads a license_id; raises Malformed when the shape is wrong."""
    parts = text[_PREFIX_LENGTH:].split(".")
    if len(parts) != 3 or not text.startswith(_PREFIX):
        raise _misshapen("license_id", f"{ROOT}.<type>.<issuer>.<serial>")
    return LicenseId(type_code=parts[0], issuer=parts[1], serial=parts[2])


def license_check(type_code: str, issuer: str, serial: str, version_text: str) -> str:
    """The check character: MOD 37,36 over the four parts without dots and root code.

    Raises Malformed on a character other than 0-9, A-Z. Source: GB/T 36904-2018, confirmed
    on published identifiers; the ones that differ come from wrong generators.
    """
    return mod_37_36_check(serial + version_text, behind=type_code + issuer)


def certificate_identifier(license_id: str, version: int) -> str:
    """The full identifier of ``version`` (three digits, above 999 four).

    Raises Malformed when ``license_id`` is misshapen or the version is not 1 to 9999.
    """
    license_ = parse_license_id(license_id)
    if not 1 <= version <= VERSION_MAX:
        raise Malformed(
            "no such version number",
            expected=f"1 to {VERSION_MAX}",
            found=str(version),
            where="certificate_identifier",
        )
    text = f"{version:03d}"
    check = license_check(license_.type_code, license_.issuer, license_.serial, text)
    return f"{license_id}.{text}.{check}"


def parse_certificate_identifier(text: str) -> CertificateIdentifier:
    """Reads a full identifier; any check character 0-9, A-Z has the right shape.

    Raises Malformed when the shape is wrong, on version 000 and on a needless zero.
    """
    license_id, _, rest = text.rpartition(".")[0].rpartition(".")
    check = text[-1:]
    if (
        text[-2:-1] != "."
        or not consists_of(check, UPPER_ALNUM)
        or not _version_shaped(rest)
    ):
        raise _misshapen("certificate_identifier", "<license_id>.<version>.<check>")
    license_ = parse_license_id(license_id)
    right = license_check(license_.type_code, license_.issuer, license_.serial, rest)
    return CertificateIdentifier(
        license=license_, version=int(rest), check=check, standard=check == right
    )


def _version_shaped(text: str) -> bool:
    if not consists_of(text, DIGITS) or text == "000":
        return False
    return len(text) == 3 or (len(text) == 4 and text[0] != "0")


def _misshapen(where: str, expected: str) -> Malformed:
    # The serial may hold a person's number: nothing of the text goes into the error.
    return Malformed(
        "not an identifier", code="bad_identifier", expected=expected, where=where
    )
