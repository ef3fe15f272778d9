"""What the log holds of rows that were imported before, opened and compared.

Encrypted values are opened with the key store's event keys, many at a time; a value
whose key was destroyed can no longer be compared and counts as the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from console.importer.desk import ImportKeys
from console.importer.logged import Changed, Logged
from console.importer.mapping import StockMapping
from console.importer.proposed import OPENING_ACTS, Face
from console.importer.source_row import SourceRow
from ledger.catalogue import LicenseType
from ledger.chain import ChainState
from ledger.codec import decode_value
from ledger.encryption import decrypt_field, holder_index_of
from ledger.events import Value
from ledger.facts import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """One logged act and the row that tells of it again.

    ``bearers``: for each field that the row's act is about, the act that carries it: this
    one, or the last before it where it was left out as standing there already.
    """

    act: Act
    row: SourceRow
    bearers: Mapping[str, Act | None]


class Known:
    """Reads what the log holds under one mapping."""

    def __init__(
        self,
        *,
        mapping: StockMapping,
        kind: LicenseType,
        keys: ImportKeys,
        origin: bytes,
    ) -> None:
        self._mapping = mapping
        self._kind = kind
        self._keys = keys
        self._origin = origin

    def changed_acts(
        self,
        licenses: Sequence[Sequence[SourceRow]],
        chains: Mapping[str, ChainState],
    ) -> Changed:
        """Rows whose holder or values differ from those of an act that they tell."""
        told = [
            item
            for rows in licenses
            if (chain := chains.get(rows[0].license_id)) is not None
            for item in _told(rows, chain, self._mapping)
        ]
        if not told:
            return {}
        kind = self._mapping.holder_kind
        refs = self._keys.find_refs([(kind, one.row.holder_code) for one in told])
        opener = self._opener(
            (one.row.license_id, act)
            for one in told
            for act in (one.act, *one.bearers.values())
            if act is not None
        )
        found: dict[tuple[int, bytes], str] = {}
        for one, ref in zip(told, refs, strict=True):
            column = self._differing(one, ref, opener)
            if column is not None:
                found[one.row.line, one.act.digest] = column
        return {} if not found else self._still(found, told, refs, chains)

    def _still(
        self,
        found: Mapping[tuple[int, bytes], str],
        told: Sequence[_Told],
        refs: Sequence[bytes | None],
        chains: Mapping[str, ChainState],
    ) -> Changed:
        """Those that do not say what stands now either: an act may have brought it in."""
        differing = [
            (replace(one, bearers=_standing(one, acts)), ref, acts[-1])
            for one, ref in zip(told, refs, strict=True)
            if (one.row.line, one.act.digest) in found
            for acts in (chains[one.row.license_id].acts,)
        ]
        opener = self._opener(
            (one.row.license_id, act)
            for one, _, _ in differing
            for act in one.bearers.values()
            if act is not None
        )
        return {
            (one.row.line, one.act.digest): found[one.row.line, one.act.digest]
            for one, ref, last in differing
            if self._differing(replace(one, act=last), ref, opener) is not None
        }

    def faces(
        self,
        licenses: Sequence[Sequence[SourceRow]],
        chains: Mapping[str, ChainState],
    ) -> Mapping[str, Face]:
        """The faces, in clear, of the licenses that a row says a CHANGE of.

        Only fields that no CHANGE may set: nobody asks for the others. A value that
        cannot be opened any more is left out.
        """
        fixed = [name for name, one in self._kind.fields.items() if not one.changeable]
        held = {
            rows[0].license_id: chains[rows[0].license_id]
            for rows in licenses
            if rows[0].license_id in chains
            and any(act.act == "CHANGE" for row in rows for act in row.acts)
        }
        bearers = {
            license_id: {name: _bearer(chain.acts, name) for name in fixed}
            for license_id, chain in held.items()
        }
        opener = self._opener(
            (license_id, act)
            for license_id, acts in bearers.items()
            for act in acts.values()
            if act is not None
        )
        return {
            license_id: {
                name: opened[0]
                for name, act in acts.items()
                if (opened := opener.value(act, name)) is not None
            }
            for license_id, acts in bearers.items()
        }

    def _opener(self, acts: Iterable[tuple[str, Act]]) -> _Opener:
        asked = {act.digest: (of, act) for of, act in acts if act.holders}
        keys = self._keys.event_keys(
            [(act.holders[0][1], of, act.event_id) for of, act in asked.values()]
        )
        return _Opener(dict(zip(asked, keys, strict=True)), self._origin)

    def _differing(self, told: _Told, ref: bytes | None, opener: _Opener) -> str | None:
        """The column in which a row differs from its act; None when it does not."""
        if [held for _, held, _ in told.act.holders] != [ref]:
            return self._mapping.holder_code
        for name, bearer in told.bearers.items():
            logged = opener.value(bearer, name)
            if logged is not None and logged[0] != told.row.values[name]:
                return self._mapping.column_of(name)
        return None


class _Opener:
    """Opens values with keys that were fetched together, by the digest of their act."""

    def __init__(self, keys: Mapping[bytes, bytes | None], origin: bytes) -> None:
        self._keys = keys
        self._origin = origin

    def value(self, act: Act | None, name: str) -> tuple[Value] | None:
        """The value that an act carries, in clear; None when its key is gone."""
        value: Value = None if act is None else act.fields.get(name)
        if act is None or not isinstance(value, bytes):
            return (value,)
        key = self._keys.get(act.digest)
        return None if key is None else (_open(act, name, value, key, self._origin),)


def _standing(told: _Told, acts: Sequence[Act]) -> Mapping[str, Act | None]:
    return {name: _bearer(acts, name) for name in told.bearers}


def _told(
    rows: Sequence[SourceRow], chain: ChainState, mapping: StockMapping
) -> Iterator[_Told]:
    logged = Logged(chain.acts, mapping.system)
    for row in rows:
        for source in row.acts:
            act = logged.of(row, source) or logged.beside(source)
            if act is None:
                continue
            opens = act.act in OPENING_ACTS
            said = row.values if opens else row.said
            names = said if source.carries else ()
            bearers = {
                name: act if _carries(act, name) else _bearer(chain.acts, name, act)
                for name in names
            }
            yield _Told(act=act, row=row, bearers=bearers)


def _carries(act: Act, name: str) -> bool:
    """Whether this act alone says the field: a later one leaves out what stands."""
    return name in act.fields or act.act in OPENING_ACTS


def _bearer(acts: Sequence[Act], name: str, before: Act | None = None) -> Act | None:
    """The last act that carries a field, of all or of those before one."""
    for act in reversed(acts):
        if name in act.fields and (before is None or act.position < before.position):
            return act
    return None


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
