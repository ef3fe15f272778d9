"""Every cell of the lifecycle table, against a second copy typed from the rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.catalogue import LicenseType
from ledger.license import State
from ledger.lifecycle import ACTS, TRANSITIONS, table_markdown
from tests.builders_lifecycle import (
    PERMISSIVE,
    STRICT,
    Chain,
    date,
    issued,
)

HEADER = "NONE VALID SUSP PAUS EXP REVD ANND WDRN CANC MRGD VOID"
STATES = tuple(HEADER.split())
NO = "illegal_transition"

# no: refused. same: nothing but bookkeeping. next: a new version in the same state.
# A state: shown afterwards. lifts: the restriction goes. again: folded again.
TYPED: dict[str, str] = {
    "BASELINE": "VALID no no no no no no no no no no",
    "ISSUE": "VALID no no no no no no no no no no",
    "CHANGE": "no next next(1) next(1) no no no no no no no",
    "RENEW": "no next next(1) next(1) VALID(2) no no no no no no",
    "REPLACE": "no next no no VALID(3) no no no no no no",
    "REISSUE": "no next no no no no no no no no no",
    "DOWNGRADE": "no next next next no no no no no no no",
    "SUSPEND": "no SUSP SUSP SUSP same(5) no no no no no no",
    "PAUSE": "no PAUS no PAUS no no no no no no no",
    "RESUME": "no lifts(11) lifts lifts lifts(11) no no no no no no",
    "REVOKE": "no REVD REVD REVD same(5) no no no same(5) no no",
    "ANNUL": "no ANND ANND ANND ANND ANND no no no no no",
    "WITHDRAW": "no WDRN WDRN WDRN no no no no no no no",
    "CANCEL": "no CANC CANC CANC CANC CANC CANC CANC no no no",
    "CORRECT": "no next next next next next next next next no no",
    "RESTORE": "no again again again again again again again again again again",
    "MARK": "no same same same same same same same same no no",
    "ANNOTATE": "no same same same same same same same same no no",
    "ARCHIVE": "no same same same same same same same same no no",
    "LINK": "no MRGD MRGD MRGD MRGD MRGD MRGD MRGD MRGD no no",
    "TRANSFER_OUT": "no CANC no no no no no no no no no",
    "TRANSFER_IN": "VALID no no no no no no no no no no",
    "VOID_VERSION": "no next next next next next next next next no no",
}
CELLS = [
    (act, state, outcome)
    for act, row in TYPED.items()
    for state, outcome in zip(STATES, row.split(), strict=True)
]
DAY = 50
GIVEN: dict[str, dict[str, Any]] = {
    "RENEW": {"valid_until": date(1000)},
    "REPLACE": {"valid_until": date(1000)},
    "RESUME": {"names": 1},
    "CORRECT": {"names": 0, "address": "乙"},
    "MARK": {"mark": "lost"},
    "LINK": {"continues_as": "another chain"},
    "VOID_VERSION": {"version": 1, "address": "乙"},
}


def _restricted(kind: LicenseType, act: str = "SUSPEND", **fields: Any) -> Chain:
    return issued(kind, **fields).given(act, 5)


REACHED: dict[str, Callable[[LicenseType], Chain]] = {
    "NONE": Chain,
    "VALID": lambda k: issued(k).given("SUSPEND", 5, term_until=date(10)),
    "SUSP": lambda k: _restricted(k),
    "PAUS": lambda k: _restricted(k, "PAUSE"),
    "EXP": lambda k: issued(k, valid_until=date(20)).given(
        "SUSPEND", 5, term_until=date(10)
    ),
    "REVD": lambda k: _restricted(k).given("REVOKE", 10),
    "ANND": lambda k: _restricted(k).given("ANNUL", 10),
    "WDRN": lambda k: _restricted(k).given("WITHDRAW", 10),
    "CANC": lambda k: _restricted(k).given("CANCEL", 10),
    "MRGD": lambda k: _restricted(k).given("LINK", 10, continues_as="another"),
    "VOID": lambda k: _restricted(k).given("VOID_VERSION", 10, version=1),
}


def _given(act: str, state: str) -> dict[str, Any]:
    if act == "RESTORE":
        return {"names": 2 if state == "MRGD" else 1}
    return GIVEN.get(act, {})


@pytest.mark.parametrize("state", STATES)
def test_each_setting_shows_the_state_it_is_for(state: str) -> None:
    chain = REACHED[state](PERMISSIVE)
    assert ("NONE" if chain.license is None else chain.shown(DAY)) == state


@pytest.mark.parametrize(("act", "state", "outcome"), CELLS)
def test_each_act_at_each_state_does_what_the_table_says(
    act: str, state: str, outcome: str
) -> None:
    chain = REACHED[state](PERMISSIVE)
    word, _, note = outcome.partition("(")
    given = _given(act, state)
    if word == "no":
        _expect_refusal(chain, act, state, given)
        return
    before = chain.license
    chain.when(act, DAY, **given)
    now = chain.now
    version = before.version if before else 0
    made = ACTS[act].makes_version == "always" or act == "VOID_VERSION"
    assert now.version == version + made
    assert ("penalty_recorded" in now.flags) == (note == "5)")
    if word in ("same", "next"):
        assert chain.shown(DAY) == state
    elif word == "lifts":
        assert now.restrictions == ()
        assert chain.shown(DAY) == ("EXP" if state == "EXP" else "VALID")
    elif word != "again":
        assert chain.shown(DAY) == word


def _expect_refusal(chain: Chain, act: str, state: str, given: dict[str, Any]) -> None:
    names = given.get("names")
    if state == "MRGD":
        assert chain.refuses("merged", act, DAY, **given) == "goes on as another"
    elif state == "NONE" and names is not None:
        chain.refuses("unknown_target", act, DAY, **(given | {"names": None}))
    else:
        chain.refuses(NO, act, DAY, **given)


STRICT_REFUSES = {"(1)": NO, "(2)": NO, "(3)": "out_of_grace"}


@pytest.mark.parametrize(
    ("act", "state", "note"),
    [(a, s, o[-3:]) for a, s, o in CELLS if o[-3:] in STRICT_REFUSES],
)
def test_a_strict_type_refuses_what_its_switches_do_not_allow(
    act: str, state: str, note: str
) -> None:
    chain = REACHED[state](STRICT)
    chain.refuses(STRICT_REFUSES[note], act, DAY, **_given(act, state))


def test_the_table_knows_every_act_and_every_state() -> None:
    assert set(TRANSITIONS) == set(ACTS) == set(TYPED)
    assert all(set(row) == set(State) for row in TRANSITIONS.values())


def test_the_document_is_the_one_that_the_table_writes() -> None:
    path = Path(__file__).parents[2] / "docs" / "lifecycle.md"
    assert path.read_text(encoding="utf-8") == table_markdown()
