"""The check characters of ISO/IEC 7064, GB 32100, GB 11714, and ASCII alphabets.

Every alphabet is spelt out: ``str.isdigit`` and ``str.isalnum`` also accept other scripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import getitem

from ledger.errors import Malformed

DIGITS = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
UPPER_ALNUM = DIGITS + UPPER
LOWER_HEX = "0123456789abcdef"
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 characters of GB 32100-2015: no I, O, S, V, Z."""

Steps = tuple[tuple[int, ...], ...]

_VALUE = {char: value for value, char in enumerate(UPPER_ALNUM)}
_USCC_VALUE = {char: value for value, char in enumerate(USCC_ALPHABET)}
_DIGIT_VALUE = {char: value for value, char in enumerate(DIGITS)}
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def consists_of(text: str, alphabet: str) -> bool:
    """Whether ``text`` is not empty and every character of it is in ``alphabet``."""
    # strip() eats from the left for as long as it knows the character: one C loop.
    return text != "" and text.strip(alphabet) == ""


def mod_37_36_check(text: str, *, behind: str = "") -> str:
    """The check character of ``behind`` and ``text`` (0-9, A-Z), ISO/IEC 7064 MOD 37,36.

    Finds every single substitution; of adjacent swaps it misses only some where the two
    values differ by one. Raises Malformed on another character. What many texts stand
    ``behind`` is gone through once for all of them. Source: GB/T 17710-2008.
    """
    state = _run(_values(text, _VALUE), _STEPS_36, _state_behind(behind))
    return UPPER_ALNUM[_hybrid_check(state, 36)]


@lru_cache(maxsize=1_024)
def _state_behind(text: str) -> int:
    return _run(_values(text, _VALUE), _STEPS_36, 36)


def mod_11_10_check(digits: str) -> str:
    """The check digit of ``digits`` by ISO/IEC 7064 MOD 11,10; Malformed otherwise."""
    state = _run(_values(digits, _DIGIT_VALUE), _STEPS_10, 10)
    return DIGITS[_hybrid_check(state, 10)]


def mod_11_2_check(digits17: str) -> str:
    """The check character (0-9, X) of 17 digits by ISO/IEC 7064 MOD 11-2.

    Raises Malformed unless there are 17 ASCII digits. Source: GB 11643-1999.
    """
    _demand_length(digits17, 17)
    total = _weighted(digits17, _CITIZEN_PRODUCTS)
    return _CITIZEN_CHECKS[total % 11]


def uscc_check(text17: str) -> str:
    """The 18th character of a unified social credit code; GB 32100-2015.

    Raises Malformed unless there are 17 characters of the code's alphabet.
    """
    _demand_length(text17, 17)
    total = _weighted(text17, _USCC_PRODUCTS)
    # The outer modulus turns remainder 0 into "0", not into a 32nd character.
    return USCC_ALPHABET[(31 - total % 31) % 31]


def org_code_check(text8: str) -> str:
    """The 9th character (0-9, X) of an organisation code; GB 11714-1997.

    Raises Malformed unless there are 8 characters 0-9 or A-Z.
    """
    _demand_length(text8, 8)
    remainder = 11 - _weighted(text8, _ORG_PRODUCTS) % 11
    return "X" if remainder == 10 else DIGITS[remainder % 11]


def _steps(modulus: int) -> Steps:
    """state -> value -> next state of a hybrid system with this modulus and one more."""
    return tuple(
        tuple(
            2 * ((state + value) % modulus or modulus) % (modulus + 1)
            for value in range(modulus)
        )
        for state in range(modulus + 1)
    )


def _products(
    values: Mapping[str, int], weights: Sequence[int]
) -> tuple[dict[str, int], ...]:
    """Character -> value times weight, for each place."""
    return tuple({char: n * weight for char, n in values.items()} for weight in weights)


# Every license event has a check of 57 characters: a look-up each, no arithmetic.
_STEPS_36 = _steps(36)
_STEPS_10 = _steps(10)
_CITIZEN_PRODUCTS = _products(_DIGIT_VALUE, _CITIZEN_WEIGHTS)
_USCC_PRODUCTS = _products(_USCC_VALUE, _USCC_WEIGHTS)
_ORG_PRODUCTS = _products(_VALUE, _ORG_WEIGHTS)


def _run(values: Iterable[int], steps: Steps, state: int) -> int:
    """The state of a hybrid system behind these values; it begins in its modulus."""
    for value in values:
        state = steps[state][value]
    return state


def _hybrid_check(state: int, modulus: int) -> int:
    return (modulus + 1 - state) % modulus


def _weighted(text: str, products: tuple[dict[str, int], ...]) -> int:
    try:
        return sum(map(getitem, products, text))
    except KeyError:
        raise _foreign(products[0]) from None


def _values(text: str, alphabet: dict[str, int]) -> list[int]:
    try:
        return list(map(alphabet.__getitem__, text))
    except KeyError:
        raise _foreign(alphabet) from None


def _foreign(alphabet: Iterable[str]) -> Malformed:
    # The number may be a person's: say what was wrong, not what it was.
    return Malformed(
        "a character outside the number's alphabet", expected="".join(alphabet)
    )


def _demand_length(text: str, length: int) -> None:
    if len(text) != length:
        raise Malformed(
            "wrong length", expected=f"{length} characters", found=str(len(text))
        )
