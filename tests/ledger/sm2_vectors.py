"""The published SM2 example, and keys that trip careless implementations."""

from __future__ import annotations

from typing import Final

# GB/T 32918.5-2017 annex A.
MESSAGE: Final = b"message digest"
PRIVATE: Final = bytes.fromhex(
    "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
)
PUBLIC: Final = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
NONCE: Final = bytes.fromhex(
    "59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21"
)
DIGEST: Final = bytes.fromhex(
    "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"
)
R: Final = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S: Final = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA


def raw(r: int, s: int) -> bytes:
    """Two numbers as a raw signature, whatever they are."""
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


SIGNATURE: Final = raw(R, S)

# X of these begins with 0404, 00, 04, 40 and 44.
AWKWARD_PRIVATE_KEYS: Final = tuple(
    number.to_bytes(32, "big") for number in (307, 327, 11, 65, 138)
)
