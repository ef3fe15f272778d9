"""The archives' rows against a fold from scratch, in any portions and any interleaving."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from ledger.admission import Admission, Verdict
from ledger.chain import ChainState
from ledger.facts import Act
from ledger.license import License
from ledger.lifecycle import ACTS, fold
from ledger.refusals import Refusal
from ledger.registry import Registry
from projections import field_history, holder_archive, license
from projections.digest import digests
from projections.field_history import HOLDERS, TERMS, shown_in
from projections.migrate import migrate
from tests.builders import World, province
from tests.builders_lifecycle import HOLDER, LICENSE_ID, OTHER_HOLDER, Chain, date
from tests.projections.archived import add_archived
from tests.projections.made import make_event, refused

THIRD_HOLDER = ("111", bytes([2]) * 32, "")
_PEOPLE = (HOLDER, OTHER_HOLDER, THIRD_HOLDER)
_HOLDERS = st.lists(st.sampled_from(_PEOPLE), min_size=1, max_size=3, unique=True)
_VALUES = st.sampled_from(["甲", "乙", "丙"])
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": _VALUES,
        "address": _VALUES | st.none(),
        "valid_until": st.sampled_from([None, date(90), date(400)]),
        "area": st.sampled_from(["210100", "210200"]),
    },
)
_MOVES = st.tuples(
    st.sampled_from(
        [
            "CHANGE",
            "CHANGE",
            "CHANGE",
            "RENEW",
            "CORRECT",
            "CORRECT",
            "RESTORE",
            "SUSPEND",
            "REVOKE",
            "CANCEL",
            "MARK",
            "LINK",
            "VOID_VERSION",
        ]
    ),
    st.integers(0, 60),
    _FIELDS,
    _HOLDERS.map(tuple) | st.none(),
    st.integers(0, 20),
)


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """A license on which much was tried; what was accepted is there."""
    opening = draw(st.sampled_from(["ISSUE", "BASELINE"]))
    chain = Chain()
    fields = draw(_FIELDS)
    holders = tuple(draw(_HOLDERS))
    chain.given(opening, 30, holders=holders, **({"name": "甲"} | fields))
    for act, day, given_fields, moved, number in draw(st.lists(_MOVES, max_size=9)):
        rule = ACTS[act]
        given: dict[str, Any] = {}
        if rule.face != "none":
            given = {
                n: v for n, v in given_fields.items() if v is not None or n != "name"
            }
        if rule.cause != "none" or act == "MARK":
            given["names"] = number % len(chain.acts)
        if act == "MARK":
            given["mark"] = "stayed"
        if act == "LINK":
            given["continues_as"] = "another"
        if act == "VOID_VERSION":
            given["version"] = chain.now.version
        if rule.may_change_holders and moved is not None:
            given["holders"] = moved
        try:
            chain.attempt(chain.draft(act, day, **given), recorded=chain.clock + 1)
        except Refusal:
            continue
    return chain


def verdicts_of(chain: Chain) -> list[Verdict]:
    """What admission would have given out."""
    found = []
    for index, (act, judged) in enumerate(zip(chain.acts, chain.judged, strict=True)):
        verdict = refused("accepted", position=act.position)
        verdict.event = make_event(LICENSE_ID, act=act.act)
        verdict.act, verdict.after = act, judged.license
        verdict.before = chain.judged[index - 1].license if index else None
        found.append(verdict)
    return found


def field_rows(chain: Chain) -> list[dict[str, Any]]:
    admission = Admission(Registry(), {("license", LICENSE_ID): ChainState(chain.acts)})
    return [
        dict(zip(field_history.TABLE.columns, row, strict=True))
        for row in field_history.rows(verdicts_of(chain), admission)
    ]


@given(chain=chains())
def test_the_rows_of_a_field_lead_from_value_to_value(chain: Chain) -> None:
    """Each prefix of the acts, folded from scratch, is what the rows so far tell."""
    rows = field_rows(chain)
    names = [*chain.kind.fields, *TERMS, HOLDERS]
    for count in range(1, len(chain.acts)):
        act = chain.acts[count]
        before, after = (fold(chain.acts[:n], chain.types) for n in (count, count + 1))
        for name in names:
            found = [
                row
                for row in rows
                if (row["field"], row["position"]) == (name, act.position)
            ]
            old, new = shown_in(before, name), shown_in(after, name)
            moved = _sayer(before, name) != _sayer(after, name)
            if old == new and not moved and not _says(act, name, before.holders):
                # At most, that it empties a field of the past is told.
                assert [row["new"] for row in found] in ([], [None])
                assert not found or name in act.fields
                continue
            [row] = found
            assert _plain(row["old"]) == old
            assert (_plain(row["new"]) if row["stands"] else old) == new
            _check_sayer(chain.acts, row, "old")
            _check_sayer(chain.acts, row, "new")


def _says(act: Act, name: str, held: Sequence[tuple[str, bytes, str]]) -> bool:
    """Whether an act carries something about a field that is not nothing."""
    if name == HOLDERS:
        return ACTS[act.act].may_change_holders and act.holders != held
    return ACTS[act.act].face != "none" and act.fields.get(name) is not None


def _sayer(folded: License, name: str) -> int | None:
    """The act whose value the face shows; of the other fields the fold does not tell."""
    return folded.face[name].position if name in folded.face else None


def _check_sayer(acts: Sequence[Act], row: dict[str, Any], which: str) -> None:
    """The act that is said to have said a value carries it."""
    position, value = row[f"{which}_position"], _plain(row[which])
    if position is None:
        return
    [act] = [one for one in acts if one.position == position]
    if row["field"] == HOLDERS:
        assert [ref.hex() for _, ref, _ in act.holders] == value
    else:
        assert act.fields[row["field"]] == value


def _plain(value: Any) -> Any:
    return None if value is None else value.obj


def test_a_row_tells_that_the_same_value_is_another_acts_now() -> None:
    """A stay takes out the CHANGE that said the name; the opening says the same one."""
    chain = Chain()
    chain.given("BASELINE", 30, name="甲")
    chain.given("CHANGE", 12, name="甲")
    chain.given("MARK", 47, mark="stayed", names=1)
    said, stayed = field_rows(chain)
    assert (said["old_position"], said["new_position"]) == (101, 102)
    assert (stayed["act"], stayed["position"]) == ("MARK", 103)
    assert _plain(stayed["old"]) == _plain(stayed["new"]) == "甲"
    assert (stayed["old_position"], stayed["new_position"]) == (102, 101)


@given(chain=chains())
def test_the_last_row_of_a_holder_is_where_the_fold_has_them(chain: Chain) -> None:
    last: dict[bytes, tuple[str, str, int | None]] = {}
    verdicts = verdicts_of(chain)
    for verdict in verdicts:
        for row in holder_archive.rows([verdict]):
            last[row[0]] = (row[3], row[4], row[5])
        assert verdict.after is not None
        found = {
            place: (kind, ref, code)
            for ref, (kind, code, place) in last.items()
            if place is not None
        }
        assert tuple(one for _, one in sorted(found.items())) == verdict.after.holders
    named = {
        entry[1]
        for act in chain.acts
        if ACTS[act.act].may_change_holders
        for entry in act.holders
    }
    assert last.keys() == named


# --- portions and interleavings -----------------------------------------------------


@pytest.fixture(scope="module")
def world() -> World:
    made = province(partitions=3)
    for number in range(4):
        made.issue(f"P{number}")
    add_archived(made)
    return made


@pytest.fixture
def tables(dsn: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        migrate(conn)
        yield conn


_WRITTEN = (*holder_archive.TABLES, *field_history.TABLES, *license.TABLES)


def _digests(
    conn: Connection[Any], world: World, batches: Sequence[Sequence[Verdict]]
) -> dict[str, bytes]:
    for table in _WRITTEN:
        conn.execute(f"TRUNCATE {table.name}".encode())
    for batch in batches:
        with conn.transaction(), conn.cursor() as cur:
            holder_archive.write(cur, batch)
            field_history.write(cur, batch, world.admission)
            license.write(cur, batch)
    return digests(conn)


@pytest.mark.postgres
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_any_interleaving_in_any_portions_gives_the_same_tables(
    tables: Connection[Any], world: World, seed: int
) -> None:
    """Partitions go on at their own pace, each in its order; batches end anywhere."""
    chance = random.Random(seed)
    verdicts = [sent.verdict for sent in world.records if sent.verdict.after]
    expected = _digests(tables, world, [[verdict] for verdict in verdicts])
    queues = [
        [verdict for verdict in verdicts if verdict.source == source]
        for source in sorted({verdict.source for verdict in verdicts})
    ]
    batches = []
    while queues:
        queue = chance.choice(queues)
        size = chance.choice([1, 2, 5, 20])
        batches.append(queue[:size])
        del queue[:size]
        queues = [one for one in queues if one]
    assert _digests(tables, world, batches) == expected
