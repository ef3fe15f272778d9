"""The table fold against an event-sourced aggregate written from the same prose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.catalogue import LicenseType
from ledger.fold import fold
from ledger.refusals import Refusal
from tests import oracle_lifecycle as oracle
from tests.builders_lifecycle import DAY0, FIELDS, PERMISSIVE, STRICT, Chain, date
from tests.oracle_moves import Move, Switches

# How often each act is tried: mostly those that leave the license alive.
ACTS = [
    *(act for act in ("CHANGE", "SUSPEND", "RESUME", "RESUME") for _ in range(4)),
    *(act for act in ("RENEW", "REPLACE", "PAUSE", "CORRECT") for _ in range(2)),
    *(act for act in ("RESTORE", "MARK") for _ in range(3)),
    *("REISSUE", "DOWNGRADE", "REVOKE", "ANNUL", "WITHDRAW", "CANCEL", "ANNOTATE"),
    *("ARCHIVE", "LINK", "TRANSFER_OUT", "VOID_VERSION", "ISSUE"),
]
FREE_FIELDS = ("name", "address")
TYPES: dict[str, LicenseType] = {
    "permissive": PERMISSIVE,
    "strict": STRICT,
    "on application": replace(STRICT, resume_on_application=True, grace_days=15),
}
_maybe_day = st.none() | st.none() | st.integers(0, 120)


@st.composite
def _moves(draw: st.DrawFn, *, latest: int) -> list[Move]:
    """A history: an opening, then moves mostly in order, up to ``latest`` days late."""
    day = 30
    moves = [_opening(draw, day)]
    for number in range(1, draw(st.integers(1, 12)) + 1):
        day += draw(st.sampled_from((0, 1, 5, 20)))
        early = draw(
            st.sampled_from((0, 0, 5, latest // 2, latest)) if latest else st.just(0)
        )
        own = max(0, day - early)
        moves.append(_move(draw, own, number))
    return moves


def _opening(draw: st.DrawFn, day: int) -> Move:
    act = draw(st.sampled_from(("ISSUE", "ISSUE", "BASELINE", "TRANSFER_IN")))
    told = ""
    if act == "BASELINE":
        told = draw(
            st.sampled_from(("", "VALID", "SUSP", "PAUS", "EXP", "REVD", "CANC"))
        )
    return Move(
        act,
        day,
        sets=(("name", "甲"),),
        has_until=True,
        until=draw(st.integers(20, 90)) if told == "EXP" else draw(_maybe_day),
        term_until=draw(_maybe_day) if told in ("SUSP", "PAUS") else None,
        told=told,
    )


def _move(draw: st.DrawFn, day: int, number: int) -> Move:
    act = draw(st.sampled_from(ACTS))
    given: dict[str, Any] = {}
    if act in oracle.FACE and act != "VOID_VERSION":
        given["sets"] = _sets(draw)
        if draw(st.booleans()) or act == "RENEW":
            given.update(has_until=True, until=draw(_maybe_day))
    if act in ("SUSPEND", "PAUSE"):
        given["term_until"] = draw(_maybe_day)
    elif act in ("RESUME", "CORRECT", "RESTORE"):
        given["names"] = draw(st.integers(0, number - 1))
    elif act == "ANNUL":
        given["effect_from"] = draw(st.none() | st.integers(0, day))
    elif act == "MARK":
        given.update(mark=draw(st.sampled_from(("lost", "renewal_pending", "stayed"))))
        given.update(on=draw(st.sampled_from((True, True, False))))
        given.update(mark_day=draw(_maybe_day))
        if given["mark"] == "stayed":
            given["names"] = draw(st.integers(0, number - 1))
    elif act == "VOID_VERSION":
        given.update(void=draw(st.integers(1, number)), replaces=draw(st.booleans()))
        given["sets"] = (("address", "作废"),) if given["replaces"] else ()
    given["backfill"] = draw(st.sampled_from((False, False, True)))
    return Move(act, day, **given)


def _sets(draw: st.DrawFn) -> tuple[tuple[str, str | None], ...]:
    values = st.dictionaries(
        st.just("address"), st.sampled_from(("乙", "丙", None)), max_size=1
    )
    return tuple(draw(values).items())


def _play(moves: list[Move], kind: LicenseType) -> tuple[list[str], list[str]]:
    """Offers every move to both, compares the license after each; gives both's verdicts."""
    found: list[str] = []
    wanted: list[str] = []
    chain = Chain(kind)
    twin = oracle.Chain(
        Switches(
            late_renewal=kind.late_renewal,
            grace_days=kind.grace_days,
            while_restricted=kind.while_restricted,
            on_application=kind.resume_on_application,
        )
    )
    clock = 0
    for move in moves:
        clock = max(clock, move.day)
        move = _fitted(move, twin)
        expected = twin.offer(move, clock)
        found.append(_offer(chain, move, clock))
        wanted.append(expected)
        if found[-1] != expected:
            break
        if not expected:
            _compare(chain, twin, clock)
    return found, wanted


def _fitted(move: Move, twin: oracle.Chain) -> Move:
    """Names an accepted act; a replacement belongs to the current version only."""
    open_ = [n for n, one in enumerate(twin.moves) if one.act in ("SUSPEND", "PAUSE")]
    if move.act == "RESUME" and move.names is not None and open_:
        return replace(move, names=open_[move.names % len(open_)])
    if move.names is not None and twin.moves:
        move = replace(move, names=move.names % len(twin.moves))
    if move.act == "VOID_VERSION" and move.replaces:
        return replace(move, void=max(twin.version, 1))
    return move


def _offer(chain: Chain, move: Move, clock: int) -> str:
    names = move.names
    if names is not None and names >= len(chain.acts):
        names = None
    draft = chain.draft(
        move.act, move.day, names=names, _backfill=move.backfill, **_fields(move)
    )
    try:
        chain.attempt(draft, recorded=clock)
    except Refusal as refusal:
        return refusal.code
    return ""


def _fields(move: Move) -> dict[str, Any]:
    days = {
        "term_until": move.term_until,
        "effect_from": move.effect_from,
        "mark_date": move.mark_day,
    }
    fields: dict[str, Any] = dict(move.sets)
    fields.update({name: date(day) for name, day in days.items() if day is not None})
    if move.has_until:
        fields["valid_until"] = _date(move.until)
    if move.mark:
        fields.update(mark=move.mark, mark_on=move.on)
    if move.told:
        fields["state"] = move.told
    if move.void:
        fields["version"] = move.void
    if move.act == "LINK":
        fields["continues_as"] = "another"
    return fields


def _date(day: int | None) -> str | None:
    return None if day is None else date(day)


def _compare(chain: Chain, twin: oracle.Chain, clock: int) -> None:
    now, replay = chain.now, twin.replayed
    assert replay is not None
    then = replay.license
    for day in (clock, clock + 3, 60, 91, 500):
        if day >= clock:
            assert chain.shown(day) == then.state(day)
    assert now.version == twin.version
    assert chain.face() == oracle.shown_face(then, FREE_FIELDS)
    until = then.shows("until")
    assert now.valid_until == (None if until is None else DAY0 + until)
    assert (now.terminal, now.after) == (then.end, then.after)
    assert now.renewal_pending == then.pending
    assert {one.position for one in now.restrictions} == {
        chain.acts[number].position for number in then.open
    }
    assert set(now.flags) - {"late", "stayed"} == then.flags
    positions = [act.position for act in chain.acts]
    assert now.overtaken == tuple(sorted(positions[n] for n in replay.denied))
    assert now.late == tuple(positions[n] for n in sorted(twin.late()))
    assert fold(chain.acts, chain.types) == now
    assert chain.at(1_000) == now


@given(moves=_moves(latest=0), kind=st.sampled_from(sorted(TYPES)))
def test_table_and_aggregate_agree_on_histories_in_order(
    moves: list[Move], kind: str
) -> None:
    found, wanted = _play(moves, TYPES[kind])
    assert found == wanted


@settings(max_examples=max(100, settings().max_examples))
@given(moves=_moves(latest=40), kind=st.sampled_from(sorted(TYPES)))
def test_table_and_aggregate_agree_on_histories_with_late_acts(
    moves: list[Move], kind: str
) -> None:
    found, wanted = _play(moves, TYPES[kind])
    assert found == wanted


def test_the_generated_histories_use_fields_of_the_type() -> None:
    assert set(FREE_FIELDS) <= set(FIELDS)
