"""What lies on disk, and which wrapping key opens it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from ledger.errors import Malformed, Unavailable, Unknown, Untrusted
from ledger.key_wrapping import Wrapping
from ledger.log import key_store as key_store_module
from ledger.log.key_store import KeyRequest, KeyStore
from tests.ledger.log.key_stores import (
    LICENSE,
    LONG_S,
    OTHER,
    PERSON,
    WRAPPING_KEY,
    Stores,
    connection_of,
    created,
    issue_one,
    store_on,
)

NEW_KEY = bytes(range(16))

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


def test_no_file_of_the_key_store_holds_a_code_a_license_or_a_secret_in_clear(
    stores: Stores, store: KeyStore, ref: bytes
) -> None:
    issue_one(store, ref)
    issue_one(store, ref, OTHER)
    rows = store._rows()
    held = rows.look_up([(ref, LICENSE), (ref, OTHER)]).held
    store.destroy([(ref, OTHER)])
    needles = [PERSON[1].encode(), LICENSE.encode(), OTHER.encode(), *held.values()]
    needles += [rows._pepper, *(needle.hex().encode() for needle in needles)]

    allowed = stores.connection.execute(
        "SELECT pg_has_role('pg_read_server_files', 'USAGE')"
    ).fetchone()
    if allowed != (True,):
        pytest.skip("the test role may not read the server's files")
    stores.connection.execute("CHECKPOINT")
    files = stores.connection.execute("""
        SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class
        WHERE relnamespace = 'keys'::regnamespace AND relkind IN ('r', 'i')
    """).fetchall()
    everything = b"".join(content for (content,) in files)
    assert len(files) == 8
    assert ref in everything
    assert [needle for needle in needles if needle in everything] == []


def test_what_is_shown_of_keys_is_not_the_keys(store: KeyStore, ref: bytes) -> None:
    (issued,) = store.issue([KeyRequest(license_id=LICENSE, holder_refs=(ref,))])
    assert repr(issued) == f"IssuedKeys(event_id={issued.event_id!r})"
    found = store._rows().look_up([(ref, LICENSE)])
    assert repr(found) == "Found(destroyed=[], strange=[])"


def test_values_changed_on_disk_are_untrusted(
    stores: Stores, store: KeyStore, ref: bytes
) -> None:
    event_id = issue_one(store, ref)
    store.destroy([(ref, OTHER)])
    stores.connection.execute("""
        UPDATE keys.holder SET holder = set_byte(holder, 30, get_byte(holder, 30) # 1)
    """)
    stores.connection.execute("""
        UPDATE keys.secret SET secret = set_byte(secret, 30, get_byte(secret, 30) # 1),
            destroyed = set_byte(destroyed, 30, get_byte(destroyed, 30) # 1)
    """)
    with pytest.raises(Untrusted, match=r"keys\.holder\.holder"):
        store.holder_of(ref)
    with pytest.raises(Untrusted, match=r"keys\.secret\.secret"):
        store.event_key(ref, LICENSE, event_id)
    with pytest.raises(Untrusted, match=r"keys\.secret\.destroyed"):
        list(store.destroyed_pairs())


def test_secrets_swapped_between_rows_are_untrusted(
    stores: Stores, store: KeyStore, ref: bytes
) -> None:
    event_id = issue_one(store, ref)
    issue_one(store, ref, OTHER)
    stores.connection.execute("""
        UPDATE keys.secret SET secret = other.secret
        FROM keys.secret AS other WHERE other.tag <> secret.tag
    """)
    with pytest.raises(Untrusted):
        store.event_key(ref, LICENSE, event_id)


def test_creating_again_changes_nothing(
    stores: Stores, store: KeyStore, ref: bytes
) -> None:
    before = stores.rows()
    again = stores.unconfirmed()
    again.create()
    assert stores.rows() == before
    assert again.find_ref(*PERSON) == ref


def test_stores_created_at_once_are_one_store(stores: Stores) -> None:
    stores.connection.execute("DROP SCHEMA keys CASCADE")
    rivals = [stores.unconfirmed() for _ in range(3)]
    start = Barrier(3)

    def create(store: KeyStore) -> bytes:
        start.wait(LONG_S)
        store.create()
        return store.holder_ref(*PERSON)

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(create, rivals))) == 1


@pytest.mark.parametrize("wrapping_key", [bytes(32), WRAPPING_KEY[:16]])
def test_a_wrong_wrapping_key_is_malformed_in_one_clear_line(
    stores: Stores, wrapping_key: bytes
) -> None:
    store = stores.unconfirmed(wrapping_key)
    for opening in (
        store.create,
        lambda: store.confirm([]),
        lambda: store.holder_ref(*PERSON),
    ):
        with pytest.raises(Malformed) as caught:
            opening()
        assert str(caught.value) == (
            "wrong wrapping key; expected the key that this key store was last wrapped "
            "by; found one that does not open it"
        )


def test_a_database_without_key_store_is_unknown(stores: Stores) -> None:
    store = stores.unconfirmed()
    stores.connection.execute("TRUNCATE keys.store")
    with pytest.raises(Unknown, match="no key store"):
        store.confirm([])
    stores.connection.execute("DROP SCHEMA keys CASCADE")
    with pytest.raises(Unknown, match="no ledger"):
        store.confirm([])


def test_a_store_whose_database_left_is_unavailable(store: KeyStore) -> None:
    connection_of(store).close()
    with pytest.raises(Unavailable):
        store.holder_ref(*PERSON)


def test_a_connection_that_opens_transactions_by_itself_is_malformed(
    dsn: str,
) -> None:
    with (
        psycopg.connect(dsn) as connection,
        pytest.raises(Malformed, match="opens transactions"),
    ):
        store_on(connection)


def test_after_a_rewrap_everything_opens_by_the_new_key_and_nothing_by_the_old(
    stores: Stores,
    store: KeyStore,
    ref: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_store_module, "BATCH_MAX", 2)
    issued = {name: issue_one(store, ref, name) for name in (LICENSE, OTHER, "a", "b")}
    keys = {name: store.event_key(ref, name, one) for name, one in issued.items()}
    store.destroy([(ref, "c"), (ref, "d"), (ref, "e")])
    old_rows = stores.rows()
    store.rewrap(NEW_KEY)

    for reader in (store, stores.open(NEW_KEY)):
        assert reader.holder_of(ref) == PERSON
        assert reader.holder_ref(*PERSON) == ref
        assert set(reader.destroyed_pairs()) == {(ref, "c"), (ref, "d"), (ref, "e")}
        for name, one in issued.items():
            assert reader.event_key(ref, name, one) == keys[name]
    with pytest.raises(Malformed, match="wrong wrapping key"):
        stores.open(WRAPPING_KEY)

    old = {value for rows in old_rows.values() for row in rows for value in row[1:]}
    new = {value for rows in stores.rows().values() for row in rows for value in row}
    wrapped = {value for value in old if isinstance(value, bytes) and len(value) > 32}
    assert wrapped
    assert wrapped.isdisjoint(new)
    stores.put_back(old_rows)
    with pytest.raises(Malformed, match="wrong wrapping key"):
        stores.open(NEW_KEY)


def test_a_rewrap_that_fails_leaves_the_old_key_in_force(
    store: KeyStore, stores: Stores, ref: bytes
) -> None:
    event_id = issue_one(store, ref)
    stores.connection.execute("""
        INSERT INTO keys.secret (tag, secret) VALUES ('\\xff', '\\x00')
    """)
    before = stores.rows()
    with pytest.raises(Untrusted):
        store.rewrap(NEW_KEY)
    assert stores.rows() == before
    for reader in (store, stores.open()):
        assert len(reader.event_key(ref, LICENSE, event_id)) == 32


def test_a_store_left_open_over_a_rewrap_neither_reads_nor_writes(
    stores: Stores, store: KeyStore, ref: bytes
) -> None:
    event_id = issue_one(store, ref)
    stale = stores.open()
    store.rewrap(NEW_KEY)
    before = stores.rows()
    for call in (
        lambda: stale.holder_ref("099", "new"),
        lambda: stale.holder_of(ref),
        lambda: issue_one(stale, ref),
        lambda: issue_one(stale, ref, OTHER),
        lambda: stale.event_key(ref, LICENSE, event_id),
        lambda: stale.destroy([(ref, OTHER)]),
        lambda: stale.rewrap(bytes(16)),
    ):
        with pytest.raises(Unavailable, match="wrapped anew"):
            call()
    assert stores.rows() == before


def test_a_write_that_waited_for_a_rewrap_leaves_nothing_wrapped_by_the_old_key(
    stores: Stores, store: KeyStore, ref: bytes
) -> None:
    waiting_store = stores.open()
    new = Wrapping(NEW_KEY, secrets.token_bytes)
    with ThreadPoolExecutor(1) as pool:
        with store._tables.exclusive():
            store._rows().rewrap(new, limit=10)
            waiting = pool.submit(issue_one, waiting_store, ref)
            stores.await_blocked(waiting_store)
        with pytest.raises(Unavailable, match="wrapped anew"):
            waiting.result(LONG_S)
    assert stores.rows()["secret"] == []


@pytest.mark.parametrize("key", [WRAPPING_KEY, bytes(8)])
def test_a_rewrap_by_the_same_or_a_bad_key_is_malformed(
    store: KeyStore, key: bytes
) -> None:
    with pytest.raises(Malformed):
        store.rewrap(key)
