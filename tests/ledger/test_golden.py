"""Bytes, verdicts, digests and roots that no release may ever see otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.checkpoint import open_checkpoint
from ledger.lifecycle import ACTS
from ledger.receipt import verify_receipt
from ledger.receipt_file import read_receipt
from ledger.refusals import ACCEPTED, REFUSALS
from ledger.registry_rules import SUBJECTS
from ledger.seal import decode_seal, encode_seal, seal_digest
from ledger.signing import verify
from tests import deviants
from tests.builders import World
from tests.golden import make

FORMAT: dict[str, Any] = json.loads((make.FOLDER / "format.json").read_bytes())
LOG: dict[str, Any] = json.loads((make.FOLDER / "log.json").read_bytes())


@pytest.fixture(scope="module")
def folded() -> World:
    """A fresh fold of the fixed log."""
    world = World(name=LOG["ledger"])
    for entry in LOG["records"]:
        world.now = entry["sealed_at"]
        world.admit(make.carried_bytes(entry), entry["source"])
    return world


@pytest.mark.parametrize("name", FORMAT)
def test_golden_record_is_judged_as_ever(name: str) -> None:
    entry = FORMAT[name]
    expected = {k: v for k, v in entry.items() if k not in ("hex", "zlib")}
    assert make.judged(make.carried_bytes(entry)) == expected


def test_every_deviant_has_its_golden_bytes() -> None:
    records = {name: data for name, (data, _) in deviants.DEVIANTS.items()}
    for name, data in (records | deviants.BOUNDARIES).items():
        assert make.carried_bytes(FORMAT[name]) == data, name


def test_golden_log_keeps_verdicts_and_digests(folded: World) -> None:
    for sent, entry in zip(folded.records, LOG["records"], strict=True):
        found = (sent.code, sent.verdict.leaf.hex(), sent.verdict.digest.hex())
        where = f"position {sent.verdict.position}, {entry['step']}"
        assert found == (entry["verdict"], entry["leaf"], entry["digest"]), where


def test_golden_log_keeps_its_origin_and_roots(folded: World) -> None:
    found = make.roots_of(folded)
    assert found == {name: LOG[name] for name in found}


def test_golden_log_holds_every_refusal() -> None:
    found = {entry["verdict"] for entry in LOG["records"]}
    assert found == {ACCEPTED, *REFUSALS} - {"chain_full"}


def test_golden_log_holds_every_act_and_kind_of_record(folded: World) -> None:
    accepted = [
        sent.verdict.event
        for sent in folded.records
        if sent.code == ACCEPTED and sent.verdict.event is not None
    ]
    assert {e["act"] for e in accepted if e["chain"] == "license"} == set(ACTS)
    assert {e["act"] for e in accepted if e["chain"] == "holder"} == {"DESTROY"}
    registry = {
        (e["subject"].split(":")[0], e["act"])
        for e in accepted
        if e["chain"] == "registry"
    }
    # Schemas and rules have no second one yet that could be switched on.
    assert registry == {
        (kind, act)
        for kind, subject in SUBJECTS.items()
        for act in subject.acts
        if kind not in ("schema", "rule")
    }


def test_golden_receipt_verifies() -> None:
    receipt = read_receipt((make.FOLDER / "receipt.json").read_bytes())
    proven = verify_receipt(receipt, name=f"{LOG['ledger']}/{LOG['origin']}")
    assert proven.accepted
    assert proven.event["act"] == "REVOKE"
    entry = LOG["records"][proven.position]
    assert proven.digest.hex() == entry["digest"]


def test_golden_seal_is_signed_and_keeps_its_digest(folded: World) -> None:
    data = bytes.fromhex((make.FOLDER / "seal.hex").read_text())
    seal = decode_seal(data)
    assert encode_seal(seal) == data
    checkpoint = open_checkpoint(
        seal["checkpoint"].encode(),
        origin=f"{LOG['ledger']}/{LOG['origin']}",
        public_key=folded.registry.sealer_key().public_key,
        verify=verify,
    )
    assert checkpoint.seal_digest == seal_digest(seal)
    assert checkpoint.root.hex() == LOG["root"]
    assert checkpoint.size == len(LOG["records"])
