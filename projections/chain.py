"""The chains as admission needs them again: the facts of every accepted act."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from psycopg import Connection

from ledger.admission import Verdict
from ledger.chain import ChainState
from ledger.events import ZERO_DIGEST
from ledger.facts import Act
from projections.table import Table

TABLE = Table(
    "chain_act",
    {
        "chain": "text",
        "subject": "text",
        "sequence": "int8",
        "position": "int8",
        "digest": "bytea",
        "facts": "bytea",
    },
    key=("subject", "chain", "sequence"),
)
TABLES = (TABLE,)
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Act).decode

_OF_SUBJECTS = (
    "SELECT chain, subject, facts FROM chain_act WHERE subject = ANY(%b::text[]) "
    "ORDER BY subject, chain, sequence"
)
_HEAD = (
    "SELECT sequence, digest FROM chain_act WHERE subject = %s AND chain = %s "
    "ORDER BY sequence DESC LIMIT 1"
)


def rows(verdicts: Iterable[Verdict]) -> Iterator[tuple[Any, ...]]:
    """One row per accepted act; the registry keeps its own chains."""
    for verdict in verdicts:
        act, event = verdict.act, verdict.event
        if act is not None and event is not None and event["chain"] != "registry":
            yield (
                event["chain"],
                event["subject"],
                act.sequence,
                act.position,
                act.digest,
                _ENCODE(act),
            )


def write(cur: Any, verdicts: Iterable[Verdict]) -> None:
    """Appends the acts of a batch."""
    TABLE.append(cur, list(rows(verdicts)))


def load(
    conn: Connection[Any], subjects: Iterable[str]
) -> dict[tuple[str, str], ChainState]:
    """The chains of these subjects by (chain, subject), without their licenses."""
    found: dict[tuple[str, str], ChainState] = {}
    with conn.cursor(binary=True) as cur:
        cur.execute(_OF_SUBJECTS, (list(subjects),), prepare=True)
        for chain, subject, facts in cur:
            state = found.get((chain, subject))
            if state is None:
                state = found[chain, subject] = ChainState()
            state.acts.append(_DECODE(facts))
    return found


def acts_of(conn: Connection[Any], subject: str) -> list[Act]:
    """The accepted acts of a license in recorded order, empty when there is none."""
    state = load(conn, [subject]).get(("license", subject))
    return state.acts if state else []


def head_of(conn: Connection[Any], chain: str, subject: str) -> tuple[int, bytes]:
    """Sequence and event digest of the last accepted event; (0, zeros) for none."""
    with conn.cursor(binary=True) as cur:
        row = cur.execute(_HEAD, (subject, chain), prepare=True).fetchone()
    return (row[0], row[1]) if row else (0, ZERO_DIGEST)


_DESTRUCTIONS = (
    "SELECT position, subject, facts FROM chain_act "
    "WHERE chain = 'holder' AND position > %s ORDER BY position"
)


def destructions(
    conn: Connection[Any], *, after: int = -1
) -> list[tuple[int, bytes, Sequence[str]]]:
    """Accepted DESTROYs behind a position: position, holder_ref, license_ids."""
    with conn.cursor(binary=True) as cur:
        return [
            (position, bytes.fromhex(subject), _license_ids(_DECODE(facts)))
            for position, subject, facts in cur.execute(_DESTRUCTIONS, (after,))
        ]


def _license_ids(act: Act) -> Sequence[str]:
    named: Sequence[str] = act.fields["license_ids"]["strings"]
    return named
