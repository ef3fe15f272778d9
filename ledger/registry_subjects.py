"""The grammar of registry subjects: one chain per thing that the registry knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ledger.check_digits import DIGITS, consists_of
from ledger.errors import Malformed

_HEX = frozenset("0123456789abcdef")
_UPPER = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")


class RegistrySubject(NamedTuple):
    """A parsed registry subject, for example ``authority:11210000999990010U``."""

    kind: str
    name: str


def _upper(size: int) -> Callable[[str], bool]:
    return lambda name: len(name) == size and _UPPER.issuperset(name)


def _schema(name: str) -> bool:
    record, slash, version = name.partition("/")
    return bool(slash and record and _NAME.issuperset(record)) and _number(version)


def _number(text: str) -> bool:
    return 0 < len(text) <= 9 and consists_of(text, DIGITS) and text[0] != "0"


def _plain(name: str) -> bool:
    return 0 < len(name) <= 64 and _NAME.issuperset(name)


GRAMMAR: dict[str, Callable[[str], bool]] = {
    "ledger": lambda name: name == "",
    "authority": _upper(18),
    "key": lambda name: len(name) == 64 and _HEX.issuperset(name),
    "type": _upper(21),
    "calendar": _plain,
    "schema": _schema,
    "rule": _number,
    "source": _plain,
}


def parse_subject(text: str) -> RegistrySubject:
    """Kind and name of a registry subject; raises Malformed outside the grammar."""
    kind, colon, name = text.partition(":")
    check = GRAMMAR.get(kind)
    if not colon or check is None or not check(name):
        raise Malformed(
            "not a registry subject",
            code="bad_registry_subject",
            expected="one of " + ", ".join(f"{kind}:…" for kind in GRAMMAR),
        )
    return RegistrySubject(kind, name)
