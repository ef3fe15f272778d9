"""From which day to which a value held: late, corrected, restored and stayed acts."""

from __future__ import annotations

from typing import Any

from ledger.facts import Act
from ledger.license import License
from ledger.lifecycle import ACTS
from ledger.periods import EVER, periods
from tests.builders_lifecycle import (
    DAY0,
    HOLDER,
    OTHER_HOLDER,
    Chain,
    issued,
    us,
)


def addresses(chain: Chain, known: int = EVER) -> list[tuple[int, int | None, Any]]:
    """Periods of the address in test days."""

    def shows(then: License) -> Any:
        face = then.face.get("address")
        return None if face is None else face.value

    def concerns(act: Act) -> bool:
        return "address" in act.fields or act.act == "RESTORE"

    found = periods(
        chain.acts, types=chain.types, shows=shows, concerns=concerns, known_at=known
    )
    return [
        (
            one.from_day - DAY0,
            None if one.until_day is None else one.until_day - DAY0,
            one.value,
        )
        for one in found
    ]


def test_a_change_ends_the_value_before_it() -> None:
    chain = issued(address="a").when("CHANGE", 10, address="b")
    assert addresses(chain) == [(0, 10, "a"), (10, None, "b")]


def test_a_late_act_stands_in_its_place_and_was_not_known_before() -> None:
    chain = issued(address="a").when("CHANGE", 10, address="c")
    chain.when("CHANGE", 5, address="b", recorded=20)
    assert addresses(chain) == [(0, 5, "a"), (5, 10, "b"), (10, None, "c")]
    assert addresses(chain, us(19)) == [(0, 10, "a"), (10, None, "c")]


def test_a_correction_holds_since_the_act_that_it_corrects() -> None:
    chain = issued(address="wrong").when("CHANGE", 10, address="b")
    chain.when("CORRECT", 20, names=0, address="a")
    assert addresses(chain) == [(0, 10, "a"), (10, None, "b")]
    assert addresses(chain, us(19))[0] == (0, 10, "wrong")


def test_a_correction_of_a_field_that_its_act_left_alone_begins_on_its_day() -> None:
    chain = issued(address="a").when("RENEW", 10)
    chain.when("CORRECT", 20, names=1, address="b")
    assert addresses(chain) == [(0, 10, "a"), (10, None, "b")]


def test_what_a_restore_took_out_never_held() -> None:
    chain = issued(address="a").when("CHANGE", 10, address="b")
    chain.when("RESTORE", 20, names=1)
    assert addresses(chain) == [(0, None, "a")]
    assert addresses(chain, us(19)) == [(0, 10, "a"), (10, None, "b")]


def test_a_stay_takes_an_act_out_from_its_own_day() -> None:
    chain = issued(address="a").when("CHANGE", 10, address="b")
    chain.when("MARK", 20, names=1, mark="stayed")
    assert addresses(chain) == [(0, 10, "a"), (10, 20, "b"), (20, None, "a")]


def test_an_emptied_field_holds_nothing() -> None:
    chain = issued(address="a").when("CHANGE", 10, address=None)
    assert addresses(chain) == [(0, 10, "a"), (10, None, None)]


def test_nothing_is_told_before_anything_was_recorded() -> None:
    assert addresses(issued(address="a"), us(-1)) == []


def test_an_act_older_than_its_stock_opening_begins_with_it() -> None:
    chain = Chain().given("BASELINE", 10, address="a")
    chain.when("CHANGE", 5, address="b", recorded=20)
    assert addresses(chain) == [(10, None, "b")]


def test_holders_have_their_periods_too() -> None:
    chain = issued().when("CHANGE", 10, holders=(OTHER_HOLDER,))

    def concerns(act: Act) -> bool:
        return ACTS[act.act].may_change_holders

    found = periods(
        chain.acts,
        types=chain.types,
        shows=lambda then: then.holders,
        concerns=concerns,
    )
    assert [(one.from_day - DAY0, one.value) for one in found] == [
        (0, (HOLDER,)),
        (10, (OTHER_HOLDER,)),
    ]
