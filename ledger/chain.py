"""One chain as admission needs it, and the checks on its order (5 and 6)."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field

from ledger.events import ZERO_DIGEST, Event
from ledger.facts import Act, source_key
from ledger.license import License
from ledger.refusals import Refusal

CHAIN_MAX = 4_096
CHAIN_NEARLY_FULL = 3_840
ENDING_ACTS = frozenset(
    (
        "SUSPEND",
        "PAUSE",
        "RESUME",
        "DOWNGRADE",
        "REVOKE",
        "WITHDRAW",
        "ANNUL",
        "CANCEL",
        "CORRECT",
        "RESTORE",
        "LINK",
    )
)


@dataclass(slots=True)
class ChainState:
    """Accepted acts of one chain in order, and the license they fold to."""

    acts: list[Act] = field(default_factory=list)
    license: License | None = None
    _by_source: dict[bytes, int] | None = None

    def first_from(self, key: bytes) -> int | None:
        """Position of the accepted act with this source key."""
        if self._by_source is None:
            self._by_source = {}
            for act in self.acts:
                self._by_source.setdefault(act.source_key, act.position)
        return self._by_source.get(key)

    def append(self, act: Act, after: License | None) -> None:
        """Takes an accepted act as the new head."""
        self.acts.append(act)
        self.license = after
        if self._by_source is not None:
            self._by_source.setdefault(act.source_key, act.position)


Chains = MutableMapping[tuple[str, str], ChainState]


def check_repeats(
    event: Event,
    digest: bytes,
    acts: Sequence[Act],
    first_from: Callable[[bytes], int | None],
) -> None:
    """Check 5: the same event again, or the same act of its source rebuilt."""
    at = event["sequence"] - 1
    if at < len(acts) and acts[at].digest == digest:
        raise Refusal("duplicate", f"accepted at position {acts[at].position}")
    key = source_key(event)
    if key and (first := first_from(key)) is not None:
        raise Refusal("source_repeated", f"first accepted at position {first}")


def check_order(event: Event, acts: Sequence[Act]) -> None:
    """Check 6: sequence and previous follow the head, and the chain has room."""
    length = len(acts)
    head = acts[-1].digest if acts else ZERO_DIGEST
    if event["sequence"] > length + 1:
        raise Refusal("gap", _head_text(length, head))
    if event["sequence"] <= length or event["previous"] != head:
        raise Refusal("stale", _head_text(length, head))
    if event["chain"] in ("license", "dispute") and (
        length >= CHAIN_MAX
        or (
            length >= CHAIN_NEARLY_FULL
            and event["chain"] == "license"
            and event["act"] not in ENDING_ACTS
        )
    ):
        raise Refusal("chain_full", f"the chain holds {length} events")


def _head_text(length: int, head: bytes) -> str:
    if not length:
        return "the chain is empty: sequence 1"
    return f"head is sequence {length}, digest {head.hex()}"
