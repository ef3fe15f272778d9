"""A table takes the same rows in whatever number they come."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from projections.table import Table, as_json
from tests import strategies

TABLE = Table(
    "given_rows",
    {"number": "int8", "texts": "text[]", "told": "jsonb", "raw": "bytea"},
    key=("number",),
)
TEXTS = st.lists(
    strategies.texts() | st.sampled_from(["", "NULL", "{}", '"', "\\", ",", "甲,乙"]),
    max_size=4,
)


@pytest.mark.postgres
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_=st.lists(TEXTS, min_size=9, max_size=20))
def test_many_rows_are_written_as_few_are(dsn: str, given_: list[list[str]]) -> None:
    rows = [
        (number, texts, as_json({"texts": texts}), bytes((number,)))
        for number, texts in enumerate(given_)
    ]
    with psycopg.connect(dsn) as conn, conn.cursor() as cur:
        cur.execute(
            "CREATE TEMPORARY TABLE given_rows "
            "(number int8 PRIMARY KEY, texts text[], told jsonb, raw bytea)"
        )
        TABLE.append(cur, rows)
        together = held(cur)
        cur.execute("TRUNCATE given_rows")
        for row in rows:
            TABLE.append(cur, [row])
        assert held(cur) == together
        TABLE.merge(cur, [(n, texts[::-1], told, raw) for n, texts, told, raw in rows])
        assert [texts for _, texts, _, _ in held(cur)] == [t[::-1] for t in given_]
        conn.rollback()


@pytest.mark.postgres
def test_merges_of_one_transaction_hold_no_more_locks_the_more_they_are(
    dsn: str,
) -> None:
    rows: list[tuple[Any, ...]] = [(n, [], as_json({}), b"") for n in range(20)]
    with psycopg.connect(dsn) as conn, conn.cursor() as cur:
        cur.execute(
            "CREATE TEMPORARY TABLE given_rows "
            "(number int8 PRIMARY KEY, texts text[], told jsonb, raw bytea)"
        )
        locks = []
        for _ in range(5):
            TABLE.merge(cur, rows)
            locks.append(count(cur, "pg_locks WHERE pid = pg_backend_pid()"))
        assert len(held(cur)) == len(rows)
        assert locks == locks[:1] * 5
        conn.rollback()


def count(cur: psycopg.Cursor[Any], of: LiteralString) -> int:
    found = cur.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(of)))
    (number,) = found.fetchone() or (0,)
    return int(number)


def held(cur: psycopg.Cursor[Any]) -> list[tuple[Any, ...]]:
    return cur.execute(TABLE.select("ORDER BY number")).fetchall()
