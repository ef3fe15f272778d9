"""What is signed beside a pending act: its proposal, and a refusal to sign it."""

from __future__ import annotations

_PROPOSAL_CONTEXT = b"license-ledger/pending/v1\0"
_REFUSAL_CONTEXT = b"license-ledger/pending-refusal/v1\0"


def proposal_message(digest: bytes, until: int) -> bytes:
    """What the proposer signs: context ‖ event digest ‖ term as u64."""
    return _PROPOSAL_CONTEXT + digest + until.to_bytes(8, "big")


def refusal_message(digest: bytes, at: int, reason: str) -> bytes:
    """What a signer who refuses signs: context ‖ event digest ‖ time as u64 ‖ reason."""
    return _REFUSAL_CONTEXT + digest + at.to_bytes(8, "big") + reason.encode()
