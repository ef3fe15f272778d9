"""Check 10: whether the signatures of a record hold, one by one or many ahead of time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ledger.envelope import Opened
from ledger.events import Signature
from ledger.refusals import Refusal
from ledger.registry import Registry
from ledger.signing import BatchSignature, BatchVerifier, tbs, verify, verify_many

VERIFY_TOGETHER_MIN = 16


def signature_holds(
    signature: Signature,
    *,
    public_key: bytes,
    role: int,
    body: bytes,
    batches: BatchVerifier,
) -> bool:
    """Whether a carried signature, single or of a batch, is this key's in this role."""
    message, batch = tbs(role, body), signature["batch"]
    if batch is None:
        return verify(public_key, message, signature["value"])
    return batches.verify(
        public_key=public_key,
        tbs=message,
        signature=BatchSignature(
            value=signature["value"],
            batch_id=batch["batch_id"],
            count=batch["count"],
            index=batch["index"],
            path=tuple(batch["path"]),
        ),
    )


class SignatureCheck:
    """Check 10 over one registry, with answers that were worked out before.

    ``pool``: whose threads work them out; without one the caller's own does.
    """

    def __init__(
        self,
        registry: Registry,
        batches: BatchVerifier,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        self._registry = registry
        self._batches = batches
        self._pool = pool
        # By leaf: it covers the signature, so no other record finds this answer.
        self._known: dict[tuple[bytes, int], bool] = {}

    def check(self, opened: Opened) -> None:
        """The mathematics, in order; the first failure ends it. Raises Refusal."""
        body = opened.record["body"]
        for index, (signer, signature) in enumerate(
            zip(opened.event["signers"], opened.record["signatures"], strict=True)
        ):
            key = self._registry.key_for(signer["key_id"], opened.event)
            if key is None:
                raise Refusal("unknown_key", "a signer's key is not registered")
            holds = self._known.get((opened.leaf, index))
            if holds is None:
                holds = signature_holds(
                    signature,
                    public_key=key,
                    role=signer["role"],
                    body=body,
                    batches=self._batches,
                )
            if not holds:
                raise Refusal("bad_signature", f"signature {index} does not hold")

    def verify_ahead(self, opened: Sequence[Opened | Refusal]) -> None:
        """Works out many single signatures together."""
        jobs: list[tuple[bytes, int]] = []
        items: list[tuple[bytes, bytes, bytes]] = []
        for one in opened:
            if isinstance(one, Refusal):
                continue
            for index, (signer, signature) in enumerate(
                zip(one.event["signers"], one.record["signatures"], strict=True)
            ):
                key = self._registry.key(signer["key_id"])
                if key is not None and signature["batch"] is None:
                    jobs.append((one.leaf, index))
                    message = tbs(signer["role"], one.record["body"])
                    items.append((key.public_key, message, signature["value"]))
        if len(items) >= VERIFY_TOGETHER_MIN:
            found = verify_many(items, pool=self._pool)
            self._known.update(zip(jobs, found, strict=True))

    def take(self, opened: Sequence[Opened]) -> None:
        """Takes all signatures of these records as holding."""
        for one in opened:
            for index in range(len(one.record["signatures"])):
                self._known[one.leaf, index] = True

    def forget(self) -> None:
        """Drops all answers."""
        self._known.clear()
