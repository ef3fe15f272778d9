from __future__ import annotations

from typing import Any

import pytest

from ledger import publish
from ledger.envelope import event_digest, open_record, partition_of
from ledger.errors import Malformed, Unknown
from ledger.events import Event
from ledger.log.memory import MemoryLog, MemoryStore
from ledger.publish import RoleSigner
from ledger.signing import BatchSignature, BatchVerifier, tbs, verify
from ledger.sources import source_names
from tests.fixed import signer
from tests.sample_events import HOLDER_REF, LICENSE_ID, AllOn, sample_event

MAIN, JOINT = signer("main"), signer("joint")
BOTH = sorted(
    (RoleSigner(signer=MAIN), RoleSigner(signer=JOINT, role=2)),
    key=lambda one: one.signer.key_id,
)


def event_by(*signers: RoleSigner, **changes: Any) -> Event:
    return sample_event(signers=[one.entry for one in signers], **changes)


def test_signed_event_opens_and_its_signatures_hold() -> None:
    event = event_by(*BOTH)
    signed = publish.sign(event, BOTH[::-1], partitions=12)
    opened = open_record(signed.data, AllOn())
    assert opened.event == event
    assert opened.digest == signed.digest == event_digest(opened.record["body"])
    for one, signature in zip(BOTH, opened.record["signatures"], strict=True):
        message = tbs(one.role, opened.record["body"])
        assert verify(one.signer.public_key, message, signature["value"])


@pytest.mark.parametrize("count", [1, 2, 3, 8, 13])
def test_events_signed_together_each_prove_their_place(count: int) -> None:
    events = [event_by(*BOTH, sequence=number + 2) for number in range(count)]
    ids = [b"\x01" * 16, b"\x02" * 16]
    signed = publish.sign_together(events, BOTH, batch_ids=ids, partitions=12)
    assert len(signed) == count
    for event, one in zip(events, signed, strict=True):
        opened = open_record(one.data, AllOn())
        assert opened.event == event
        for role, given in zip(BOTH, opened.record["signatures"], strict=True):
            batch = given["batch"]
            assert batch is not None
            assert batch["count"] == count
            assert BatchVerifier().verify(
                public_key=role.signer.public_key,
                tbs=tbs(role.role, opened.record["body"]),
                signature=BatchSignature(
                    value=given["value"],
                    batch_id=batch["batch_id"],
                    count=batch["count"],
                    index=batch["index"],
                    path=tuple(batch["path"]),
                ),
            )


@pytest.mark.parametrize("count", [0, 4_097])
def test_batch_of_none_or_too_many_is_malformed(count: int) -> None:
    with pytest.raises(Malformed):
        publish.sign_together(
            [event_by(*BOTH)] * count, BOTH, batch_ids=[bytes(16)] * 2, partitions=12
        )


def test_batch_of_events_with_other_signers_is_malformed() -> None:
    events = [event_by(*BOTH), event_by(BOTH[0])]
    with pytest.raises(Malformed):
        publish.sign_together(events, BOTH, batch_ids=[bytes(16)] * 2, partitions=12)


@pytest.mark.parametrize(
    "signers",
    [
        [],
        BOTH[:1],
        [*BOTH, RoleSigner(signer=signer("third"))],
        [RoleSigner(signer=MAIN, role=3), RoleSigner(signer=JOINT, role=2)],
    ],
)
def test_event_that_names_other_signers_is_not_signed(
    signers: list[RoleSigner],
) -> None:
    with pytest.raises(Malformed):
        publish.sign(event_by(*BOTH), signers, partitions=12)


@pytest.mark.parametrize(
    ("chain", "subject", "route"),
    [
        ("license", LICENSE_ID, LICENSE_ID),
        ("dispute", f"{LICENSE_ID}/1", LICENSE_ID),
        ("holder", HOLDER_REF, HOLDER_REF),
    ],
)
def test_record_goes_to_the_partition_of_its_subject(
    chain: str, subject: str, route: str
) -> None:
    event = event_by(*BOTH, chain=chain, subject=subject)
    for partitions in (1, 12):
        expected = f"events-{partition_of(route, partitions)}"
        assert publish.source_of(event, partitions) == expected


def test_registry_record_goes_to_the_registry() -> None:
    event = event_by(*BOTH, chain="registry", subject="ledger:")
    assert publish.source_of(event, 12) == "registry"


def test_appended_records_are_found_where_the_answer_says() -> None:
    log = MemoryLog(MemoryStore(source_names(12)))
    subjects = [f"{LICENSE_ID[:-1]}{number}" for number in range(10)]
    signed = [
        publish.sign(event_by(*BOTH, subject=subject), BOTH, partitions=12)
        for subject in subjects * 2
    ]
    assert len({one.source for one in signed}) > 1
    for one, place in zip(signed, publish.append(log, signed), strict=True):
        assert (place.source, place.digest) == (one.source, one.digest)
        [found] = log.read(place.source, place.ordinal, limit=1, size_max=1)
        assert found == one.data


def test_record_for_a_source_that_is_not_there_is_unknown() -> None:
    log = MemoryLog(MemoryStore(["registry"]))
    signed = publish.sign(event_by(*BOTH), BOTH, partitions=12)
    with pytest.raises(Unknown):
        publish.append(log, [signed])
