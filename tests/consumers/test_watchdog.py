"""The watchdog: lag without progress, for long enough, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from consumers.watchdog import Stall, Watchdog

S = 60.0


def looks(
    *given: tuple[float, Mapping[str, int], Mapping[str, int]],
) -> list[Stall | None]:
    dog = Watchdog(stall_after_s=S)
    return [dog.look(reached, lambda end=end: end, now) for now, reached, end in given]  # type: ignore[misc]


def test_lag_without_progress_is_unhealthy_after_the_time_given() -> None:
    reached, end = {"a": 3, "b": 7}, {"a": 5, "b": 7}
    found = looks(*((now, reached, end) for now in (0.0, 1.0, 60.9, 61.0)))
    assert found == [None, None, None, Stall(since=1.0, behind={"a": 2})]


def test_any_progress_is_enough() -> None:
    end = {"a": 100, "b": 100}
    steps = [(40.0 * n, {"a": 3, "b": n}, end) for n in range(20)]
    assert looks(*steps) == [None] * 20


def test_without_lag_nothing_has_to_move() -> None:
    assert looks(*((100.0 * n, {"a": 3}, {"a": 3}) for n in range(9))) == [None] * 9


def test_what_comes_after_a_long_rest_has_all_the_time() -> None:
    rest = [(100.0 * n, {"a": 3}, {"a": 3}) for n in range(9)]
    assert looks(*rest, (801.0, {"a": 3}, {"a": 4}), (860.0, {"a": 3}, {"a": 9})) == (
        [None] * 11
    )


@pytest.mark.parametrize("again", [{"a": 3}, {"a": 1}])
def test_lag_that_was_made_up_begins_anew(again: dict[str, int]) -> None:
    first = [(0.0, {"a": 2}, {"a": 3}), (1.0, {"a": 2}, {"a": 3})]
    found = looks(*first, (50.0, again, {"a": 3}), (62.0, again, {"a": 4}))
    assert found == [None] * 4


def test_growing_lag_is_no_progress() -> None:
    found = looks(*((30.0 * n, {"a": 1}, {"a": 5 + n}) for n in range(4)))
    assert found[:3] == [None] * 3
    assert found[3] == Stall(since=30.0, behind={"a": 7})


def test_a_source_that_nothing_is_known_of_counts_from_the_start() -> None:
    found = looks(*((61.0 * n, {}, {"a": 2}) for n in range(3)))
    assert found == [None, None, Stall(since=61.0, behind={"a": 2})]


def test_the_work_of_others_is_forgotten() -> None:
    dog = Watchdog(stall_after_s=S)
    for now in (0.0, 1.0):
        assert dog.look({"a": 1}, lambda: {"a": 2}, now) is None
    dog.rest()
    for now in (100.0, 101.0, 160.0):
        assert dog.look({"a": 1}, lambda: {"a": 2}, now) is None
    assert dog.look({"a": 1}, lambda: {"a": 2}, 161.0) is not None


def test_ends_are_asked_only_when_nothing_moved() -> None:
    dog, asked = Watchdog(stall_after_s=S), []

    def ends() -> dict[str, int]:
        asked.append(1)
        return {}

    for n in range(5):
        dog.look({"a": n}, ends, float(n))
    assert asked == []
    dog.look({"a": 4}, ends, 9.0)
    assert asked == [1]
