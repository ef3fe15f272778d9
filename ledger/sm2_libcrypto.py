"""SM2 with SM3 through OpenSSL's libcrypto, the one that Python itself runs on.

Calls go through ctypes, which lets go of the interpreter lock: threads scale.
Needs OpenSSL 3.0 or later built with SM2. Every object that libcrypto hands out has
one owner here that frees it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_char_p, c_int, c_size_t, c_void_p
from functools import lru_cache
from typing import Final

from ledger import sm2_curve
from ledger.errors import Unavailable
from ledger.sm2_curve import RandomBytes

_PUBLIC: Final = 0x86  # EVP_PKEY_PUBLIC_KEY
_PAIR: Final = 0x87  # EVP_PKEY_KEYPAIR
_NID_SM2: Final = 1172
_UNCOMPRESSED: Final = 4  # POINT_CONVERSION_UNCOMPRESSED
_DER_SIZE_MAX: Final = 72
_PUBLIC_KEYS_MAX: Final = 4096
_KEY_PAIRS_MAX: Final = 64


class _Param(ctypes.Structure):
    """OSSL_PARAM(3)."""

    _fields_ = (
        ("key", c_char_p),
        ("data_type", ctypes.c_uint),
        ("data", c_void_p),
        ("data_size", c_size_t),
        ("return_size", c_size_t),
    )
    owner: ctypes.Array[ctypes.c_char]


_UNSIGNED_INTEGER: Final = 2
_UTF8_STRING: Final = 4
_OCTET_STRING: Final = 5

_SIZE_POINTER: Final = ctypes.POINTER(c_size_t)
_HANDLE_POINTER: Final = ctypes.POINTER(c_void_p)
_PARAM_POINTER: Final = ctypes.POINTER(_Param)

_FUNCTIONS: Final[dict[str, tuple[object, tuple[object, ...]]]] = {
    "ERR_clear_error": (None, ()),
    "EVP_sm3": (c_void_p, ()),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_new": (c_void_p, (c_void_p, c_void_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_set1_id": (c_int, (c_void_p, c_char_p, c_int)),
    "EVP_PKEY_fromdata_init": (c_int, (c_void_p,)),
    "EVP_PKEY_fromdata": (c_int, (c_void_p, _HANDLE_POINTER, c_int, _PARAM_POINTER)),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_free": (None, (c_void_p,)),
    "EVP_MD_CTX_set_pkey_ctx": (None, (c_void_p, c_void_p)),
    "EVP_DigestSignInit": (c_int, (c_void_p,) * 5),
    "EVP_DigestSign": (c_int, (c_void_p, c_void_p, _SIZE_POINTER, c_char_p, c_size_t)),
    "EVP_DigestVerifyInit": (c_int, (c_void_p,) * 5),
    "EVP_DigestVerify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "EC_GROUP_new_by_curve_name": (c_void_p, (c_int,)),
    "EC_GROUP_free": (None, (c_void_p,)),
    "EC_POINT_new": (c_void_p, (c_void_p,)),
    "EC_POINT_free": (None, (c_void_p,)),
    "EC_POINT_mul": (c_int, (c_void_p,) * 6),
    "EC_POINT_point2oct": (
        c_size_t,
        (c_void_p, c_void_p, c_int, c_void_p, c_size_t, c_void_p),
    ),
    "BN_bin2bn": (c_void_p, (c_char_p, c_int, c_void_p)),
    "BN_clear_free": (None, (c_void_p,)),
}


def open_libcrypto() -> ctypes.CDLL:
    """Opens a libcrypto that has all we call; raises Unavailable when there is none.

    Python's own extension modules come first: through them one finds exactly the
    library that hashlib uses, wherever it is installed.
    """
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            for name, (result, arguments) in _FUNCTIONS.items():
                function = getattr(library, name)
                function.restype = result
                function.argtypes = arguments
        except (OSError, AttributeError):
            continue
        return library
    raise Unavailable(
        "no usable libcrypto",
        code="crypto_missing",
        expected="OpenSSL 3.0 or later",
        where="this machine",
    )


def _candidates() -> Iterator[str]:
    for module in ("_hashlib", "_ssl"):
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.has_location and spec.origin is not None:
            yield spec.origin
    found = ctypes.util.find_library("crypto")
    if found is not None:
        yield found


class _Key:
    """Owns one EVP_PKEY; a thread that still uses it keeps it alive past eviction."""

    __slots__ = ("_free", "handle")

    def __init__(self, library: ctypes.CDLL, handle: c_void_p) -> None:
        self.handle = handle
        self._free = library.EVP_PKEY_free

    def __del__(self) -> None:
        self._free(self.handle)


class LibcryptoProvider:
    """The `Provider` of `ledger.signing` on OpenSSL. Safe to share between threads.

    Keeps the last ``public_keys_max`` public keys and 64 pairs in libcrypto's own form.
    """

    name = "libcrypto"

    def __init__(
        self, library: ctypes.CDLL, *, public_keys_max: int = _PUBLIC_KEYS_MAX
    ) -> None:
        self._lib = library
        self._public = lru_cache(maxsize=public_keys_max)(self._load_public)
        self._pair = lru_cache(maxsize=_KEY_PAIRS_MAX)(self._load_pair)

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Says whether the signature holds; garbage of any kind is just False."""
        numbers = sm2_curve.signature_numbers(signature)
        if numbers is None or not sm2_curve.point_on_curve(public_key):
            return False
        der = sm2_curve.der_from_numbers(*numbers)
        lib = self._lib
        key = self._public(public_key)
        with self._digest_context(key) as context:
            ready = lib.EVP_DigestVerifyInit(
                context, None, lib.EVP_sm3(), None, key.handle
            )
            self._demand(ready == 1, "EVP_DigestVerifyInit")
            holds: int = lib.EVP_DigestVerify(
                context, der, len(der), message, len(message)
            )
        if holds != 1:
            # Its error queue is shared with hashlib and ssl of this thread.
            lib.ERR_clear_error()
        return holds == 1

    def sign(self, private_key: bytes, public_key: bytes, message: bytes) -> bytes:
        """Signs with a nonce from libcrypto's own generator; gives raw ``r‖s``."""
        lib = self._lib
        key = self._pair(private_key, public_key)
        buffer = ctypes.create_string_buffer(_DER_SIZE_MAX)
        size = c_size_t(_DER_SIZE_MAX)
        with self._digest_context(key) as context:
            ready = lib.EVP_DigestSignInit(
                context, None, lib.EVP_sm3(), None, key.handle
            )
            self._demand(ready == 1, "EVP_DigestSignInit")
            made = lib.EVP_DigestSign(
                context, buffer, ctypes.byref(size), message, len(message)
            )
            self._demand(made == 1, "EVP_DigestSign")
        return sm2_curve.raw_from_der(buffer.raw[: size.value])

    def generate(self, random_bytes: RandomBytes) -> tuple[bytes, bytes]:
        """Makes a key pair: 32 bytes private, 65 bytes public."""
        number = sm2_curve.draw_number(random_bytes, largest=sm2_curve.N - 2)
        private_key = number.to_bytes(32, "big")
        return private_key, self.public_key(private_key)

    def public_key(self, private_key: bytes) -> bytes:
        """Computes ``04‖X‖Y`` of a private key, in constant time as libcrypto does."""
        sm2_curve.demand_private_key(private_key)
        lib = self._lib
        group = lib.EC_GROUP_new_by_curve_name(_NID_SM2)
        point = lib.EC_POINT_new(group) if group else None
        number = lib.BN_bin2bn(private_key, len(private_key), None)
        try:
            self._demand(bool(group and point and number), "EC_POINT_new")
            done = lib.EC_POINT_mul(group, point, number, None, None, None)
            self._demand(done == 1, "EC_POINT_mul")
            out = ctypes.create_string_buffer(sm2_curve.PUBLIC_KEY_SIZE)
            size = lib.EC_POINT_point2oct(
                group, point, _UNCOMPRESSED, out, len(out), None
            )
            self._demand(size == len(out), "EC_POINT_point2oct")
            return out.raw
        finally:
            lib.BN_clear_free(number)
            lib.EC_POINT_free(point)
            lib.EC_GROUP_free(group)

    @contextmanager
    def _digest_context(self, key: _Key) -> Iterator[int]:
        """Lends an EVP_MD_CTX that knows the key and the default ID (EVP_PKEY-SM2(7)).

        The ID must be set before the Init call, which already hashes it.
        """
        lib = self._lib
        key_context = lib.EVP_PKEY_CTX_new(key.handle, None)
        context = lib.EVP_MD_CTX_new()
        try:
            self._demand(bool(key_context and context), "EVP_MD_CTX_new")
            named = lib.EVP_PKEY_CTX_set1_id(
                key_context, sm2_curve.DEFAULT_ID, len(sm2_curve.DEFAULT_ID)
            )
            self._demand(named == 1, "EVP_PKEY_CTX_set1_id")
            lib.EVP_MD_CTX_set_pkey_ctx(context, key_context)
            yield context
        finally:
            lib.EVP_MD_CTX_free(context)
            lib.EVP_PKEY_CTX_free(key_context)

    def _load_public(self, public_key: bytes) -> _Key:
        return self._load(_PUBLIC, _param(b"pub", _OCTET_STRING, public_key))

    def _load_pair(self, private_key: bytes, public_key: bytes) -> _Key:
        sm2_curve.demand_private_key(private_key)
        sm2_curve.demand_public_key(public_key)
        number = int.from_bytes(private_key, "big").to_bytes(32, sys.byteorder)
        return self._load(
            _PAIR,
            _param(b"pub", _OCTET_STRING, public_key),
            _param(b"priv", _UNSIGNED_INTEGER, number),
        )

    def _load(self, selection: int, *parts: _Param) -> _Key:
        lib = self._lib
        end = _Param()
        group = _param(b"group", _UTF8_STRING, b"SM2")
        params = (_Param * (len(parts) + 2))(group, *parts, end)
        context = lib.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        handle = c_void_p()
        try:
            self._demand(bool(context), "EVP_PKEY_CTX_new_from_name")
            ready = lib.EVP_PKEY_fromdata_init(context)
            self._demand(ready == 1, "EVP_PKEY_fromdata_init")
            made = lib.EVP_PKEY_fromdata(
                context, ctypes.byref(handle), selection, params
            )
            self._demand(made == 1, "EVP_PKEY_fromdata")
        finally:
            lib.EVP_PKEY_CTX_free(context)
        return _Key(lib, handle)

    def _demand(self, done: bool, call: str) -> None:  # noqa: FBT001 - an assertion
        if not done:
            self._lib.ERR_clear_error()
            raise Unavailable(
                "libcrypto failed", code="crypto_missing", found=call, where="SM2"
            )


def _param(key: bytes, data_type: int, data: bytes) -> _Param:
    # The structure holds bare addresses: `owner` keeps the bytes alive with it.
    owner = ctypes.create_string_buffer(data, len(data))
    param = _Param(key, data_type, ctypes.addressof(owner), len(data), c_size_t(-1))
    param.owner = owner
    return param
