"""SM2 with SM3 through gmssl, pure Python: slow, and there where libcrypto has no SM2.

Not constant in time: whoever can measure this process may learn its private keys.
gmssl is used for its curve arithmetic alone, because around it

- it draws nonces from ``random.choice``, which gives the private key away;
- it strips leading zeros and fours of X together with the prefix ``04``;
- it calculates on with points off the curve and stops on the point at infinity.
"""

from __future__ import annotations

from gmssl.sm2 import CryptSM2, default_ecc_table

from ledger import sm2_curve
from ledger.sm2_curve import RandomBytes


class GmsslProvider:
    """The `Provider` of `ledger.signing` in pure Python. Safe to share by threads."""

    name = "gmssl"

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Says whether the signature holds; garbage of any kind is just False."""
        if sm2_curve.signature_numbers(signature) is None:
            return False
        if not sm2_curve.point_on_curve(public_key):
            return False
        curve = _curve(public_key=public_key)
        digest = sm2_curve.message_digest(public_key, message)
        try:
            return bool(curve.verify(signature.hex(), digest))
        except TypeError:
            # sG + tP is the point at infinity, for which gmssl has None: no signature.
            return False

    def sign(self, private_key: bytes, public_key: bytes, message: bytes) -> bytes:
        """Signs with a nonce from ``random_bytes``; gives raw ``r‖s``."""
        sm2_curve.demand_private_key(private_key)
        sm2_curve.demand_public_key(public_key)
        curve = _curve(private_key=private_key)
        digest = sm2_curve.message_digest(public_key, message)
        while True:
            nonce = sm2_curve.draw_number(self._random_bytes, largest=sm2_curve.N - 1)
            signature: str | None = curve.sign(digest, f"{nonce:064x}")
            if signature is not None:  # None: this nonce gave r = 0, s = 0 or r + k = n
                return bytes.fromhex(signature)

    def generate(self, random_bytes: RandomBytes) -> tuple[bytes, bytes]:
        """Makes a key pair: 32 bytes private, 65 bytes public."""
        number = sm2_curve.draw_number(random_bytes, largest=sm2_curve.N - 2)
        private_key = number.to_bytes(32, "big")
        return private_key, self.public_key(private_key)

    def public_key(self, private_key: bytes) -> bytes:
        """Computes ``04‖X‖Y`` of a private key."""
        sm2_curve.demand_private_key(private_key)
        number = int.from_bytes(private_key, "big")
        point: str = _curve()._kg(number, default_ecc_table["g"])  # noqa: SLF001 - the library offers no other
        return b"\x04" + bytes.fromhex(point)


def _curve(*, private_key: bytes = b"", public_key: bytes = b"") -> CryptSM2:
    curve = CryptSM2(private_key=private_key.hex(), public_key="")
    # Set past the constructor, which would mangle an X that begins with 0 or 4.
    curve.public_key = public_key[1:].hex()
    return curve
