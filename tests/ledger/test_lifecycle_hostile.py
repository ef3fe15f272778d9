"""Whatever an act carries, check 12 ends in a verdict, and the license can be stored."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ledger.license import License
from ledger.lifecycle import ACTS
from ledger.refusals import Refusal
from tests.builders_lifecycle import Chain, issued

NAMES = sorted({name for rule in ACTS.values() for name in rule.reserved} | {"name"})
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(["", "2024-02-30", "2024-02-03", "VALID", "stayed", "001", "²"]),
    st.text(max_size=5),
    st.just("9" * 2_000),
    st.binary(max_size=4),
    st.just({"strings": ["a"]}),
    st.just({"rows": []}),
)
ODD_FIELDS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)


@given(
    tries=st.lists(
        st.tuples(st.sampled_from(sorted(ACTS)), st.integers(-9, 40), ODD_FIELDS),
        min_size=1,
        max_size=4,
    ),
    stock=st.booleans(),
)
def test_odd_values_get_a_verdict(
    tries: list[tuple[str, int, dict[str, object]]], stock: bool
) -> None:
    chain = Chain() if stock else issued()
    for act, day, fields in tries:
        draft = chain.draft(act, day, names=0 if chain.acts else None)
        draft = msgspec.structs.replace(draft, fields={**draft.fields, **fields})
        with suppress(Refusal):
            chain.attempt(draft, recorded=40)
        if chain.license is not None:
            stored = msgspec.msgpack.encode(chain.license)
            assert msgspec.msgpack.decode(stored, type=License) == chain.license
