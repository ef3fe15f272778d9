"""Who signs and verifies, over which bytes, alone or a batch at a time (algorithm 1).

Algorithm 1 is SM2 with SM3, default ID, signatures as raw ``r‖s``. The arithmetic is a
`ledger.sm2.Provider`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from ledger import merkle
from ledger.batch_paths import (
    BATCH_COUNT_MAX,
    batch_root,
    batch_shape_ok,
    climb,
    path_length,
    root_above,
)
from ledger.errors import Malformed
from ledger.sm2 import Provider, default_provider
from ledger.sm2_curve import RandomBytes, point_on_curve

__all__ = [
    "ALGORITHM_SM2_SM3",
    "BATCH_COUNT_MAX",
    "BatchSignature",
    "BatchVerifier",
    "Provider",
    "Signer",
    "SoftwareSigner",
    "batch_head",
    "batch_root",
    "batch_shape_ok",
    "default_provider",
    "generate",
    "key_id",
    "path_length",
    "point_on_curve",
    "public_from_private",
    "sign_batch",
    "tbs",
    "verify",
    "verify_many",
]

ALGORITHM_SM2_SM3: Final = 1
BATCH_ID_SIZE: Final = 16

_SIGNATURE_CONTEXT: Final = b"license-ledger/sig/v1\0"
_BATCH_CONTEXT: Final = b"licence-ledger batch-sig v1\0"
_SLICE: Final = 32
_HEADS_MAX: Final = 4096
_OWN_LEVELS: Final = 3  # of a walk; above them it is shared with seven neighbours
_NODES_MAX: Final = 4096  # at most 1 KiB each; a full seal has half as many


class Signer(Protocol):
    """One signing key, wherever it lives: memory, an HSM, a 签名验签服务器.

    The private key may be a handle that never leaves the device. ``sign`` gives 64
    bytes ``r‖s`` under the default ID that `verify` accepts for ``public_key``; it may
    block, may be called by any thread, and signing the same message again gives
    another signature that is just as good. It raises Unavailable when the device does
    not answer: nothing was signed as far as the caller is concerned, try again.
    """

    @property
    def key_id(self) -> bytes:
        """SM3(04‖X‖Y)."""
        ...

    @property
    def public_key(self) -> bytes:
        """``04‖X‖Y``."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Signs the message itself, not a digest of it."""
        ...


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Says whether ``r‖s`` is this key's signature; never raises on garbage."""
    return default_provider().verify(public_key, message, signature)


def verify_many(
    items: Sequence[tuple[bytes, bytes, bytes]],
    *,
    pool: ThreadPoolExecutor | None = None,
    provider: Provider | None = None,
) -> list[bool]:
    """Verifies (public_key, message, signature) triples, answers in their order.

    With a pool the work is cut into slices for its threads; libcrypto lets go of the
    interpreter lock, so two threads are nearly twice as fast.
    """
    chosen = provider or default_provider()

    def answers(part: Sequence[tuple[bytes, bytes, bytes]]) -> list[bool]:
        return [chosen.verify(*item) for item in part]

    if pool is None or len(items) <= 1:
        return answers(items)
    size = min(_SLICE, (len(items) + 1) // 2)
    slices = [items[at : at + size] for at in range(0, len(items), size)]
    return [answer for part in pool.map(answers, slices) for answer in part]


def generate(random_bytes: RandomBytes) -> tuple[bytes, bytes]:
    """Makes a key pair: private (32 bytes), public ``04‖X‖Y`` (65 bytes)."""
    return default_provider().generate(random_bytes)


def public_from_private(private_key: bytes) -> bytes:
    """Computes ``04‖X‖Y``; raises Malformed unless the number is in [1, n−2]."""
    return default_provider().public_key(private_key)


@lru_cache(maxsize=1024)  # each batch signature asks, for one of few keys
def key_id(public_key: bytes) -> bytes:
    """SM3(04‖X‖Y): the name of a key everywhere in the ledger, 32 bytes."""
    return hashlib.new("sm3", public_key).digest()


class SoftwareSigner:
    """A `Signer` whose private key lies in this process's memory.

    Raises Malformed when the two keys are not a pair: SM2 hashes the public key, so
    such a signer would make signatures that hold for nobody.
    """

    __slots__ = ("_private_key", "_provider", "key_id", "public_key")

    def __init__(
        self, private_key: bytes, public_key: bytes, *, provider: Provider | None = None
    ) -> None:
        self._provider = provider or default_provider()
        if self._provider.public_key(private_key) != public_key:
            raise Malformed("the private and the public key are not a pair")
        self._private_key = private_key
        self.public_key = public_key
        self.key_id = key_id(public_key)

    def sign(self, message: bytes) -> bytes:
        """Signs the message; 64 bytes ``r‖s``."""
        return self._provider.sign(self._private_key, self.public_key, message)


def tbs(role: int, body: bytes) -> bytes:
    """The bytes to be signed for one role of one event body.

    ``license-ledger/sig/v1␀ ‖ role ‖ body``; role 1 main (主办), 2 joint (联合签章),
    3 superior (跨层级签章).
    """
    return _SIGNATURE_CONTEXT + bytes((role,)) + body


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSignature:
    """One signature over many events, and where in its batch one event stands.

    ``value`` is ``r‖s`` over the batch head, ``path`` the inclusion path (RFC 6962
    §2.1.1). It proves "signed in this batch", never "in the log".
    """

    value: bytes
    batch_id: bytes
    count: int
    index: int
    path: tuple[bytes, ...]


def batch_head(
    *,
    key_id: bytes,
    batch_id: bytes,
    count: int,
    root: bytes,
    algorithm: int = ALGORITHM_SM2_SM3,
) -> bytes:
    """The 117 bytes that a batch's one signature covers.

    Key and count are signed with the root, because one path fits trees of several
    sizes and one signature may fit several keys.
    """
    return b"".join(
        (
            _BATCH_CONTEXT,
            bytes((algorithm,)),
            key_id,
            batch_id,
            count.to_bytes(8, "big"),
            root,
        )
    )


def sign_batch(
    signer: Signer, tbs_list: Sequence[bytes], batch_id: bytes
) -> list[BatchSignature]:
    """Signs 1 to 4,096 messages (`tbs` of each) at once, results in their order.

    ``batch_id`` is 16 fresh random bytes. Raises Malformed for other counts or sizes.
    """
    count = len(tbs_list)
    if not 1 <= count <= BATCH_COUNT_MAX:
        raise Malformed(
            "bad batch", expected=f"1 to {BATCH_COUNT_MAX} messages", found=str(count)
        )
    if len(batch_id) != BATCH_ID_SIZE:
        raise Malformed("bad batch_id", expected="16 bytes", found=str(len(batch_id)))
    paths = merkle.all_paths([merkle.leaf_hash(message) for message in tbs_list])
    root = batch_root(tbs_list[0], 0, count, paths[0])
    head = batch_head(key_id=signer.key_id, batch_id=batch_id, count=count, root=root)
    value = signer.sign(head)
    return [
        BatchSignature(
            value=value, batch_id=batch_id, count=count, index=index, path=tuple(path)
        )
        for index, path in enumerate(paths)
    ]


class BatchVerifier:
    """Verifies batch signatures, doing the SM2 of one batch head only once.

    Remembers the last ``heads_max`` answers by (key, batch, count, root, signature),
    all of them recomputed from what it is given, and where walks up from the level led
    that eight neighbours share. Any thread may call.
    """

    def __init__(
        self, *, provider: Provider | None = None, heads_max: int = _HEADS_MAX
    ) -> None:
        chosen = provider or default_provider()
        self._holds = lru_cache(maxsize=heads_max)(chosen.verify)
        self._root = lru_cache(maxsize=_NODES_MAX)(root_above)

    def verify(
        self, *, public_key: bytes, tbs: bytes, signature: BatchSignature
    ) -> bool:
        """Says whether this key signed the batch and this message is its index-th.

        (1) shape; (2) root recomputed from message and path; (3) SM2 over the head.
        """
        # Step 1.
        count, index, path = signature.count, signature.index, signature.path
        fits = batch_shape_ok(count=count, index=index, path=path)
        if not fits or len(signature.batch_id) != BATCH_ID_SIZE:
            return False
        # Step 2.
        last, leaf = count - 1, merkle.leaf_hash(tbs)
        node, used = climb(leaf, index, last, path, levels=_OWN_LEVELS)
        root = self._root(node, index >> _OWN_LEVELS, last >> _OWN_LEVELS, path[used:])
        head = batch_head(
            key_id=key_id(public_key),
            batch_id=signature.batch_id,
            count=count,
            root=root,
        )
        # Step 3.
        return self._holds(public_key, head, signature.value)
