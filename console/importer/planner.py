"""Plans some licenses at a time, with all that log, tables and key store say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from console.importer.desk import ImportDesk
from console.importer.drafts import Drafter
from console.importer.known import Known
from console.importer.logged import Logged
from console.importer.mapping import StockMapping
from console.importer.plan import plan_chain
from console.importer.proposed import ChainPlan
from console.importer.source_row import SourceRow
from console.importer.trial import ImportTrial
from ledger.catalogue import LicenseType
from ledger.chain import ChainState
from ledger.lifecycle import TypeOfVersion
from ledger.registry import Registry


class Planner:
    """Planner of one import, under a type in force or one that would be."""

    def __init__(
        self, desk: ImportDesk, mapping: StockMapping, kind: LicenseType
    ) -> None:
        registry = desk.registry()
        self._desk = desk
        self._mapping = mapping
        self._kind = kind
        self._origin = registry.origin
        self._types = _types_of(registry, kind)
        self._known = Known(
            mapping=mapping, kind=kind, keys=desk.keys, origin=registry.origin
        )
        self.drafter = Drafter(
            desk=desk,
            mapping=mapping,
            kind=kind,
            origin=registry.origin,
            partitions=registry.partitions,
        )

    def plans(self, licenses: Sequence[list[SourceRow]]) -> list[ChainPlan]:
        """One plan per license; the rows are all of each license's."""
        every = {rows[0].license_id: rows for rows in licenses}
        told = ([row for row in rows if not row.out] for rows in licenses)
        known = [rows for rows in told if rows]
        chains = self._desk.chains(list(every))
        changed = self._known.changed_acts(known, chains)
        faces = self._known.faces(known, chains)
        moved = self._moved(known)
        trial = self._trial(licenses, chains)
        plans: list[ChainPlan] = []
        for license_id, rows in every.items():
            base = chains.get(license_id) or ChainState()
            plans.append(
                plan_chain(
                    rows,
                    base,
                    logged=Logged(base.acts, self._mapping.system),
                    face=faces.get(license_id, {}),
                    changed=changed,
                    moved=moved,
                    trial=trial,
                    mapping=self._mapping,
                )
            )
        return plans

    def _moved(self, licenses: Sequence[list[SourceRow]]) -> frozenset[int]:
        """Lines of rows that were imported into another license before."""
        rows = list(chain.from_iterable(licenses))
        known = self._desk.licenses_of_rows(
            self._mapping.system, [row.key for row in rows]
        )
        return frozenset(
            row.line
            for row in rows
            if known.get(row.key) and row.license_id not in known[row.key]
        )

    def _trial(
        self, licenses: Sequence[list[SourceRow]], chains: Mapping[str, ChainState]
    ) -> ImportTrial:
        kind = self._mapping.holder_kind
        codes = list(
            dict.fromkeys(
                row.holder_code
                for rows in licenses
                if rows[0].license_id in chains
                for row in rows
                if row.holder_code  # of a rejected row it may not be known
            )
        )
        refs = self._desk.keys.find_refs([(kind, code) for code in codes])
        return ImportTrial(
            mapping=self._mapping,
            kind=self._kind,
            types=self._types,
            authority=self._desk.department,
            origin=self._origin,
            signers=[one.entry for one in self._desk.signers],
            refs={c: ref for c, ref in zip(codes, refs, strict=True) if ref},
            now=self._desk.now(),
        )


def _types_of(registry: Registry, kind: LicenseType) -> TypeOfVersion:
    def of_version(version: int) -> LicenseType:
        if version == kind.version:
            return kind
        held = registry.license_type(kind.code, version)
        if held is None:
            raise AssertionError(f"type {kind.code} has no version {version}")
        return held

    return of_version
