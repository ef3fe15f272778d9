"""Where the next event of a license stands: sequence, predecessor, version."""

from __future__ import annotations

from ledger import lifecycle
from ledger.chain import ChainState
from ledger.drafting import Draft, Position
from ledger.events import ZERO_DIGEST


def next_position(draft: Draft, chain: ChainState) -> Position:
    """Where the act of a draft stands if its chain stays as it is."""
    acts, license_ = chain.acts, chain.license
    return Position(
        sequence=len(acts) + 1,
        previous=acts[-1].digest if acts else ZERO_DIGEST,
        version=(license_.version if license_ else 0) + 1
        if _makes_version(draft, chain)
        else 0,
    )


def _makes_version(draft: Draft, chain: ChainState) -> bool:
    match lifecycle.ACTS[draft.act].makes_version:
        case "always":
            return True
        case "as_named":
            return any(
                act.digest in draft.causes and "certificate_identifier" in act.fields
                for act in chain.acts
            )
        case "replacement":
            current = chain.license.version if chain.license else 0
            return draft.fields.get("version") == current and len(draft.fields) > 1
        case _:
            return False
