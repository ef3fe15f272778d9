"""One value changed anywhere in what a ledger stores: the audit says no, and where.

Every column of every table is changed in turn, so a new column needs no new test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from ledger.log.offset_gaps import Gap
from ledger.sources import SEALS
from replay.findings import Check
from tests.replay.audited import AuditedLedger, small_history

pytestmark = pytest.mark.postgres

# Constraints of the database itself keep these as they are.
UNCHANGEABLE = {"head.head.one"}
NAMED_BY = {
    "head": {Check.HEAD, Check.TILES, Check.SEAL_BYTES},
    "views": {Check.TABLES},
}
COLUMNS = """
SELECT table_name, column_name, udt_name FROM information_schema.columns
WHERE table_schema = %s ORDER BY table_name, ordinal_position
"""
# What changes a value of each type a little; integers stay clear of other rows' keys.
HALF = "octet_length({0}) / 2"
CHANGES = {
    "bytea": f"set_byte({{0}}, {HALF}, get_byte({{0}}, {HALF}) # 1)",
    "int4": "{0} - 1000000",
    "int8": "{0} - 1000000",
    "text": "'~' || substr({0}, 2)",
    "bool": "NOT {0}",
    "_text": "{0} || '{{x}}'",
    "jsonb": "jsonb_build_array({0})",
}
# What stands in for a null, or for bytes of which there are none.
FILLED = {
    "bytea": "'\\x00'",
    "int4": "1",
    "int8": "1",
    "text": "'~'",
    "bool": "true",
    "_text": "'{{x}}'",
    "jsonb": "'[]'",
}
CHANGE = sql.SQL("""
UPDATE {table} SET {column} = CASE WHEN {empty} THEN {filled} ELSE {changed} END
WHERE ctid = (SELECT ctid FROM {table} ORDER BY {column} IS NULL, ctid DESC LIMIT 1)
""")


@pytest.fixture
def ledger(dsn: str, tmp_path: Path) -> Iterator[AuditedLedger]:
    made = AuditedLedger(dsn, tmp_path, small_history())
    made.fill()
    made.mark("events-0", Gap(1, 2_000_001))
    assert made.failures() == {}
    yield made
    assert made.failures() == {}
    made.close()


@contextmanager
def restored(ledger: AuditedLedger, schema: str, table: str) -> Iterator[None]:
    """Puts all rows of a table back at the end."""
    name = sql.Identifier(schema, table)
    ledger.conn.execute(sql.SQL("CREATE TABLE kept AS TABLE {}").format(name))
    try:
        yield
    finally:
        with ledger.conn.transaction():
            ledger.conn.execute(sql.SQL("DELETE FROM {}").format(name))
            ledger.conn.execute(sql.SQL("INSERT INTO {} TABLE kept").format(name))
            ledger.conn.execute("DROP TABLE kept")


def change(
    ledger: AuditedLedger, schema: str, table: str, column: str, kind: str
) -> bool:
    """Changes one value, not a null if there is one; False where that cannot be."""
    name = sql.Identifier(column)
    nothing = "{} = ''" if kind == "bytea" else "false"
    statement = CHANGE.format(
        table=sql.Identifier(schema, table),
        column=name,
        empty=sql.SQL("({} IS NULL OR " + nothing + ")").format(name, name),
        filled=sql.SQL(FILLED[kind]).format(),
        changed=sql.SQL(CHANGES[kind]).format(name),
    )
    try:
        return ledger.conn.execute(statement).rowcount == 1
    except psycopg.IntegrityError:
        return False


@pytest.mark.parametrize("schema", ["head", "views"])
def test_every_changed_value_is_found_and_named(
    ledger: AuditedLedger, schema: str
) -> None:
    columns = ledger.conn.execute(COLUMNS, (schema,)).fetchall()
    assert len(columns) > 20
    for table, column, kind in columns:
        place = f"{schema}.{table}"
        if f"{place}.{column}" in UNCHANGEABLE:
            assert not change(ledger, schema, table, column, kind)
            continue
        with restored(ledger, schema, table):
            assert change(ledger, schema, table, column, kind), (place, column)
            failures = ledger.failures()
        assert failures, (place, column)
        assert failures.keys() <= NAMED_BY[schema], (place, column, failures)
        assert all(what.startswith(place) for what in failures.values()), failures


@pytest.mark.parametrize("schema", ["head", "views"])
def test_lost_rows_are_found_and_named(ledger: AuditedLedger, schema: str) -> None:
    tables = {row[0] for row in ledger.conn.execute(COLUMNS, (schema,))}
    for table in sorted(tables):
        place, name = f"{schema}.{table}", sql.Identifier(schema, table)
        for statement in (
            "DELETE FROM {0}",
            "DELETE FROM {0} WHERE ctid = (SELECT max(ctid) FROM {0})",
        ):
            with restored(ledger, schema, table):
                ledger.conn.execute(sql.SQL(statement).format(name))
                failures = ledger.failures()
            assert failures, (place, statement)
            assert any(what.startswith(place) for what in failures.values()), failures


def flip(ledger: AuditedLedger, source: str, ordinal: int, at: int) -> bytes:
    """Changes one bit of a stored record; gives the record as it was."""
    [data] = ledger.log.read(source, ordinal, limit=1, size_max=1)
    write(ledger, source, ordinal, data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])
    return data


def write(ledger: AuditedLedger, source: str, ordinal: int, data: bytes) -> None:
    ledger.conn.execute(
        "UPDATE log.record SET data = %s WHERE source = %s AND ordinal = %s",
        (data, source, ordinal),
    )


def test_a_flipped_bit_of_any_record_is_found_and_named(ledger: AuditedLedger) -> None:
    for source, end in ledger.log.ends().items():
        for ordinal in range(0, end, 1 if end < 10 else 4):
            [data] = ledger.log.read(source, ordinal, limit=1, size_max=1)
            at = (0, len(data) // 2, len(data) - 1)[ordinal % 3]
            flip(ledger, source, ordinal, at)
            failures = ledger.failures()
            write(ledger, source, ordinal, data)
            place = f"{source}, record {ordinal}"
            if (source, ordinal) == ("registry", 0):
                assert failures.keys() == {Check.LOG}
                assert failures[Check.LOG].startswith(place)
            elif source == SEALS:
                assert failures.keys() == {Check.SEALS}
                assert failures[Check.SEALS].startswith(f"{place}: seal {ordinal} ")
            else:
                assert min(failures) == Check.ROOTS, (place, failures)
                assert failures[Check.ROOTS].startswith(f"{place} (position ")


def test_the_license_of_a_changed_record_is_named(ledger: AuditedLedger) -> None:
    sent = ledger.world.issue("L1")
    ledger.append([sent])
    ledger.settle()
    ordinal = ledger.end_of(sent.source) - 1
    flip(ledger, sent.source, ordinal, len(sent.data) - 20)
    failures = ledger.failures()
    write(ledger, sent.source, ordinal, sent.data)
    place = (
        f"{sent.source}, record {ordinal} (position {sent.verdict.position}), "
        f"license {ledger.world.license_id('L1')}: "
    )
    assert failures.keys() == {Check.ROOTS, Check.RECORDS, Check.TABLES}
    assert failures[Check.ROOTS].startswith(place + "is not the record")
    assert failures[Check.RECORDS].startswith(
        place + "bad_signature (check 10), sealed as accepted in seal "
    )
    assert failures[Check.TABLES].startswith("views.audit_trail, position ")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log.record SET source = '~' WHERE source = %s AND ordinal = %s",
        "UPDATE log.record SET ordinal = ordinal + 1000000 "
        "WHERE source = %s AND ordinal = %s",
        "DELETE FROM log.record WHERE source = %s AND ordinal = %s",
    ],
)
def test_a_record_that_is_gone_is_found_and_named(
    ledger: AuditedLedger, statement: LiteralString
) -> None:
    for source, end in ledger.log.ends().items():
        # The middle one leaves a hole, the last one a shorter source.
        for ordinal in {end // 2, end - 1}:
            with restored(ledger, "log", "record"):
                ledger.conn.execute(statement, (source, ordinal))
                failures = ledger.failures()
            assert Check.LOG in failures
            assert any(f"{source}, record {ordinal}" in f for f in failures.values()), (
                source,
                ordinal,
                failures,
            )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log.source SET name = '~' WHERE name = %s",
        "UPDATE log.source SET next = next - 1 WHERE name = %s",
        "UPDATE log.source SET next = next + 1000000 WHERE name = %s",
        "DELETE FROM log.source WHERE name = %s",
    ],
)
def test_what_a_source_counts_is_compared(
    ledger: AuditedLedger, statement: LiteralString
) -> None:
    for source in ledger.log.ends():
        with restored(ledger, "log", "source"):
            ledger.conn.execute(statement, (source,))
            failures = ledger.failures()
        assert failures.keys() == {Check.LOG}, (source, failures)
        assert failures[Check.LOG].startswith(source)


def test_a_changed_line_of_the_journal_is_found_and_named(
    ledger: AuditedLedger,
) -> None:
    kept = ledger.journal.read_bytes()
    lines = kept.splitlines(keepends=True)
    assert len(lines) > 3
    for number, line in enumerate(lines):
        for at in range(0, len(line) - 1, 97):
            changed = line[:at] + bytes((line[at] ^ 1,)) + line[at + 1 :]
            ledger.journal.write_bytes(
                b"".join([*lines[:number], changed, *lines[number + 1 :]])
            )
            failures = ledger.failures()
            assert failures.keys() == {Check.CHECKPOINTS}, (number, at, failures)
            assert failures[Check.CHECKPOINTS].startswith("checkpoint journal, ")
    ledger.journal.write_bytes(kept)
