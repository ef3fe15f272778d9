"""The issuing directory against a count of every license by itself, on many days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from ledger.license import State
from ledger.license_identifiers import parse_license_id
from ledger.lifecycle import shown_state
from ledger.lifecycle_step import TRANSFERRED
from ledger.workdays import legal_day
from projections.issuing_directory import _GROUPS, MOVED, DirectoryRow, directory
from projections.states import fold_on, types_of
from tests.projections.archived import MOVING_CODE
from tests.projections.sealed import SealedLedger, history
from tests.sample_province import CITY, FIELDS, OTHER_CITY, TODAY, TYPE_CODE

pytestmark = pytest.mark.postgres
FIRST = legal_day(TODAY)
Key = tuple[str, str, str]


@pytest.fixture
def ledger(dsn: str) -> Iterator[SealedLedger]:
    world = history(5)
    subject = world.license_id("D1")
    issued = world.issue("D1", fields={**FIELDS, "area": "210102"})
    world.act(
        "CORRECT",
        subject,
        causes=(issued.verdict.digest,),
        fields={"area": "210103"},
    )
    world.issue("D2", fields={**FIELDS, "area": "210102"})
    made = SealedLedger(dsn, world)
    made.seal_each(8)
    made.settle()
    yield made
    made.close()


def counted(ledger: SealedLedger, day: int) -> dict[Key, tuple[Counter[str], ...]]:
    """By issuer, type, area: licenses by opening and by state, each folded by itself."""
    found: dict[Key, tuple[Counter[str], ...]] = {}
    for (_, subject), chain in ledger.world.chains.items():
        named = parse_license_id(subject)
        types = types_of(ledger.world.registry, subject)
        then = fold_on(day, chain.acts, types)
        if then is None:
            continue
        state = shown_state(then, day).value
        if (state, then.after) == (State.CANC, TRANSFERRED):
            state = MOVED
        key = (named.issuer, named.type_code, then.area)
        opened, states = found.setdefault(key, (Counter(), Counter()))
        opened[then.opening] += 1
        states[state] += 1
    return found


def rows(ledger: SealedLedger, day: int, **asked: str) -> list[DirectoryRow]:
    registry = ledger.world.registry
    return directory(ledger.conn, as_of_day=day, registry=registry, **asked)


def test_the_directory_counts_every_license_as_it_was(ledger: SealedLedger) -> None:
    for days in (-40, -30, -29, -5, -3, -2, 0, 1, 5, 6, 100, 3000):
        found = {
            (row.issuer, row.type_code, row.area): (row.opened, row.states)
            for row in rows(ledger, FIRST + days)
        }
        assert found == counted(ledger, FIRST + days), days


def test_a_corrected_area_moves_its_license_and_leaves_nothing(
    ledger: SealedLedger,
) -> None:
    found = {row.area: row.licenses for row in rows(ledger, FIRST, type_code=TYPE_CODE)}
    assert (found["210102"], found["210103"]) == (1, 1)


def test_a_transfer_is_told_on_both_sides(ledger: SealedLedger) -> None:
    old, new = rows(ledger, FIRST, type_code=MOVING_CODE)
    assert (old.issuer, old.states) == (CITY, {MOVED: 1})
    assert (new.issuer, new.opened, new.states) == (
        *(OTHER_CITY, {"TRANSFER_IN": 1}, {"VALID": 1}),
    )
    assert rows(ledger, FIRST, issuer=OTHER_CITY) == [new]
    assert rows(ledger, FIRST, issuer="nobody") == []


def test_first_and_last_day_are_those_of_opening_acts(ledger: SealedLedger) -> None:
    [row] = [r for r in rows(ledger, FIRST + 9, type_code=TYPE_CODE) if not r.area]
    assert (row.first_day, row.last_day) == (FIRST - 30, FIRST + 5)
    [early] = [r for r in rows(ledger, FIRST - 20, type_code=TYPE_CODE) if not r.area]
    assert (early.first_day, early.last_day) == (FIRST - 30, FIRST - 30)


def test_counting_a_settled_day_reads_an_index_alone(ledger: SealedLedger) -> None:
    """A face is ten times as wide as what the directory asks of a license."""
    ledger.conn.execute("VACUUM ANALYZE license")
    for way in ("seqscan", "bitmapscan"):
        ledger.conn.execute(f"SET enable_{way} = off".encode())
    asked = {"day": FIRST + 9, "issuer": CITY, "type": None}
    plan = ledger.conn.execute("EXPLAIN " + _GROUPS, asked).fetchall()
    assert any("Index Only Scan using license_directory" in row[0] for row in plan)
