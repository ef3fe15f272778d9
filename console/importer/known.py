"""Whether rows that were imported before still say what the log holds of them.

Encrypted values are opened with the key store's event keys, many at a time; a value
whose key was destroyed can no longer be compared and counts as the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.importer.desk import ImportKeys
from console.importer.mapping import StockMapping
from console.importer.plan import Logged
from console.importer.rows import SourceRow, values_of
from ledger.chain import ChainState
from ledger.codec import decode_value
from ledger.encryption import decrypt_field, holder_index_of
from ledger.events import Value
from ledger.facts import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """One logged act and the row that tells of it again."""

    act: Act
    row: SourceRow
    values: Mapping[str, Value]


def changed_acts(
    licenses: Sequence[Sequence[SourceRow]],
    chains: Mapping[str, ChainState],
    *,
    mapping: StockMapping,
    keys: ImportKeys,
    origin: bytes,
) -> frozenset[bytes]:
    """Digests of logged acts whose holder or values differ from their row's."""
    told = [
        item
        for rows in licenses
        if (chain := chains.get(rows[0].license_id)) is not None
        for item in _told(rows, chain, mapping)
    ]
    if not told:
        return frozenset()
    refs = keys.find_refs([(mapping.holder_kind, one.row.holder_code) for one in told])
    event_keys = keys.event_keys(
        [
            (one.act.holders[0][1], one.row.license_id, one.act.event_id)
            for one in told
            if one.act.holders
        ]
    )
    opened = iter(event_keys)
    return frozenset(
        one.act.digest
        for one, ref in zip(told, refs, strict=True)
        # The iterator moves for every act with a holder, whatever the answer.
        if _differs(one, ref, next(opened) if one.act.holders else None, origin)
    )


def _told(
    rows: Sequence[SourceRow], chain: ChainState, mapping: StockMapping
) -> Iterator[_Told]:
    logged = Logged(chain.acts, mapping.system)
    for row in rows:
        for source in row.acts:
            act = logged.of(row, source)
            if act is not None:
                yield _Told(act=act, row=row, values=values_of(source, row))


def _differs(
    told: _Told, ref: bytes | None, event_key: bytes | None, origin: bytes
) -> bool:
    act = told.act
    if [held for _, held, _ in act.holders] != [ref]:
        return True
    for name, value in told.values.items():
        logged = act.fields.get(name)
        if isinstance(logged, bytes):
            if event_key is None:
                continue
            logged = _open(act, name, logged, event_key, origin)
        if logged != value:
            return True
    return False


def _open(act: Act, name: str, blob: bytes, event_key: bytes, origin: bytes) -> Value:
    opened = decrypt_field(
        event_key=event_key,
        origin=origin,
        event_id=act.event_id,
        holder_ref=act.holders[holder_index_of(blob)][1],
        name=name,
        blob=blob,
    )
    return decode_value(opened.avro_value)
