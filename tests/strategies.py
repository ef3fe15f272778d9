"""Hypothesis strategies for whole events, records and values inside the value domain."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ledger.events import Event, Record, Signature, Value
from ledger.merkle import all_paths, leaf_hash
from ledger.value_domain import TIME_END, TIME_MIN

UPPER = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
LONGS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
TIMES = st.integers(min_value=TIME_MIN, max_value=TIME_END - 1)
DIGESTS = st.binary(min_size=32, max_size=32)

# No control characters; surrogates have no UTF-8.
CHARACTERS = st.characters(exclude_categories=("Cc", "Cs"))


def texts(size_max: int = 40) -> st.SearchStrategy[str]:
    """Clean text, long and in many scripts."""
    return st.text(CHARACTERS, max_size=size_max)


IDENTIFIERS = texts(50)
LICENSE_IDS = st.builds(
    "1.2.156.3005.2.{}{}.{}.{}".format,
    st.text(UPPER, min_size=18, max_size=18),
    st.text(DIGITS, min_size=3, max_size=3),
    st.text(UPPER, min_size=18, max_size=18),
    st.text(UPPER, min_size=1, max_size=32),
)
REFS = DIGESTS.map(bytes.hex)
SUBJECTS = {
    "license": LICENSE_IDS,
    "dispute": st.builds(
        "{}/{}".format, LICENSE_IDS | REFS, st.text(DIGITS, min_size=1, max_size=9)
    ),
    "registry": st.builds("key:{}".format, REFS) | st.just("ledger:"),
    "holder": REFS,
}
CELLS = st.fixed_dictionaries(
    {"name": IDENTIFIERS, "value": st.none() | texts() | LONGS | st.booleans()}
)
ROWS = st.fixed_dictionaries({"cells": st.lists(CELLS, max_size=4)})
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    texts(),
    LONGS,
    st.booleans(),
    st.binary(max_size=80),
    st.fixed_dictionaries({"strings": st.lists(texts(), max_size=5)}),
    st.fixed_dictionaries({"rows": st.lists(ROWS, max_size=3)}),
)
DECISIONS = st.fixed_dictionaries(
    {
        "number": texts(),
        "date": texts(),
        "reason_code": IDENTIFIERS,
        "document": texts(),
        "reason": st.binary(max_size=80),
    }
)
MATTERS = st.fixed_dictionaries(
    {
        "item_code": IDENTIFIERS,
        "case_number": texts(),
        "source_system": texts(),
        "source_ref": texts(),
        "operator": texts(),
        "reviewer": texts(),
        "approver": texts(),
        "assurance": texts(),
    }
)
HOLDERS = st.fixed_dictionaries(
    {"kind": IDENTIFIERS, "ref": DIGESTS, "code": IDENTIFIERS}
)
FILES = st.fixed_dictionaries({"digest": DIGESTS, "seal_check": texts()})
FLAGS = st.fixed_dictionaries(
    {
        "source_act": IDENTIFIERS,
        "missing": st.fixed_dictionaries({"strings": st.lists(texts(), max_size=3)}),
        "nonstandard": st.booleans(),
    }
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event that the checks on one record alone let pass."""
    chain = draw(st.sampled_from(sorted(SUBJECTS)))
    sequence = draw(st.just(1) | st.integers(min_value=1, max_value=2**63 - 1))
    signed_at = draw(TIMES)
    precision = draw(st.sampled_from(["instant", "day", "month", "year", "unknown"]))
    key_ids = draw(st.lists(DIGESTS, min_size=1, max_size=8, unique=True).map(sorted))
    decision: Any = draw(st.none() | DECISIONS)
    if decision is not None and chain == "registry":
        decision["reason"] = b""
    values: dict[str, Value] = draw(st.dictionaries(IDENTIFIERS, VALUES, max_size=6))
    event: dict[str, Any] = {
        "event_id": draw(st.binary(min_size=16, max_size=16)),
        "origin": draw(st.binary(min_size=16, max_size=16)),
        "chain": chain,
        "subject": draw(SUBJECTS[chain]),
        "sequence": sequence,
        "previous": bytes(32) if sequence == 1 else draw(DIGESTS.filter(any)),
        "act": draw(IDENTIFIERS),
        "type_version": draw(st.integers(min_value=0, max_value=2**31 - 1)),
        "effective_at": signed_at if precision == "unknown" else draw(TIMES),
        "effective_precision": precision,
        "signed_at": signed_at,
        "authority": draw(IDENTIFIERS),
        "deciding_authority": draw(IDENTIFIERS),
        "decision": decision,
        "matter": draw(MATTERS),
        "channel": draw(texts()),
        "medium": draw(st.sampled_from(["none", "paper", "electronic", "both"])),
        "paper_serial": draw(texts()),
        "holders": draw(st.lists(HOLDERS, max_size=3)),
        "signers": [
            {
                "key_id": key_id,
                "role": draw(st.sampled_from([1, 2, 3])),
                "algorithm": 1,
            }
            for key_id in key_ids
        ],
        "fields": [
            {"name": name, "value": value} for name, value in sorted(values.items())
        ],
        "causes": draw(st.lists(DIGESTS, max_size=3)),
        "file": draw(st.none() | FILES),
        "flags": draw(st.none() | FLAGS),
    }
    return event  # type: ignore[return-value]


@st.composite
def signatures(draw: st.DrawFn) -> Signature:
    """A single signature, or one with a place in a batch of up to 70."""
    value = draw(st.binary(min_size=64, max_size=64))
    if draw(st.booleans()):
        return {"value": value, "batch": None}
    count = draw(st.integers(min_value=1, max_value=70))
    index = draw(st.integers(min_value=0, max_value=count - 1))
    path = all_paths([leaf_hash(bytes([n])) for n in range(count)])[index]
    batch_id = draw(st.binary(min_size=16, max_size=16))
    return {
        "value": value,
        "batch": {
            "batch_id": batch_id,
            "count": count,
            "index": index,
            "path": list(path),
        },
    }


@st.composite
def event_and_signatures(draw: st.DrawFn) -> tuple[Event, list[Signature]]:
    """An event and one signature for each of its signers (of nobody's key)."""
    event = draw(events())
    count = len(event["signers"])
    return event, draw(st.lists(signatures(), min_size=count, max_size=count))


def record_of(body: bytes, given: list[Signature]) -> Record:
    """A record as the codec takes it."""
    return {"body": body, "signatures": given}
