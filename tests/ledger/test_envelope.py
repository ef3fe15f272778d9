from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import envelope
from ledger.codec import EVENT_1, RECORD_1, Schema, encode
from ledger.envelope import open_record
from ledger.events import Event, Signature
from ledger.refusals import Refusal
from tests import deviants, strategies
from tests.sample_events import (
    HOLDER_REF,
    LICENSE_ID,
    AllOn,
    record_bytes,
    sample_event,
    sample_signatures,
)

SWITCHES = AllOn()


class OnlyOn:
    """Switches on the given schemas and no others."""

    def __init__(self, *schemas: Schema) -> None:
        self._on = {schema.fingerprint: schema for schema in schemas}

    def schema_on(self, fingerprint: bytes) -> Schema | None:
        return self._on.get(fingerprint)


def judged(data: bytes) -> str:
    """The refusal code of checks 1 to 3, or "opened"; nothing else may come out."""
    try:
        open_record(data, SWITCHES)
    except Refusal as refusal:
        return refusal.code
    return "opened"


@pytest.mark.parametrize("name", deviants.DEVIANTS)
def test_deviant_record_is_refused(name: str) -> None:
    data, code = deviants.DEVIANTS[name]
    assert judged(data) == code


@pytest.mark.parametrize("name", deviants.BOUNDARIES)
def test_record_at_the_edge_of_the_format_opens(name: str) -> None:
    data = deviants.BOUNDARIES[name]
    assert encode(RECORD_1, open_record(data, SWITCHES).record) == data


@given(given_=strategies.event_and_signatures())
def test_every_good_event_opens_as_itself(
    given_: tuple[Event, list[Signature]],
) -> None:
    event, signatures = given_
    body = envelope.encode_event(event)
    data = encode(RECORD_1, {"body": body, "signatures": signatures})
    opened = open_record(data, SWITCHES)
    assert opened.event == event
    assert opened.record == {"body": body, "signatures": signatures}
    assert opened.digest == hashlib.new("sm3", EVENT_CONTEXT + body).digest()
    assert opened.leaf == hashlib.new("sm3", b"\0" + data).digest()


EVENT_CONTEXT = b"license-ledger/event/v1\0"


def test_origin_is_the_start_of_sm3_of_the_founding_body() -> None:
    assert envelope.origin_of(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e2"


@pytest.mark.parametrize(
    ("chain", "subject", "route"),
    [
        ("license", LICENSE_ID, LICENSE_ID),
        ("dispute", f"{LICENSE_ID}/12", LICENSE_ID),
        ("dispute", f"{HOLDER_REF}/12", HOLDER_REF),
        ("holder", HOLDER_REF, HOLDER_REF),
    ],
)
def test_disputes_go_where_their_license_goes(
    chain: str, subject: str, route: str
) -> None:
    assert envelope.route_of(chain, subject) == route  # type: ignore[arg-type]


def test_partition_is_the_start_of_sm3_of_the_route() -> None:
    # SM3("abc") starts with 66c7f0f4 (GB/T 32905-2016 annex A).
    for partitions in (1, 2, 12, 64):
        assert envelope.partition_of("abc", partitions) == 0x66C7F0F4 % partitions


def test_outer_schema_that_is_off_is_unknown() -> None:
    with pytest.raises(Refusal) as caught:
        open_record(record_bytes(), OnlyOn(EVENT_1))
    assert caught.value.code == "unknown_schema"


def test_inner_schema_that_is_off_is_unknown() -> None:
    with pytest.raises(Refusal) as caught:
        open_record(record_bytes(), OnlyOn(RECORD_1))
    assert caught.value.code == "unknown_schema"


def test_broken_record_of_an_unknown_schema_is_unknown_schema() -> None:
    """Check 2 comes before check 3."""
    data = record_bytes() + b"\0"
    with pytest.raises(Refusal) as caught:
        open_record(data, OnlyOn())
    assert caught.value.code == "unknown_schema"


def test_oversized_record_of_an_unknown_schema_is_malformed() -> None:
    """Check 1 comes before check 2."""
    with pytest.raises(Refusal) as caught:
        open_record(record_bytes() + bytes(60_000), OnlyOn())
    assert caught.value.code == "malformed"


def test_record_broken_outside_hides_a_body_of_an_unknown_schema() -> None:
    data = deviants.DEVIANTS["body that is a record"][0] + b"\0"
    assert judged(data) == "malformed"


def test_refusal_tells_no_value_of_the_record() -> None:
    for data, _ in deviants.DEVIANTS.values():
        with pytest.raises(Refusal) as caught:
            open_record(data, SWITCHES)
        assert "2022000000000001" not in caught.value.detail
        assert "secret" not in caught.value.detail


def test_record_cut_at_any_byte_is_malformed() -> None:
    data = record_bytes()
    assert {judged(data[:end]) for end in range(len(data))} == {"malformed"}


def test_flipped_bit_is_refused_or_changes_the_leaf() -> None:
    data = record_bytes()
    leaf = open_record(data, SWITCHES).leaf
    for at in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        code = judged(bytes(flipped))
        if code == "opened":
            assert open_record(bytes(flipped), SWITCHES).leaf != leaf
        else:
            assert code in ("malformed", "unknown_schema")


@given(junk=st.binary(max_size=300))
def test_any_bytes_behind_a_good_header_get_a_verdict(junk: bytes) -> None:
    assert judged(junk) in ("malformed", "unknown_schema")
    assert judged(RECORD_1.header + junk) in ("malformed", "unknown_schema")
    record = {"body": EVENT_1.header + junk, "signatures": sample_signatures()}
    assert judged(encode(RECORD_1, record)) == "malformed"  # type: ignore[arg-type]


@given(
    seed=st.integers(min_value=0, max_value=2**32 - 1),
    changes=st.integers(min_value=1, max_value=20),
)
def test_any_mutation_of_a_good_record_gets_a_verdict(seed: int, changes: int) -> None:
    source = random.Random(seed)
    body = bytearray(envelope.encode_event(sample_event()))
    for _ in range(changes):
        at = source.randrange(10, len(body))
        match source.randrange(4):
            case 0:
                body[at] = source.randrange(256)
            case 1:
                del body[at : at + source.randrange(1, 9)]
            case 2:
                body[at:at] = source.randbytes(source.randrange(1, 9))
            case _:
                body[at:at] = b"\xff" * source.randrange(1, 12)
        if len(body) < 12:
            body += bytes(12)
    record = {"body": bytes(body), "signatures": sample_signatures()}
    code = judged(encode(RECORD_1, record))  # type: ignore[arg-type]
    assert code in ("malformed", "opened")


HOSTILE = """
import json, resource, sys
from ledger.envelope import open_record
from ledger.refusals import Refusal
from tests import deviants, hostile
from tests.sample_events import AllOn
switches = AllOn()
def judge(data):
    try:
        open_record(data, switches)
    except Refusal as refusal:
        return refusal.code
    return "opened"
judge(deviants.BOUNDARIES["60,000 bytes"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
codes = {name: judge(data) for name, data in hostile.corpus()}
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"codes": codes, "grown_kib": after - before}))
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="peak memory in KiB is Linux's unit"
)
def test_hostile_corpus_gets_a_verdict_each_within_fifty_megabytes() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    result = json.loads(done.stdout)
    assert len(result["codes"]) > 100
    assert set(result["codes"].values()) == {"malformed", "unknown_schema"}
    assert result["grown_kib"] < 50 * 1024
