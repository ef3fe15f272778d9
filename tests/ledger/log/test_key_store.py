"""Who a holder_ref is, and what issued keys are, on a real PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from ledger.encryption import event_key
from ledger.errors import Malformed, Unavailable, Unknown
from ledger.log import key_store as key_store_module
from ledger.log.key_store import KeyRequest, KeyStore
from tests.ledger.log.key_stores import (
    EVENT_ID,
    LICENSE,
    LONG_S,
    NOW_US,
    OTHER,
    PERSON,
    Stores,
    connection_of,
    created,
    issue_one,
)

pytestmark = pytest.mark.postgres


@pytest.fixture
def stores(dsn: str) -> Iterator[Stores]:
    with created(dsn) as stores:
        yield stores


@pytest.fixture
def store(stores: Stores) -> KeyStore:
    return stores.open()


@pytest.fixture
def ref(store: KeyStore) -> bytes:
    return store.holder_ref(*PERSON)


def test_a_holder_keeps_one_ref_however_the_code_is_spelt(
    stores: Stores, store: KeyStore
) -> None:
    ref = store.holder_ref("111", "11010519491231002X")
    assert len(ref) == 32
    assert stores.open().holder_ref("111", " 11010519491231002x ") == ref
    assert store.holder_ref("414", "11010519491231002X") != ref
    assert store.holder_of(ref) == ("111", "11010519491231002X")


def test_refs_come_in_the_order_asked_repeats_included(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_store_module, "BATCH_MAX", 3)
    holders = [("099", f"account {n % 7}") for n in range(20)]
    refs = store.holder_refs(holders)
    assert [store.holder_of(ref) for ref in refs] == holders
    assert len(set(refs)) == 7
    assert store.holder_refs([]) == []


def test_looking_for_a_ref_assigns_nothing(store: KeyStore) -> None:
    assert store.find_ref(*PERSON) is None
    assert store.find_ref(*PERSON) is None
    ref = store.holder_ref(*PERSON)
    assert store.find_ref(*PERSON) == ref


def test_one_bad_code_in_a_batch_assigns_nothing(store: KeyStore) -> None:
    with pytest.raises(Malformed):
        store.holder_refs([PERSON, ("099", " ")])
    assert store.find_ref(*PERSON) is None


def test_two_stores_assigning_the_same_holders_agree(stores: Stores) -> None:
    holders = [("099", f"account {n}") for n in range(400)]
    rivals, start = (stores.open(), stores.open()), Barrier(2)

    def assign(store: KeyStore, asked: list[tuple[str, str]]) -> dict[Any, bytes]:
        start.wait(LONG_S)
        return dict(zip(asked, store.holder_refs(asked), strict=True))

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(assign, rivals[0], holders)
        two = pool.submit(assign, rivals[1], holders[::-1])
        assert one.result(LONG_S) == two.result(LONG_S)


def test_a_holder_assigned_while_another_store_waits_gets_one_ref(
    stores: Stores,
) -> None:
    first, second = stores.open(), stores.open()
    with ThreadPoolExecutor(1) as pool:
        with connection_of(first).transaction():
            ref = first.holder_ref(*PERSON)
            waiting = pool.submit(second.holder_ref, *PERSON)
            stores.await_blocked(second)
        assert waiting.result(LONG_S) == ref


def test_rivals_with_the_same_holders_in_other_orders_never_wait_in_a_circle(
    stores: Stores,
) -> None:
    one, two, three = (("099", name) for name in ("one", "two", "three"))
    first, second, third = stores.open(), stores.open(), stores.open()
    with ThreadPoolExecutor(2) as pool:
        with connection_of(first).transaction():
            first.holder_ref(*two)
            up = pool.submit(second.holder_refs, [one, two, three])
            stores.await_blocked(second)
            down = pool.submit(third.holder_refs, [three, two, one])
            stores.await_blocked(third)
        assert up.result(LONG_S) == down.result(LONG_S)[::-1]


def test_a_forgotten_holder_is_unknown_and_comes_back_as_another(
    store: KeyStore, ref: bytes
) -> None:
    event_id = issue_one(store, ref)
    store.forget_holder(ref)
    store.forget_holder(ref)
    with pytest.raises(Unknown, match="nobody is known"):
        store.holder_of(ref)
    assert store.find_ref(*PERSON) is None
    assert store.holder_ref(*PERSON) != ref
    # The licenses live on until their own keys are destroyed; new ones do not begin.
    assert len(store.event_key(ref, LICENSE, event_id)) == 32
    assert issue_one(store, ref) != event_id
    with pytest.raises(Unknown, match="knows nobody"):
        issue_one(store, ref, OTHER)


def test_issued_keys_are_those_that_readers_get_later(
    store: KeyStore, stores: Stores
) -> None:
    refs = tuple(store.holder_refs([("099", f"account {n}") for n in range(3)]))
    requests = [
        KeyRequest(license_id=LICENSE, holder_refs=refs),
        KeyRequest(license_id=OTHER, holder_refs=refs[1:]),
        KeyRequest(license_id="", holder_refs=(refs[2], refs[0])),
        KeyRequest(license_id=LICENSE, holder_refs=()),
    ]
    issued = store.issue(requests)
    asked = [
        (ref, request.license_id, keys.event_id)
        for request, keys in zip(requests, issued, strict=True)
        for ref in request.holder_refs
    ]
    given_out = [key for keys in issued for key in keys.event_keys]
    reader = stores.open()
    assert reader.event_keys(asked) == given_out
    assert [reader.event_key(*one) for one in asked] == given_out
    assert len(set(given_out)) == 7
    assert [len(keys.event_keys) for keys in issued] == [3, 2, 2, 0]


def test_an_event_key_is_derived_from_the_pairs_one_secret(
    store: KeyStore, ref: bytes
) -> None:
    first, second = issue_one(store, ref), issue_one(store, ref)
    secret = store._rows().look_up([(ref, LICENSE)]).held[ref, LICENSE]
    assert store.event_key(ref, LICENSE, first) == event_key(secret, first)
    assert store.event_key(ref, LICENSE, second) == event_key(secret, second)


def test_event_ids_are_version_7_and_never_repeat(store: KeyStore, ref: bytes) -> None:
    request = KeyRequest(license_id=LICENSE, holder_refs=(ref,))
    ids = [keys.event_id for keys in store.issue([request] * 50)]
    assert len(set(ids)) == 50
    assert {uuid.UUID(bytes=one).version for one in ids} == {7}
    assert {int.from_bytes(one[:6], "big") for one in ids} == {NOW_US // 1000}


def test_keys_of_many_batches_come_in_order(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_store_module, "BATCH_MAX", 4)
    refs = store.holder_refs([("099", f"account {n}") for n in range(11)])
    requests = [KeyRequest(license_id=LICENSE, holder_refs=(ref,)) for ref in refs]
    issued = store.issue(requests)
    for ref, keys in zip(refs, issued, strict=True):
        opened = store.event_key(ref, LICENSE, keys.event_id)
        assert keys.event_keys == (opened,)


def test_a_key_that_never_was_is_unknown(store: KeyStore, ref: bytes) -> None:
    with pytest.raises(Unknown, match="holds no key"):
        store.event_key(ref, LICENSE, EVENT_ID)
    event_id = issue_one(store, ref)
    asked = [(ref, OTHER, event_id), (ref, LICENSE, event_id)]
    assert store.event_keys(asked) == [None, store.event_key(ref, LICENSE, event_id)]


def test_a_ref_of_another_store_gets_no_secret(store: KeyStore) -> None:
    with pytest.raises(Unknown, match="knows nobody"):
        issue_one(store, bytes(32))


def test_nothing_is_issued_or_opened_before_the_destructions_were_confirmed(
    stores: Stores, ref: bytes
) -> None:
    store = stores.unconfirmed()
    for opening in (
        lambda: issue_one(store, ref),
        lambda: store.event_key(ref, LICENSE, EVENT_ID),
        lambda: store.event_keys([]),
    ):
        with pytest.raises(Unavailable, match="opens nothing yet"):
            opening()
    assert store.holder_of(ref) == PERSON


def test_two_stores_issuing_for_the_same_pairs_share_their_secrets(
    stores: Stores, store: KeyStore
) -> None:
    refs = store.holder_refs([("099", f"account {n}") for n in range(300)])
    rivals, start = (stores.open(), stores.open()), Barrier(2)

    def issue(issuer: KeyStore, order: list[bytes]) -> list[tuple[bytes, Any]]:
        start.wait(LONG_S)
        asked = [KeyRequest(license_id=LICENSE, holder_refs=(ref,)) for ref in order]
        return list(zip(order, issuer.issue(asked), strict=True))

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(issue, rivals[0], refs)
        two = pool.submit(issue, rivals[1], refs[::-1])
        issued = one.result(LONG_S) + two.result(LONG_S)
    opened = store.event_keys([(ref, LICENSE, keys.event_id) for ref, keys in issued])
    assert opened == [keys.event_keys[0] for _, keys in issued]
