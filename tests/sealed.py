"""Seals over what a world has judged, and receipts from them, all in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.checkpoint import origin_line
from ledger.events import ZERO_DIGEST, Range, Seal, VerdictRange
from ledger.merkle import tree_path, tree_root
from ledger.receipt_file import Receipt, VerdictProof
from ledger.refusals import ACCEPTED
from ledger.seal import (
    SealedVerdict,
    encode_seal,
    placed_ranges,
    seal_digest,
    signed_seal,
    verdict_path,
    verdict_range,
)
from ledger.signing import SoftwareSigner
from tests.builders import Sent, World


@dataclass
class SealedWorld:
    """The seals of a world; the last one carries verdicts alone."""

    world: World
    origin: str
    seals: list[Seal] = field(default_factory=list)

    @property
    def entries(self) -> list[SealedVerdict]:
        """All verdicts in sealed order."""
        return [
            SealedVerdict(
                position=sent.verdict.position,
                leaf=sent.verdict.leaf,
                code=sent.verdict.code,
            )
            for sent in self.world.records
        ]

    def receipt(self, position: int, *, at: int = -1, verdict: bool = True) -> Receipt:
        """The receipt of a record under the checkpoint of one seal."""
        seal, sent = self.seals[at], self.world.records[position]
        leaves = [entry.leaf for entry in self.entries[: seal["tree_size"]]]
        registry, event = self.world.registry, sent.verdict.event
        signers = [] if event is None else event["signers"]
        keys = [registry.key(signer["key_id"]) for signer in signers]
        return Receipt(
            record=sent.data,
            position=position,
            path=tuple(tree_path(position, leaves)),
            checkpoint=seal["checkpoint"].encode(),
            verdict=self._verdict(position) if verdict else None,
            keys=tuple(key.public_key for key in keys if key is not None),
            sealers=self.sealers(),
        )

    def sealers(self) -> tuple[bytes, ...]:
        """The founding record and every accepted one on root and sealer keys."""
        return tuple(
            sent.data
            for sent in self.world.records
            if _about_ledger_keys(self.world, sent)
        )

    def _verdict(self, position: int) -> VerdictProof:
        for seal in self.seals:
            for given in seal["verdicts"]:
                first, end = given["first"], given["first"] + given["count"]
                if first <= position < end:
                    return VerdictProof(
                        first=first,
                        path=tuple(verdict_path(self.entries[first:end], position)),
                        seal=encode_seal(seal),
                    )
        raise AssertionError(f"no seal carries a verdict on {position}")


def seal_world(world: World) -> SealedWorld:
    """Seals everything a world has judged, as a sealer would have done in time."""
    sealed = SealedWorld(
        world=world, origin=origin_line(world.name, world.registry.origin)
    )
    size = 0
    for ranges, records in _groups(world):
        _add_seal(sealed, ranges, size, size + len(records))
        size += len(records)
    _add_seal(sealed, [], size, size)
    return sealed


def _add_seal(sealed: SealedWorld, ranges: list[Range], start: int, end: int) -> None:
    world, entries = sealed.world, sealed.entries
    last = sealed.seals[-1] if sealed.seals else None
    recorded = world.records[end - 1].verdict.recorded_at
    seal: Seal = {
        "seal_no": len(sealed.seals),
        "previous": ZERO_DIGEST if last is None else seal_digest(last),
        "sealed_at": recorded,
        "ranges": ranges,
        "tree_size": end,
        "root": tree_root([entry.leaf for entry in entries[:end]]),
        "verdicts": [] if last is None else _verdicts(last, entries),
        "checkpoint": "",
    }
    signer = _sealer_before(world, start)
    sealed.seals.append(signed_seal(seal, sealed.origin, signer))


def _verdicts(last: Seal, entries: Sequence[SealedVerdict]) -> list[VerdictRange]:
    return [
        verdict_range(
            seal_no=last["seal_no"],
            source=placed.source,
            entries=entries[placed.position : placed.position + placed.count],
        )
        for placed in placed_ranges(last)
    ]


def _groups(world: World) -> list[tuple[list[Range], list[Sent]]]:
    """Records that one seal can cover: one time, sources in order, each in one piece."""
    groups: list[tuple[list[Range], list[Sent]]] = []
    for sent in world.records:
        verdict = sent.verdict
        ordinal = verdict.ordinal
        ranges, records = groups[-1] if groups else ([], [])
        same_time = bool(records) and (
            records[-1].verdict.recorded_at == verdict.recorded_at
        )
        if same_time and ranges[-1]["source"] == sent.source:
            ranges[-1]["to"] = ordinal + 1
        elif same_time and _rank(ranges[-1]["source"]) < _rank(sent.source):
            ranges.append({"source": sent.source, "from": ordinal, "to": ordinal + 1})
        else:
            new: Range = {"source": sent.source, "from": ordinal, "to": ordinal + 1}
            records = []
            groups.append(([new], records))
        records.append(sent)
    return groups


def _rank(source: str) -> int:
    return -1 if source == "registry" else int(source.removeprefix("events-"))


def _sealer_before(world: World, position: int) -> SoftwareSigner:
    """The key in force before a seal's own ranges; at first the founding one."""
    terms = world.registry.sealer_keys
    in_force = [term for term in terms if term.since < position] or [terms[0]]
    return world.signer_of(in_force[-1].key.key_id)


def _about_ledger_keys(world: World, sent: Sent) -> bool:
    event = sent.verdict.event
    if event is None or sent.code != ACCEPTED or event["chain"] != "registry":
        return False
    kind, _, name = event["subject"].partition(":")
    key = world.registry.key(bytes.fromhex(name)) if kind == "key" else None
    return kind == "ledger" or (key is not None and key.purpose in ("root", "seal"))
