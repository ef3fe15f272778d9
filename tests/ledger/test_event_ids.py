from __future__ import annotations

import secrets
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed
from ledger.event_ids import draw_event_ids


@given(st.integers(0, (2**48 - 1) * 1000 + 999), st.binary(min_size=10, max_size=10))
def test_an_event_id_is_a_version_7_uuid_of_its_millisecond(
    now_us: int, chance: bytes
) -> None:
    (drawn,) = draw_event_ids(1, now_us=now_us, random_bytes=lambda _: chance)
    read = uuid.UUID(bytes=drawn)
    assert read.version == 7
    assert read.variant == uuid.RFC_4122
    assert int.from_bytes(drawn[:6], "big") == now_us // 1000
    assert drawn[9:] == chance[3:]


def test_the_example_of_rfc_9562_appendix_a_6_comes_out() -> None:
    # rand_a CC3, rand_b 18C4DC0C0C07398F, time 2022-02-22 19:22:22 UTC.
    chance = bytes.fromhex("0cc318c4dc0c0c07398f")
    (drawn,) = draw_event_ids(
        1, now_us=0x017F22E279B0 * 1000, random_bytes=lambda _: chance
    )
    assert str(uuid.UUID(bytes=drawn)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_ids_of_one_instant_differ() -> None:
    drawn = draw_event_ids(1000, now_us=1, random_bytes=secrets.token_bytes)
    assert len(set(drawn)) == 1000


@pytest.mark.parametrize("now_us", [-1, 2**48 * 1000])
def test_a_time_that_no_uuid_can_hold_is_malformed(now_us: int) -> None:
    with pytest.raises(Malformed, match="UUIDv7"):
        draw_event_ids(1, now_us=now_us, random_bytes=secrets.token_bytes)
